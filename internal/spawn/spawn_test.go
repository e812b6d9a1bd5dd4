// SPDX-License-Identifier: MIT

package spawn

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"daemontools-go/internal/sys"
)

// spawner is the one of the process: two would take each other's children for
// strays. For the same reason no test here uses os/exec.
var spawner *Spawner

// inherited are the descriptors, beyond standard error, with which the tests
// were started; children have them too.
var inherited = map[string]bool{}

func TestMain(m *testing.M) {
	for name := range descriptors("self") {
		b, _ := os.ReadFile("/proc/self/fdinfo/" + name)
		flags := 0
		_, line, _ := strings.Cut(string(b), "flags:")
		if _, err := fmt.Sscanf(line, "%o", &flags); err == nil && flags&syscall.O_CLOEXEC == 0 {
			inherited[name] = true
		}
	}
	if err := os.Setenv("SPAWN_TEST", "before"); err != nil {
		panic(err)
	}
	var err error
	if spawner, err = Start(); err != nil {
		panic(err)
	}
	if err := os.Setenv("SPAWN_TEST", "after"); err != nil {
		panic(err)
	}
	m.Run()
}

// descriptors are those of a thread of this process and what they lead to.
func descriptors(thread string) map[string]string {
	open := map[string]string{}
	dir := "/proc/self/fd/"
	if thread != "self" {
		dir = "/proc/self/task/" + thread + "/fd/"
	}
	entries, _ := os.ReadDir(dir)
	for _, entry := range entries {
		// The one that has listed them is closed by now.
		if target, err := os.Readlink(dir + entry.Name()); err == nil {
			open[entry.Name()] = target
		}
	}
	return open
}

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

// program makes a directory with a file run in it, and opens it.
func program(t *testing.T, content string, mode os.FileMode) (path string, dir sys.FD) {
	t.Helper()
	path = t.TempDir()
	if err := os.WriteFile(path+"/run", []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path+"/run", mode); err != nil {
		t.Fatal(err)
	}
	dir, err := sys.Here.OpenHandle(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dir.Close() })
	return path, dir
}

func script(t *testing.T, lines string) (path string, dir sys.FD) {
	t.Helper()
	return program(t, "#!/bin/sh\n"+lines+"\n", 0o755)
}

// start starts a child, which is dead and reaped at the end of the test.
func start(t *testing.T, child Child) (pid int) {
	t.Helper()
	child.Path = "./run"
	pid, err := spawner.Start(child)
	if err != nil {
		t.Fatalf("Start() = %v", err)
	}
	t.Cleanup(func() {
		if isOurs(pid) {
			_ = sys.Kill(pid, syscall.SIGKILL)
			reap(t, pid)
		}
	})
	return pid
}

func isOurs(pid int) bool {
	spawner.mu.Lock()
	defer spawner.mu.Unlock()
	return spawner.children[pid] > 0
}

func reap(t *testing.T, pid int) {
	t.Helper()
	eventually(t, "the child dies", func() bool { return spawner.Reap(pid) })
	if isOurs(pid) {
		t.Errorf("a child that was reaped is still known")
	}
}

// output runs a child to its end and answers with what it wrote.
func output(t *testing.T, child Child) (text string, pid int) {
	t.Helper()
	r, w := pipe(t)
	child.Stdout = w
	pid = start(t, child)
	w.Close()
	defer r.Close()
	text, err := readAll(r)
	if err != nil {
		t.Errorf("reading what a child wrote: %v", err)
	}
	reap(t, pid)
	return text, pid
}

// pipe makes a pipe, for the caller to close.
func pipe(t *testing.T) (r, w sys.FD) {
	t.Helper()
	r, w, err := sys.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	return r, w
}

// readAll reads until nobody can write any more.
func readAll(r sys.FD) (text string, err error) {
	var buf [1000]byte
	for {
		n, err := r.Read(buf[:])
		if err != nil || n == 0 {
			return text, err
		}
		text += string(buf[:n])
	}
}

func TestChild(t *testing.T) {
	t.Parallel()
	path, dir := script(t, `echo "cwd $(pwd -P)"; echo "env $SPAWN_TEST"; echo "me $0 $#"; echo "pid $$ of $PPID"; cat`)
	stdin, w := pipe(t)
	if _, err := w.Write([]byte("the standard input\n")); err != nil {
		t.Fatal(err)
	}
	w.Close()
	got, pid := output(t, Child{Dir: dir, Stdin: stdin})
	stdin.Close()
	resolved, err := filepath.EvalSymlinks(path)
	if err != nil {
		t.Fatal(err)
	}
	// The environment is that of when the spawner was started.
	want := fmt.Sprintf("cwd %s\nenv before\nme ./run 0\npid %d of %d\nthe standard input\n", resolved, pid, os.Getpid())
	if got != want {
		t.Errorf("the child wrote %q, want %q", got, want)
	}
}

