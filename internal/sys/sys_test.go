// SPDX-License-Identifier: MIT

package sys

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// eventually waits until it is so.
func eventually(t *testing.T, what string, isSo func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	limit := time.After(30 * time.Second)
	for !isSo() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("waited 30 s in vain: %s", what)
		}
	}
}

func pipe(t *testing.T) (r, w FD) {
	t.Helper()
	r, w, err := Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.Close()
		w.Close()
	})
	return r, w
}

func write(t *testing.T, fd FD, text string) {
	t.Helper()
	if n, err := fd.Write([]byte(text)); n != len(text) || err != nil {
		t.Fatalf("Write(%q) = %d, %v", text, n, err)
	}
}

func read(t *testing.T, fd FD) string {
	t.Helper()
	buf := make([]byte, 100)
	n, err := fd.Read(buf)
	if err != nil {
		t.Fatalf("Read() = %v", err)
	}
	return string(buf[:n])
}

// openDir opens a new directory as a handle.
func openDir(t *testing.T) (path string, dir FD) {
	t.Helper()
	path = t.TempDir()
	dir, err := Here.OpenHandle(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dir.Close() })
	return path, dir
}

func TestErrno(t *testing.T) {
	t.Parallel()
	tests := []struct {
		err  error
		want syscall.Errno
		full bool
	}{
		{nil, 0, false},
		{errors.New("other"), 0, false},
		{syscall.ENOENT, syscall.ENOENT, false},
		{&os.PathError{Op: "open", Path: "x", Err: syscall.EACCES}, syscall.EACCES, false},
		{syscall.EAGAIN, syscall.EAGAIN, true},
		{syscall.ENOMEM, syscall.ENOMEM, true},
		{syscall.EMFILE, syscall.EMFILE, true},
		{fmt.Errorf("wrapped: %w", syscall.ENFILE), syscall.ENFILE, true},
		{syscall.ENOSPC, syscall.ENOSPC, false},
	}
	for _, test := range tests {
		if got := Errno(test.err); got != test.want {
			t.Errorf("Errno(%v) = %d, want %d", test.err, got, test.want)
		}
		if got := IsFull(test.err); got != test.full {
			t.Errorf("IsFull(%v) = %v, want %v", test.err, got, test.full)
		}
	}
}

func TestRetry(t *testing.T) {
	t.Parallel()
	answers := []error{syscall.EINTR, fmt.Errorf("wrapped: %w", syscall.EINTR), syscall.EIO, nil}
	calls := 0
	err := retry(func() error {
		calls++
		return answers[calls-1]
	})
	if !errors.Is(err, syscall.EIO) || calls != 3 {
		t.Errorf("retry() = %v after %d calls, want %v after 3", err, calls, syscall.EIO)
	}
}

func TestOpenFlags(t *testing.T) {
	t.Parallel()
	path, dir := openDir(t)
	if _, err := dir.Open("x", Read, 0); !errors.Is(err, syscall.ENOENT) {
		t.Errorf("Open(Read) of nothing = %v, want %v", err, syscall.ENOENT)
	}
	for _, step := range []struct {
		flags int
		text  string
		want  string
	}{
		{Truncate, "one", "one"},
		{Append, "two", "onetwo"},
		{Truncate | NoFollow, "three", "three"},
		{Both, "TH", "THree"},
		{Write, "t", "tHree"},
	} {
		fd, err := dir.Open("x", step.flags, 0o600)
		if err != nil {
			t.Fatalf("Open(%#o) = %v", step.flags, err)
		}
		write(t, fd, step.text)
		if err := fd.Close(); err != nil {
			t.Errorf("Close() = %v", err)
		}
		if got, err := os.ReadFile(path + "/x"); string(got) != step.want || err != nil {
			t.Errorf("after Open(%#o) and Write(%q): %q, %v, want %q", step.flags, step.text, got, err, step.want)
		}
	}
	if err := os.Symlink("x", path+"/link"); err != nil {
		t.Fatal(err)
	}
	if _, err := dir.Open("link", Read|NoFollow, 0); !errors.Is(err, syscall.ELOOP) {
		t.Errorf("Open(NoFollow) of a link = %v, want %v", err, syscall.ELOOP)
	}
	if _, err := dir.Open("x", Handle|Dir, 0); !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("Open(Dir) of a file = %v, want %v", err, syscall.ENOTDIR)
	}
}

