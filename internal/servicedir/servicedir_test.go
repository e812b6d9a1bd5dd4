// SPDX-License-Identifier: MIT

package servicedir

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"daemontools-go/internal/sys"
)

// newDir makes a service directory and opens it.
func newDir(t *testing.T) (path string, d Dir) {
	t.Helper()
	path = t.TempDir()
	d, err := Open(sys.Here, path)
	if err != nil {
		t.Fatalf("Open(%q) = %v", path, err)
	}
	t.Cleanup(d.Close)
	return path, d
}

// claimed is an open claim on the directory with a status in it.
func claimed(t *testing.T, d Dir) *Claim {
	t.Helper()
	claim, err := d.Claim("web")
	if err != nil {
		t.Fatalf("Claim() = %v", err)
	}
	t.Cleanup(claim.Release)
	if err := claim.Publish(Status{Since: stamp, Want: WantDown}); err != nil {
		t.Fatalf("Publish() = %v", err)
	}
	if err := claim.Open(); err != nil {
		t.Fatalf("Open() = %v", err)
	}
	return &claim
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

// asCommonUser calls do with the rights of a user who is not root and owns
// nothing, or with ours where we are not root.
func asCommonUser(do func() error) error {
	if os.Geteuid() != 0 {
		return do()
	}
	done := make(chan error)
	go func() {
		// It counts for this thread alone, which ends with the goroutine.
		runtime.LockOSThread()
		_ = syscall.Setfsuid(65534)
		done <- do()
	}()
	return <-done
}

// plant makes files below dir: a name that ends in "/" is a directory, one that
// has "->" in it a symbolic link, others are regular files with their modes.
type plant struct {
	name   string
	target string // of a symbolic link
	mode   os.FileMode
}

func (p plant) in(dir string) error {
	path := filepath.Join(dir, p.name)
	switch {
	case p.target != "":
		return os.Symlink(p.target, path)
	case p.mode.IsDir():
		if err := os.Mkdir(path, 0o700); err != nil {
			return err
		}
	case p.mode&os.ModeNamedPipe != 0:
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			return err
		}
	default:
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			return err
		}
	}
	return os.Chmod(path, p.mode.Perm()) // whatever the umask is
}