// TestOurs has children whose standard input, output, or both are ours.
func TestOurs(t *testing.T) {
	t.Parallel()
	r, w := pipe(t)
	defer r.Close()
	defer w.Close()
	link := func(fd int) string {
		target, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(fd))
		if err != nil {
			t.Fatal(err)
		}
		return target
	}
	in, out := link(int(r)), link(int(w))
	tests := []struct {
		name          string
		stdin, stdout sys.FD
		want          [3]string
	}{
		{"both", sys.None, sys.None, [3]string{link(0), link(1), link(2)}},
		{"stdin", sys.None, w, [3]string{link(0), out, link(2)}},
		{"stdout", r, sys.None, [3]string{in, link(1), link(2)}},
		{"neither", r, w, [3]string{in, out, link(2)}},
	}
	for _, test := range tests {
		path, dir := script(t, `
a=$(readlink /proc/$$/fd/0) b=$(readlink /proc/$$/fd/1) c=$(readlink /proc/$$/fd/2)
printf '%s\n' "$a" "$b" "$c" >links`)
		pid := start(t, Child{Dir: dir, Stdin: test.stdin, Stdout: test.stdout})
		reap(t, pid)
		got, err := os.ReadFile(path + "/links")
		if want := strings.Join(test.want[:], "\n") + "\n"; string(got) != want {
			t.Errorf("ours: %s: the child has %q, %v, want %q", test.name, got, err, want)
		}
	}
}

func TestSignalMask(t *testing.T) {
	t.Parallel()
	_, dir := script(t, "exec grep SigBlk: /proc/self/status")
	got, _ := output(t, Child{Dir: dir, Stdin: sys.None})
	if want := "SigBlk:\t0000000000000000\n"; got != want {
		t.Errorf("the child has %q, want %q", got, want)
	}
}

func TestStartFails(t *testing.T) {
	t.Parallel()
	missing := t.TempDir()
	missingDir, err := sys.Here.OpenHandle(missing)
	if err != nil {
		t.Fatal(err)
	}
	defer missingDir.Close()
	dirOf := func(content string, mode os.FileMode) sys.FD {
		_, dir := program(t, content, mode)
		return dir
	}
	linkPath, link := program(t, "", 0o755)
	if err := errors.Join(os.Remove(linkPath+"/run"), os.Symlink("run", linkPath+"/run")); err != nil {
		t.Fatal(err)
	}
	subPath, sub := program(t, "", 0o755)
	if err := errors.Join(os.Remove(subPath+"/run"), os.Mkdir(subPath+"/run", 0o755)); err != nil {
		t.Fatal(err)
	}
	filePath, _ := program(t, "", 0o755)
	file, err := sys.Here.OpenHandle(filePath + "/run")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	const closed sys.FD = 1 << 30
	ok := dirOf("#!/bin/sh\n", 0o755)
	tests := []struct {
		name  string
		child Child
		want  error
	}{
		{"no run", Child{Dir: missingDir}, syscall.ENOENT},
		{"not executable", Child{Dir: dirOf("#!/bin/sh\n", 0o644)}, syscall.EACCES},
		{"no program", Child{Dir: dirOf("\x00\x01\x02", 0o755)}, syscall.ENOEXEC},
		{"no #! line", Child{Dir: dirOf("exit 0\n", 0o755)}, syscall.ENOEXEC},
		{"empty", Child{Dir: dirOf("", 0o755)}, syscall.ENOEXEC},
		{"no interpreter", Child{Dir: dirOf("#!/no/where\n", 0o755)}, syscall.ENOENT},
		{"run is a directory", Child{Dir: sub}, syscall.EACCES},
		{"run is a loop", Child{Dir: link}, syscall.ELOOP},
		{"the directory is a file", Child{Dir: file}, syscall.ENOTDIR},
		{"the directory is not open", Child{Dir: closed}, syscall.EBADF},
		{"standard input is not open", Child{Dir: ok, Stdin: closed}, syscall.EBADF},
		{"standard output is not open", Child{Dir: ok, Stdout: closed}, syscall.EBADF},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			child := test.child
			child.Path = "./run"
			if child.Stdin == 0 {
				child.Stdin = sys.None
			}
			if child.Stdout == 0 {
				child.Stdout = sys.None
			}
			pid, err := spawner.Start(child)
			if !errors.Is(err, test.want) || pid != 0 || sys.IsFull(err) {
				t.Errorf("Start() = %d, %v, want 0, %v", pid, err, test.want)
			}
			// The next child is not mistaken for this one.
			_, dir := script(t, "echo next")
			if got, _ := output(t, Child{Dir: dir, Stdin: sys.None}); got != "next\n" {
				t.Errorf("the next child wrote %q, want %q", got, "next\n")
			}
		})
	}
}

