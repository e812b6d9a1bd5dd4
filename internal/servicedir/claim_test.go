// SPDX-License-Identifier: MIT

package servicedir

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"daemontools-go/internal/sys"
)

func TestClaimTwice(t *testing.T) {
	t.Parallel()
	path, d := newDir(t)
	first := claimed(t, d)
	another, err := Open(sys.Here, path)
	if err != nil {
		t.Fatal(err)
	}
	defer another.Close()
	runtime.GC() // the lock is no *os.File that could be collected
	const want = "unable to acquire web/supervise/lock: temporary failure"
	for _, d := range []Dir{d, another} {
		second, err := d.Claim("web")
		if !errors.Is(err, syscall.EAGAIN) || err.Error() != want || second != NoClaim {
			t.Errorf("Claim() of a claimed directory = %+v, %v, want %q", second, err, want)
		}
	}
	// The one who was refused has not disturbed the one who holds it.
	expectStatus(t, d, Status{Since: stamp, Want: WantDown})
	first.Release()
	claimed(t, another).Release()
}

// umask reads the umask without changing it, as umask(2) would.
func umask(t *testing.T) (mask os.FileMode) {
	t.Helper()
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, line, found := strings.Cut(string(b), "\nUmask:")
	if !found {
		t.Fatal("/proc/self/status has no umask")
	}
	if _, err := fmt.Sscanf(line, "%o", &mask); err != nil {
		t.Fatal(err)
	}
	return mask
}

func TestClaimFiles(t *testing.T) {
	t.Parallel()
	mask := umask(t)
	path, d := newDir(t)
	claim := claimed(t, d)
	expectFiles := func(when string) {
		t.Helper()
		for name, want := range map[string]os.FileMode{
			"supervise":         os.ModeDir | 0o700&^mask,
			"supervise/lock":    0o600 &^ mask,
			"supervise/control": os.ModeNamedPipe | 0o600&^mask,
			"supervise/status":  0o644 &^ mask,
			"supervise/ok":      os.ModeNamedPipe | 0o600&^mask,
		} {
			st, err := os.Lstat(filepath.Join(path, name))
			if err != nil || st.Mode() != want {
				t.Errorf("%s: %s is %v, %v, want %v", when, name, st.Mode(), err, want)
			}
		}
		if names, err := filepath.Glob(path + "/supervise/*"); len(names) != 4 {
			t.Errorf("%s: supervise has %q, %v, want 4 files", when, names, err)
		}
	}
	expectFiles("claimed")
	claim.Release()
	expectFiles("released")
	claimed(t, d)
	expectFiles("claimed again")
}

func TestClaimOrder(t *testing.T) {
	t.Parallel()
	path, d := newDir(t)
	expect := func(when string, want ...string) {
		t.Helper()
		entries, _ := os.ReadDir(path + "/supervise")
		var got []string
		for _, entry := range entries {
			got = append(got, entry.Name())
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: supervise has %q, want %q", when, got, want)
		}
	}
	claim, err := d.Claim("web")
	if err != nil {
		t.Fatalf("Claim() = %v", err)
	}
	defer claim.Release()
	expect("claimed", "control", "lock")
	if err := claim.Publish(Status{Since: stamp}); err != nil {
		t.Fatalf("Publish() = %v", err)
	}
	expect("published", "control", "lock", "status")
	if err := claim.Open(); err != nil {
		t.Fatalf("Open() = %v", err)
	}
	expect("opened", "control", "lock", "ok", "status")
}

func TestClaimFails(t *testing.T) {
	t.Parallel()
	supervise := plant{name: "supervise", mode: os.ModeDir | 0o700}
	tests := []struct {
		name   string
		plants []plant
		want   string
	}{
		{
			"supervise is a file",
			[]plant{{name: "supervise", mode: 0o644}},
			"unable to acquire web/supervise/lock: not a directory",
		},
		{
			"the target of supervise has no parent",
			[]plant{{name: "supervise", target: "no/where"}},
			"unable to acquire web/supervise/lock: file does not exist",
		},
		{
			"supervise is a loop",
			[]plant{{name: "supervise", target: "supervise"}},
			"unable to acquire web/supervise/lock: symbolic link loop",
		},
		{
			"lock is a directory",
			[]plant{supervise, {name: "supervise/lock", mode: os.ModeDir | 0o700}},
			"unable to acquire web/supervise/lock: is a directory",
		},
		{
			"lock is a link",
			[]plant{supervise, {name: "supervise/lock", target: "../run"}},
			"unable to acquire web/supervise/lock: symbolic link loop",
		},
		{
			"control is a file",
			[]plant{supervise, {name: "supervise/control", mode: 0o600}},
			"unable to read web/supervise/control: not a FIFO",
		},
		{
			"control is a directory",
			[]plant{supervise, {name: "supervise/control", mode: os.ModeDir | 0o700}},
			"unable to read web/supervise/control: is a directory",
		},
		{
			"control is a link",
			[]plant{
				supervise,
				{name: "fifo", mode: os.ModeNamedPipe | 0o600},
				{name: "supervise/control", target: "../fifo"},
			},
			"unable to read web/supervise/control: symbolic link loop",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path, d := newDir(t)
			plantAll(t, path, test.plants)
			claim, err := d.Claim("web")
			if err == nil || err.Error() != test.want || claim != NoClaim {
				t.Errorf("Claim() = %+v, %v, want %q", claim, err, test.want)
			}
		})
	}
}