func plantAll(t *testing.T, dir string, plants []plant) {
	t.Helper()
	for _, p := range plants {
		if err := p.in(dir); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	plantAll(t, path, []plant{
		{name: "dir", mode: os.ModeDir | 0o700},
		{name: "file", mode: 0o755},
		{name: "fifo", mode: os.ModeNamedPipe | 0o600},
		{name: "link", target: "dir"},
		{name: "dangling", target: "nowhere"},
		{name: "loop", target: "loop"},
	})
	where, err := sys.Here.OpenHandle(path)
	if err != nil {
		t.Fatal(err)
	}
	defer where.Close()
	tests := []struct {
		path string
		want error
	}{
		{"dir", nil},
		{"dir/", nil},
		{".", nil},
		{"link", nil},
		{filepath.Join(path, "dir"), nil},
		{"missing", syscall.ENOENT},
		{"", syscall.ENOENT},
		{"dangling", syscall.ENOENT},
		{"file", syscall.ENOTDIR},
		{"file/x", syscall.ENOTDIR},
		{"fifo", syscall.ENOTDIR},
		{"loop", syscall.ELOOP},
	}
	for _, test := range tests {
		d, err := Open(where, test.path)
		if !errors.Is(err, test.want) {
			t.Errorf("Open(%q) = %v, want %v", test.path, err, test.want)
		}
		if err != nil && d.FD() != sys.None {
			t.Errorf("Open(%q) = descriptor %d, want none", test.path, d.FD())
		}
		d.Close()
	}
}

// TestOpenForbidden has a directory that may not be entered, as with chdir.
func TestOpenForbidden(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	plantAll(t, path, []plant{
		{name: "closed", mode: os.ModeDir},
		{name: "readable", mode: os.ModeDir | 0o444},
		{name: "enterable", mode: os.ModeDir | 0o111},
	})
	// A look-up from a handle asks whether the directory may be entered.
	if err := os.Chmod(path, 0o755); err != nil {
		t.Fatal(err)
	}
	where, err := sys.Here.OpenHandle(path)
	if err != nil {
		t.Fatal(err)
	}
	defer where.Close()
	for name, want := range map[string]error{
		"closed":    syscall.EACCES,
		"readable":  syscall.EACCES,
		"enterable": nil,
	} {
		err := asCommonUser(func() error {
			d, err := Open(where, name)
			d.Close()
			return err
		})
		if !errors.Is(err, want) {
			t.Errorf("Open(%q) = %v, want %v", name, err, want)
		}
	}
}

func TestNormallyUpAndHasLog(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		plant  *plant // under the name down, and under the name log
		exists bool
		err    error
	}{
		{"nothing", nil, false, nil},
		{"an empty file", &plant{mode: 0o644}, true, nil},
		{"a file without a mode", &plant{}, true, nil},
		{"a directory", &plant{mode: os.ModeDir | 0o700}, true, nil},
		{"a FIFO", &plant{mode: os.ModeNamedPipe | 0o600}, true, nil},
		{"a link", &plant{target: "/"}, true, nil},
		{"a dangling link", &plant{target: "nowhere"}, false, nil},
		{"a loop", &plant{target: "down"}, false, syscall.ELOOP},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path, d := newDir(t)
			if test.plant != nil {
				down, log := *test.plant, *test.plant
				down.name, log.name = "down", "log"
				plantAll(t, path, []plant{down, log})
			}
			up, err := d.NormallyUp()
			if !errors.Is(err, test.err) || err == nil && up == test.exists {
				t.Errorf("NormallyUp() = %v, %v, want %v, %v", up, err, !test.exists, test.err)
			}
			logged, err := d.HasLog()
			if !errors.Is(err, test.err) || err == nil && logged != test.exists {
				t.Errorf("HasLog() = %v, %v, want %v, %v", logged, err, test.exists, test.err)
			}
		})
	}
}

func TestComplete(t *testing.T) {
	t.Parallel()
	run := plant{name: "run", mode: 0o755}
	log := plant{name: "log", mode: os.ModeDir | 0o755}
	tests := []struct {
		name   string
		plants []plant
		want   bool
	}{
		{"nothing", nil, false},
		{"run", []plant{run}, true},
		{"run that nobody may execute", []plant{{name: "run", mode: 0o644}}, false},
		{"run that its owner may execute", []plant{{name: "run", mode: 0o100}}, true},
		{"run that others may execute", []plant{{name: "run", mode: 0o001}}, true},
		{"run is a directory", []plant{{name: "run", mode: os.ModeDir | 0o755}}, false},
		{"run is a FIFO", []plant{{name: "run", mode: os.ModeNamedPipe | 0o755}}, false},
		{"run is a link", []plant{{name: "real", mode: 0o755}, {name: "run", target: "real"}}, true},
		{"run is a dangling link", []plant{{name: "run", target: "real"}}, false},
		{"run and down", []plant{run, {name: "down", mode: 0o644}}, true},
		{"log without run", []plant{run, log}, false},
		{"log with run", []plant{run, log, {name: "log/run", mode: 0o755}}, true},
		{"log with run that nobody may execute", []plant{run, log, {name: "log/run", mode: 0o644}}, false},
		{"log with run, and no run", []plant{log, {name: "log/run", mode: 0o755}}, false},
		{"log is a file", []plant{run, {name: "log", mode: 0o755}}, false},
		{"log is a dangling link", []plant{run, {name: "log", target: "elsewhere"}}, false},
		{"log is a loop", []plant{run, {name: "log", target: "log"}}, false},
		{"log is a link", []plant{
			run,
			{name: "elsewhere", mode: os.ModeDir | 0o755},
			{name: "elsewhere/run", mode: 0o755},
			{name: "log", target: "elsewhere"},
		}, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path, d := newDir(t)
			plantAll(t, path, test.plants)
			if got := d.Complete(); got != test.want {
				t.Errorf("Complete() = %v, want %v", got, test.want)
			}
		})
	}
}