// TestFIFODoesNotHang opens FIFOs that nobody has at the other end.
func TestFIFODoesNotHang(t *testing.T) {
	t.Parallel()
	_, dir := openDir(t)
	if err := dir.Mkfifo("fifo", 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := dir.Open("fifo", Write, 0); !errors.Is(err, syscall.ENXIO) {
		t.Errorf("Open(Write) without a reader = %v, want %v", err, syscall.ENXIO)
	}
	r, err := dir.Open("fifo", Read, 0)
	if err != nil {
		t.Fatalf("Open(Read) without a writer = %v", err)
	}
	defer r.Close()
	w, err := dir.Open("fifo", Write, 0)
	if err != nil {
		t.Fatalf("Open(Write) with a reader = %v", err)
	}
	defer w.Close()
	if n, err := r.Read(make([]byte, 1)); n != 0 || !errors.Is(err, syscall.EAGAIN) {
		t.Errorf("Read() of an empty FIFO = %d, %v, want 0, %v", n, err, syscall.EAGAIN)
	}
	full := make([]byte, 1<<20)
	if n, err := w.Write(full); n <= 0 || n >= len(full) || err != nil {
		t.Errorf("Write() of more than fits = %d, %v, want a part of it", n, err)
	}
	if n, err := w.Write(full); n != 0 || !errors.Is(err, syscall.EAGAIN) {
		t.Errorf("Write() to a full FIFO = %d, %v, want 0, %v", n, err, syscall.EAGAIN)
	}
}

func TestCloseNothing(t *testing.T) {
	t.Parallel()
	for _, fd := range []FD{None, Here} {
		if err := fd.Close(); err != nil {
			t.Errorf("FD(%d).Close() = %v, want nil", fd, err)
		}
	}
	if err := FD(1 << 30).Close(); !errors.Is(err, syscall.EBADF) {
		t.Errorf("Close() of what is not open = %v, want %v", err, syscall.EBADF)
	}
}

func TestFailuresGiveNone(t *testing.T) {
	t.Parallel()
	_, dir := openDir(t)
	for name, open := range map[string]func() (FD, error){
		"Open":        func() (FD, error) { return dir.Open("missing", Read, 0) },
		"OpenHandle":  func() (FD, error) { return dir.OpenHandle("missing") },
		"Dup":         None.Dup,
		"OpenProcess": func() (FD, error) { return OpenProcess(1 << 30) },
	} {
		if fd, err := open(); fd != None || Errno(err) == 0 {
			t.Errorf("%s = %d, %v, want %d and an errno", name, fd, err, None)
		}
	}
}

// TestCloseOnExec has all that make descriptors.
func TestCloseOnExec(t *testing.T) {
	t.Parallel()
	_, dir := openDir(t)
	r, w := pipe(t)
	dup, err := r.Dup()
	if err != nil {
		t.Fatal(err)
	}
	defer dup.Close()
	epoll, err := NewEpoll()
	if err != nil {
		t.Fatal(err)
	}
	defer epoll.FD.Close()
	inotify, err := NewInotify()
	if err != nil {
		t.Fatal(err)
	}
	defer inotify.Close()
	process, err := OpenProcess(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	defer process.Close()
	rights := newRights(t)
	if err := rights.Send(r); err != nil {
		t.Fatal(err)
	}
	received, err := rights.Receive()
	if err != nil || len(received) != 1 {
		t.Fatalf("Receive() = %v, %v, want 1 descriptor", received, err)
	}
	defer received[0].Close()
	for name, fd := range map[string]FD{
		"OpenHandle": dir, "Pipe's reading end": r, "Pipe's writing end": w, "Dup": dup, "NewEpoll": epoll.FD,
		"NewInotify": inotify, "OpenProcess": process, "Rights' from": rights.from, "Rights' to": rights.to,
		"Receive": received[0],
	} {
		b, err := os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", fd))
		if err != nil {
			t.Fatal(err)
		}
		_, line, _ := strings.Cut(string(b), "flags:")
		flags := 0
		if _, err := fmt.Sscanf(line, "%o", &flags); err != nil || flags&syscall.O_CLOEXEC == 0 {
			t.Errorf("%s: flags %#o, %v, want close-on-exec", name, flags, err)
		}
	}
}

func TestSetBlocking(t *testing.T) {
	t.Parallel()
	_, dir := openDir(t)
	if err := dir.Mkfifo("fifo", 0o600); err != nil {
		t.Fatal(err)
	}
	fd, err := dir.Open("fifo", Both, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer fd.Close()
	if _, err := fd.Read(make([]byte, 1)); !errors.Is(err, syscall.EAGAIN) {
		t.Errorf("Read() = %v, want %v", err, syscall.EAGAIN)
	}
	if err := fd.SetBlocking(); err != nil {
		t.Fatalf("SetBlocking() = %v", err)
	}
	got := make(chan string)
	go func() {
		buf := make([]byte, 10)
		n, err := fd.Read(buf)
		got <- fmt.Sprintf("%s, %v", buf[:n], err)
	}()
	write(t, fd, "x")
	if got, want := <-got, "x, <nil>"; got != want {
		t.Errorf("Read() = %q, want %q", got, want)
	}
}

func TestReadlink(t *testing.T) {
	t.Parallel()
	path, dir := openDir(t)
	const limit = 20
	long := strings.Repeat("x", 4095)
	for name, target := range map[string]string{
		"short": "a", "fits": long[:limit-1], "exact": long[:limit], "long": long[:limit+1], "longest": long,
	} {
		if err := os.Symlink(target, path+"/"+name); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(path+"/file", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name  string
		limit int
		want  string
		err   error
	}{
		{"short", limit, "a", nil},
		{"fits", limit, long[:limit-1], nil},
		// Original: a target that fills the buffer may be longer.
		{"exact", limit, "", syscall.EOVERFLOW},
		{"long", limit, "", syscall.EOVERFLOW},
		{"longest", 4095, "", syscall.EOVERFLOW},
		{"longest", 4096, long, nil},
		{"file", limit, "", syscall.EINVAL},
		{"missing", limit, "", syscall.ENOENT},
	}
	for _, test := range tests {
		got, err := dir.Readlink(test.name, test.limit)
		if got != test.want || !errors.Is(err, test.err) {
			t.Errorf("Readlink(%q, %d) = %q, %v, want %q, %v", test.name, test.limit, got, err, test.want, test.err)
		}
	}
}

func TestBuffered(t *testing.T) {
	t.Parallel()
	r, w := pipe(t)
	expect := func(want int) {
		t.Helper()
		for name, fd := range map[string]FD{"reading": r, "writing": w} {
			if got, err := fd.Buffered(); got != want || err != nil {
				t.Errorf("Buffered() of the %s end = %d, %v, want %d", name, got, err, want)
			}
		}
	}
	expect(0)
	write(t, w, "one")
	expect(3)
	write(t, w, "two")
	expect(6)
	if _, err := r.Read(make([]byte, 4)); err != nil {
		t.Fatal(err)
	}
	expect(2)
	read(t, r)
	expect(0)
	if _, err := None.Buffered(); !errors.Is(err, syscall.EBADF) {
		t.Errorf("Buffered() of nothing = %v, want %v", err, syscall.EBADF)
	}
}

func TestListNames(t *testing.T) {
	t.Parallel()
	path, dir := openDir(t)
	if names, err := dir.ListNames(); len(names) != 0 || err != nil {
		t.Errorf("ListNames() of an empty directory = %q, %v", names, err)
	}
	// More than one buffer of the kernel's holds, and all types of files.
	want := []string{".hidden", "directory", "link", "with\nnewline", "...", "\xff"}
	for i := range 1000 {
		want = append(want, fmt.Sprintf("%04d%s", i, strings.Repeat("x", i%200)))
	}
	for _, name := range want {
		var err error
		switch path := filepath.Join(path, name); name {
		case "directory":
			err = os.Mkdir(path, 0o700)
		case "link":
			err = os.Symlink("nowhere", path)
		default:
			err = os.WriteFile(path, nil, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	// Twice: listing leaves nothing behind in the descriptor.
	for range 2 {
		got, err := dir.ListNames()
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) || err != nil {
			t.Errorf("ListNames() = %d names, %v, want %d", len(got), err, len(want))
		}
	}
	file, err := dir.OpenHandle(".hidden")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if names, err := file.ListNames(); len(names) != 0 || !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("ListNames() of a file = %q, %v, want %v", names, err, syscall.ENOTDIR)
	}
}

func TestListNamesOfRemoved(t *testing.T) {
	t.Parallel()
	path, parent := openDir(t)
	if err := parent.Mkdir("gone", 0o700); err != nil {
		t.Fatal(err)
	}
	dir, err := parent.OpenHandle("gone")
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	if err := os.Remove(path + "/gone"); err != nil {
		t.Fatal(err)
	}
	if names, err := dir.ListNames(); len(names) != 0 || !errors.Is(err, syscall.ENOENT) {
		t.Errorf("ListNames() of a removed directory = %q, %v, want %v", names, err, syscall.ENOENT)
	}
}

func TestStat(t *testing.T) {
	t.Parallel()
	path, dir := openDir(t)
	if err := errors.Join(
		dir.Mkdir("dir", 0o700), dir.Mkfifo("fifo", 0o600),
		os.Symlink("dir", path+"/link"), os.Symlink("nowhere", path+"/dangling"),
		os.WriteFile(path+"/file", nil, 0o644), os.WriteFile(path+"/program", nil, 0o700),
		os.Chmod(path+"/dir", 0o755), os.Chmod(path+"/program", 0o010),
	); err != nil {
		t.Fatal(err)
	}
	const isDir, isFIFO, isRegular, isLink, isExecutable = 1, 2, 4, 8, 16
	kinds := func(s Stat) (set int) {
		for i, is := range []bool{s.IsDir(), s.IsFIFO(), s.IsRegular(), s.IsLink(), s.IsExecutable()} {
			if is {
				set |= 1 << i
			}
		}
		return set
	}
	tests := []struct {
		name        string
		stat, lstat int
	}{
		{"dir", isDir, isDir},
		{".", isDir, isDir},
		{"fifo", isFIFO, isFIFO},
		{"link", isDir, isLink},
		{"dangling", 0, isLink},
		{"file", isRegular, isRegular},
		{"program", isRegular | isExecutable, isRegular | isExecutable},
		{"missing", 0, 0},
	}
	for _, test := range tests {
		st, err := dir.Stat(test.name)
		if got := kinds(st); got != test.stat || (test.stat == 0) != errors.Is(err, syscall.ENOENT) {
			t.Errorf("Stat(%q) = %d, %v, want %d", test.name, got, err, test.stat)
		}
		st, err = dir.Lstat(test.name)
		if got := kinds(st); got != test.lstat || (test.lstat == 0) != errors.Is(err, syscall.ENOENT) {
			t.Errorf("Lstat(%q) = %d, %v, want %d", test.name, got, err, test.lstat)
		}
	}
	self, err := dir.StatSelf()
	if err != nil {
		t.Fatal(err)
	}
	if here, err := dir.Stat("."); here != self || err != nil {
		t.Errorf("Stat(%q) = %+v, %v, want %+v as of StatSelf", ".", here, err, self)
	}
	one, _ := dir.Stat("dir")
	through, _ := dir.Stat("link")
	other, _ := dir.Stat("file")
	if one.ID != through.ID || one.ID == other.ID {
		t.Errorf("the IDs are %v and %v of the same file, and %v of another", one.ID, through.ID, other.ID)
	}
}

func TestRename(t *testing.T) {
	t.Parallel()
	path, dir := openDir(t)
	if err := os.WriteFile(path+"/a", []byte("new"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+"/b", []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := dir.Rename("a", "b"); err != nil {
		t.Errorf("Rename() = %v", err)
	}
	if got, err := os.ReadFile(path + "/b"); string(got) != "new" {
		t.Errorf("after Rename: %q, %v, want %q", got, err, "new")
	}
	if err := dir.Rename("a", "b"); !errors.Is(err, syscall.ENOENT) {
		t.Errorf("Rename() of nothing = %v, want %v", err, syscall.ENOENT)
	}
}

func TestLock(t *testing.T) {
	t.Parallel()
	_, dir := openDir(t)
	var fds [2]FD
	for i := range fds {
		var err error
		if fds[i], err = dir.Open("lock", Append, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	defer fds[1].Close()
	if err := fds[0].Lock(); err != nil {
		t.Errorf("Lock() = %v", err)
	}
	if err := fds[0].Lock(); err != nil {
		t.Errorf("Lock() of what we hold = %v", err)
	}
	if err := fds[1].Lock(); !errors.Is(err, syscall.EAGAIN) {
		t.Errorf("Lock() of what another holds = %v, want %v", err, syscall.EAGAIN)
	}
	fds[0].Close()
	if err := fds[1].Lock(); err != nil {
		t.Errorf("Lock() of what was let go = %v", err)
	}
}

func TestIsRemote(t *testing.T) {
	t.Parallel()
	proc, err := Here.Open("/proc", Read|Dir, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer proc.Close()
	if proc.IsRemote() || None.IsRemote() {
		t.Errorf("IsRemote() of /proc = %v, of nothing = %v, want false", proc.IsRemote(), None.IsRemote())
	}
}