func TestClaimForbidden(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		plants []plant
		want   string
	}{
		{"nothing may be made", nil, "unable to acquire web/supervise/lock: file does not exist"},
		{
			"supervise may not be entered",
			[]plant{{name: "supervise", mode: os.ModeDir}},
			"unable to acquire web/supervise/lock: access denied",
		},
		{
			"lock may not be written",
			[]plant{{name: "supervise", mode: os.ModeDir | 0o755}, {name: "supervise/lock", mode: 0o444}},
			"unable to acquire web/supervise/lock: access denied",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path, d := newDir(t)
			plantAll(t, path, test.plants)
			if err := os.Chmod(path, 0o555); err != nil {
				t.Fatal(err)
			}
			defer os.Chmod(path, 0o700) //nolint:errcheck // TempDir says when it cannot be removed
			err := asCommonUser(func() error {
				claim, err := d.Claim("web")
				claim.Release()
				return err
			})
			if err == nil || err.Error() != test.want {
				t.Errorf("Claim() = %v, want %q", err, test.want)
			}
		})
	}
}

// TestSuperviseLink has supervise as a link, which Debian makes it.
func TestSuperviseLink(t *testing.T) {
	t.Parallel()
	elsewhere := t.TempDir()
	tests := []struct {
		name     string
		target   string
		dangling bool
	}{
		{"relative", "state", false},
		{"relative and dangling", "state", true},
		{"absolute", elsewhere + "/web", false},
		{"absolute and dangling", elsewhere + "/mail", true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			mask := umask(t)
			path, d := newDir(t)
			target := test.target
			if !filepath.IsAbs(target) {
				target = filepath.Join(path, target)
			}
			if !test.dangling {
				if err := os.Mkdir(target, 0o700); err != nil {
					t.Fatal(err)
				}
			}
			plantAll(t, path, []plant{{name: "supervise", target: test.target}})
			claimed(t, d)
			expectStatus(t, d, Status{Since: stamp, Want: WantDown})
			st, err := os.Lstat(target)
			if want := os.ModeDir | 0o700&^mask; err != nil || st.Mode() != want {
				t.Errorf("the target is %v, %v, want %v", st.Mode(), err, want)
			}
			if _, err := os.Lstat(target + "/ok"); err != nil {
				t.Errorf("ok in the target: %v", err)
			}
		})
	}
}

func TestOpenFails(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		plant plant
		want  string
	}{
		{"a link", plant{target: "../fifo"}, "unable to read web/supervise/ok: symbolic link loop"},
		// Original: a regular file named ok is accepted, and so is a directory.
		{"a regular file", plant{mode: 0o600}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path, d := newDir(t)
			test.plant.name = "supervise/ok"
			plantAll(t, path, []plant{{name: "supervise", mode: os.ModeDir | 0o700}, test.plant})
			claim, err := d.Claim("web")
			if err != nil {
				t.Fatalf("Claim() = %v", err)
			}
			defer claim.Release()
			err = claim.Open()
			if got := fmt.Sprint(err); test.want != "" && got != test.want || test.want == "" && err != nil {
				t.Errorf("Open() = %v, want %q", err, test.want)
			}
		})
	}
}