func TestReap(t *testing.T) {
	t.Parallel()
	_, dir := script(t, "exec sleep 1000")
	pid := start(t, Child{Dir: dir, Stdin: sys.None, Stdout: sys.None})
	if spawner.Reap(pid) {
		t.Errorf("Reap() of a living child = true, want false")
	}
	if !isOurs(pid) {
		t.Errorf("a living child is not known")
	}
	if err := sys.Kill(pid, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	reap(t, pid)
	if dead, err := sys.Reap(pid); dead || !errors.Is(err, syscall.ECHILD) {
		t.Errorf("after Reap() the child is there: %v, %v", dead, err)
	}
}

func TestWhenChildDied(t *testing.T) {
	t.Parallel()
	_, dir := script(t, "exec sleep 1000")
	pid := start(t, Child{Dir: dir, Stdin: sys.None, Stdout: sys.None})
	var called atomic.Int32
	spawner.WhenChildDied(pid, func() { called.Add(1) })
	if err := sys.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	// Children of other tests come before this one, until they are reaped.
	eventually(t, "the owner is told", func() bool {
		spawner.ChildDied()
		return called.Load() > 0
	})
	reap(t, pid)
	settle(t)
	before := called.Load()
	spawner.ChildDied()
	settle(t)
	if called.Load() != before {
		t.Errorf("the owner was told of a child that was reaped")
	}
}

func TestWhenChildDiedAfterItsDeath(t *testing.T) {
	t.Parallel()
	_, dir := script(t, "exit 0")
	pid := start(t, Child{Dir: dir, Stdin: sys.None, Stdout: sys.None})
	waitForDeath(t, pid)
	var called atomic.Int32
	spawner.WhenChildDied(pid, func() { called.Add(1) })
	eventually(t, "the owner is told", func() bool {
		spawner.ChildDied()
		return called.Load() > 0
	})
	reap(t, pid)
}

// TestManyStarts starts children from many goroutines, while others ask for
// strays to be collected.
func TestManyStarts(t *testing.T) {
	t.Parallel()
	const starters, each = 16, 10
	over := make(chan struct{})
	var asking, starting sync.WaitGroup
	asking.Add(1)
	go func() {
		defer asking.Done()
		for {
			select {
			case <-over:
				return
			default:
				spawner.ChildDied()
			}
		}
	}()
	for i := range starters {
		path, dir := script(t, `read -r line; echo "$(basename "$(pwd -P)") $line"`)
		starting.Add(1)
		go func() {
			defer starting.Done()
			for n := range each {
				got, err := ask(dir, fmt.Sprintf("%d %d\n", i, n))
				if want := fmt.Sprintf("%s %d %d\n", filepath.Base(path), i, n); got != want || err != nil {
					t.Errorf("the child wrote %q, %v, want %q", got, err, want)
				}
			}
		}()
	}
	starting.Wait()
	close(over)
	asking.Wait()
}

// ask runs a child that gets a question and writes an answer.
func ask(dir sys.FD, question string) (answer string, err error) {
	stdin, question0, err := sys.Pipe()
	if err != nil {
		return "", err
	}
	answer0, stdout, err := sys.Pipe()
	if err != nil {
		return "", err
	}
	defer answer0.Close()
	if _, err := question0.Write([]byte(question)); err != nil {
		return "", err
	}
	question0.Close()
	pid, err := spawner.Start(Child{Dir: dir, Stdin: stdin, Stdout: stdout, Path: "./run"})
	stdin.Close()
	stdout.Close()
	if err != nil {
		return "", err
	}
	if answer, err = readAll(answer0); err != nil {
		return answer, err
	}
	process, err := sys.OpenProcess(pid)
	if err != nil {
		return answer, fmt.Errorf("the child was collected as a stray: %w", err)
	}
	defer process.Close()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !spawner.Reap(pid) {
		<-tick.C
	}
	return answer, nil
}

// TestNoLeakIntoChildren has many descriptors open that are not for children.
func TestNoLeakIntoChildren(t *testing.T) {
	t.Parallel()
	for range 20 {
		r, w := pipe(t)
		defer r.Close()
		defer w.Close()
	}
	stdin, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	_, dir := script(t, "exec ls /proc/self/fd")
	got, _ := output(t, Child{Dir: dir, Stdin: sys.FD(stdin.Fd())})
	open := map[string]bool{"0": true, "1": true, "2": true}
	for name := range inherited {
		open[name] = true
	}
	for fd := 0; ; fd++ { // that with which ls reads the directory
		if name := strconv.Itoa(fd); !open[name] {
			open[name] = true
			break
		}
	}
	for name := range strings.FieldsSeq(got) {
		if !open[name] {
			t.Errorf("the child has descriptor %s, all in all %q", name, strings.Fields(got))
		}
	}
}