func TestPublishFails(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		plants []plant
		want   string
	}{
		{
			"status.new is a directory",
			[]plant{{name: "status.new", mode: os.ModeDir | 0o700}},
			"unable to open web/supervise/status.new: is a directory",
		},
		{
			"status.new is a link",
			[]plant{{name: "status.new", target: "lock"}},
			"unable to open web/supervise/status.new: symbolic link loop",
		},
		{
			"status.new is a FIFO",
			[]plant{{name: "status.new", mode: os.ModeNamedPipe | 0o600}},
			"unable to open web/supervise/status.new: device not configured",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path, d := newDir(t)
			claim := claimed(t, d)
			plantAll(t, path+"/supervise", test.plants)
			err := claim.Publish(Status{Since: stamp, PID: 7, Want: WantUp, State: StateRun})
			if err == nil || err.Error() != test.want {
				t.Errorf("Publish() = %v, want %q", err, test.want)
			}
			expectStatus(t, d, Status{Since: stamp, Want: WantDown}) // the old record stays
		})
	}
	t.Run("status is a directory", func(t *testing.T) {
		t.Parallel()
		path, d := newDir(t)
		plantAll(t, path, []plant{
			{name: "supervise", mode: os.ModeDir | 0o700},
			{name: "supervise/status", mode: os.ModeDir | 0o700},
		})
		claim, err := d.Claim("web")
		if err != nil {
			t.Fatalf("Claim() = %v", err)
		}
		defer claim.Release()
		const want = "unable to rename web/supervise/status.new to status: is a directory"
		if err := claim.Publish(Status{Since: stamp}); err == nil || err.Error() != want {
			t.Errorf("Publish() = %v, want %q", err, want)
		}
	})
}

// TestPublishOverRemains has a status.new that a crash has left behind.
func TestPublishOverRemains(t *testing.T) {
	t.Parallel()
	path, d := newDir(t)
	claim := claimed(t, d)
	if err := os.WriteFile(path+"/supervise/status.new", make([]byte, 4096), 0o644); err != nil {
		t.Fatal(err)
	}
	want := Status{Since: stamp, PID: 7, Want: WantUp, State: StateRun}
	if err := claim.Publish(want); err != nil {
		t.Fatalf("Publish() = %v", err)
	}
	expectStatus(t, d, want)
	if b, err := os.ReadFile(path + "/supervise/status"); len(b) != recordSize {
		t.Errorf("status has %d bytes, %v, want %d", len(b), err, recordSize)
	}
}

// TestClaimFollowsRename has the service directory renamed under a supervisor.
func TestClaimFollowsRename(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	if err := os.Mkdir(parent+"/web", 0o700); err != nil {
		t.Fatal(err)
	}
	d, err := Open(sys.Here, parent+"/web")
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	claim := claimed(t, d)
	if err := os.Rename(parent+"/web", parent+"/mail"); err != nil {
		t.Fatal(err)
	}
	want := Status{Since: stamp, PID: 7, Want: WantUp, State: StateRun}
	if err := claim.Publish(want); err != nil {
		t.Fatalf("Publish() after the rename = %v", err)
	}
	renamed, err := Open(sys.Here, parent+"/mail")
	if err != nil {
		t.Fatal(err)
	}
	defer renamed.Close()
	expectStatus(t, renamed, want)
}

// TestSuperviseReplaced has another directory, or none, in the place of the one
// that was claimed.
func TestSuperviseReplaced(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		replace []plant
		want    string
	}{
		{"gone", nil, "file does not exist"},
		{"another", []plant{{name: "supervise", mode: os.ModeDir | 0o700}}, "directory was replaced"},
		{"a file", []plant{{name: "supervise", mode: 0o600}}, "not a directory"},
		{"a dangling link", []plant{{name: "supervise", target: "nowhere"}}, "file does not exist"},
		{"a link to the same", []plant{{name: "supervise", target: "old"}}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path, d := newDir(t)
			claim, err := d.Claim("web")
			if err != nil {
				t.Fatalf("Claim() = %v", err)
			}
			defer claim.Release()
			if err := claim.Open(); err != nil {
				t.Fatalf("Open() = %v", err)
			}
			if err := os.Rename(path+"/supervise", path+"/old"); err != nil {
				t.Fatal(err)
			}
			plantAll(t, path, test.replace)
			err = claim.Publish(Status{Since: stamp})
			want := "unable to open web/supervise/status.new: " + test.want
			if got := fmt.Sprint(err); test.want == "" && err != nil || test.want != "" && got != want {
				t.Errorf("Publish() = %v, want %q", err, want)
			}
			if names, _ := filepath.Glob(path + "/supervise/*"); test.want != "" && len(names) != 0 {
				t.Errorf("what is not ours has %q", names)
			}
		})
	}
}

func TestFits(t *testing.T) {
	t.Parallel()
	claim := Claim{lock: 7, control: 9, ok: 8}
	for limit, want := range map[sys.FD]bool{7: false, 8: false, 9: false, 10: true, 1000: true} {
		if got := claim.Fits(limit); got != want {
			t.Errorf("Fits(%d) = %v, want %v", limit, got, want)
		}
	}
}

// TestNoTornRecord has readers at work while records are published.
func TestNoTornRecord(t *testing.T) {
	t.Parallel()
	path, d := newDir(t)
	claim := claimed(t, d)
	// All fields follow from the pid, so that a mixture of two shows.
	record := func(pid int) Status {
		return Status{
			Since: time.Unix(int64(pid), int64(pid)), PID: pid,
			Paused: pid%2 == 0, Want: WantUp, Termed: pid%2 == 0, State: StateRun,
		}
	}
	if err := claim.Publish(record(1)); err != nil {
		t.Fatalf("Publish() = %v", err)
	}
	var done atomic.Bool
	var readers sync.WaitGroup
	for range 4 {
		readers.Add(1)
		go func() {
			defer readers.Done()
			for last := 0; !done.Load(); {
				s, err := d.Status()
				if err != nil || !sameStatus(s, record(s.PID)) || s.PID < last {
					t.Errorf("Status() = %+v, %v after pid %d", s, err, last)
					return
				}
				last = s.PID
				if b, err := os.ReadFile(path + "/supervise/status"); len(b) != recordSize {
					t.Errorf("status has %d bytes, %v, want %d", len(b), err, recordSize)
					return
				}
			}
		}()
	}
	for pid := 2; pid < 300; pid++ {
		if err := claim.Publish(record(pid)); err != nil {
			t.Errorf("Publish() = %v", err)
			break
		}
	}
	done.Store(true)
	readers.Wait()
}

// descriptors are the open descriptors of the process and what they lead to.
func descriptors(t *testing.T) map[string]string {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	open := map[string]string{}
	for _, entry := range entries {
		// The one that has listed them is closed by now.
		if target, err := os.Readlink("/proc/self/fd/" + entry.Name()); err == nil {
			open[entry.Name()] = target
		}
	}
	return open
}

// TestNoDescriptorStays is not parallel: others open descriptors too.
func TestNoDescriptorStays(t *testing.T) {
	path := t.TempDir()
	plantAll(t, path, []plant{{name: "file", mode: 0o644}, {name: "web", mode: os.ModeDir | 0o700}})
	before := descriptors(t)
	for range 3 {
		d, err := Open(sys.Here, path+"/web")
		if err != nil {
			t.Fatal(err)
		}
		claim, err := d.Claim("web")
		if err != nil {
			t.Fatalf("Claim() = %v", err)
		}
		if _, err := d.Claim("web"); !errors.Is(err, syscall.EAGAIN) {
			t.Errorf("Claim() of a claimed directory = %v, want %v", err, syscall.EAGAIN)
		}
		for range 10 {
			if err := errors.Join(claim.Publish(Status{Since: stamp}), claim.Open()); err != nil {
				t.Fatal(err)
			}
			claim.ok.Close() // the next Open has another
			claim.ok = sys.None
		}
		if err := claim.Open(); err != nil {
			t.Fatal(err)
		}
		for _, fd := range []sys.FD{d.FD(), claim.lock, claim.control, claim.ok} {
			expectCloseOnExec(t, fd)
		}
		if _, err := d.Status(); err != nil {
			t.Errorf("Status() = %v", err)
		}
		control, err := d.OpenControl()
		if err != nil {
			t.Fatalf("OpenControl() = %v", err)
		}
		control.Close()
		claim.Release()
		if claim != NoClaim {
			t.Errorf("after Release the claim is %+v, want %+v", claim, NoClaim)
		}
		claim.Release() // for the second time, and of nothing
		_, _ = d.Status()
		_ = d.CheckRunning()
		d.Close()
		_, _ = Open(sys.Here, path+"/file")
	}
	plantAll(t, path+"/web", []plant{{name: "blocked", mode: 0o600}})
	if err := os.Rename(path+"/web/blocked", path+"/web/supervise/control"); err != nil {
		t.Fatal(err)
	}
	d, err := Open(sys.Here, path+"/web")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Claim("web"); err == nil {
		t.Error("Claim() with a file as control = nil, want an error")
	}
	d.Close()
	for fd, target := range descriptors(t) {
		if before[fd] != target && target != "anon_inode:[eventpoll]" && target != "anon_inode:[eventfd]" {
			t.Errorf("descriptor %s is left open: %s", fd, target)
		}
	}
}

// expectCloseOnExec looks for O_CLOEXEC: a service may hold none of ours.
func expectCloseOnExec(t *testing.T, fd sys.FD) {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", fd))
	if err != nil {
		t.Fatal(err)
	}
	flags := 0
	_, line, _ := strings.Cut(string(b), "flags:")
	if _, err := fmt.Sscanf(line, "%o", &flags); err != nil {
		t.Fatal(err)
	}
	if flags&syscall.O_CLOEXEC == 0 {
		t.Errorf("descriptor %d has flags %#o, want close-on-exec", fd, flags)
	}
}
