// SPDX-License-Identifier: MIT

package flock

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"daemontools-go/internal/sys"
)

// openDir opens a new directory.
func openDir(t *testing.T) (path string, dir sys.FD) {
	t.Helper()
	path = t.TempDir()
	dir, err := sys.Here.OpenHandle(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dir.Close() })
	return path, dir
}

func acquire(t *testing.T, dir sys.FD) sys.FD {
	t.Helper()
	lock, err := Acquire(dir, "lock", sys.NoFollow)
	if err != nil {
		t.Fatalf("Acquire(%q) = %v, want the lock", "lock", err)
	}
	return lock
}

func expectHeld(t *testing.T, dir sys.FD) {
	t.Helper()
	lock, err := Acquire(dir, "lock", sys.NoFollow)
	if !errors.Is(err, syscall.EAGAIN) || lock != sys.None {
		t.Errorf("Acquire of a held lock = %d, %v, want %d, %v", lock, err, sys.None, syscall.EAGAIN)
	}
	lock.Close()
}

func TestAcquireTwice(t *testing.T) {
	t.Parallel()
	_, dir := openDir(t)
	lock := acquire(t, dir)
	defer lock.Close()
	expectHeld(t, dir)
}

func TestCloseLetsGo(t *testing.T) {
	t.Parallel()
	_, dir := openDir(t)
	for range 3 {
		lock := acquire(t, dir)
		if err := lock.Close(); err != nil {
			t.Fatalf("Close() = %v", err)
		}
	}
}

// TestLastCopyLetsGo has a lock that is held by two descriptors.
func TestLastCopyLetsGo(t *testing.T) {
	t.Parallel()
	_, dir := openDir(t)
	lock := acquire(t, dir)
	second, err := lock.Dup()
	if err != nil {
		t.Fatal(err)
	}
	lock.Close()
	expectHeld(t, dir)
	second.Close()
	acquire(t, dir).Close()
}

// TestLockSurvivesGC has a descriptor that nothing in the heap refers to.
func TestLockSurvivesGC(t *testing.T) {
	t.Parallel()
	_, dir := openDir(t)
	lock := acquire(t, dir)
	for range 3 {
		runtime.GC()
	}
	expectHeld(t, dir)
	lock.Close()
}

func TestLockFile(t *testing.T) {
	t.Parallel()
	path, dir := openDir(t)
	lock := acquire(t, dir)
	lock.Close()
	st, err := os.Lstat(filepath.Join(path, "lock"))
	if err != nil {
		t.Fatalf("after the lock was let go: %v, want the file to stay", err)
	}
	// The umask may take bits away; none may be added.
	if mode := st.Mode(); !mode.IsRegular() || mode.Perm()&^0o600 != 0 || st.Size() != 0 {
		t.Errorf("lock is %v with %d bytes, want %v with 0", mode, st.Size(), os.FileMode(0o600))
	}
}

func TestAcquireFails(t *testing.T) {
	t.Parallel()
	path, dir := openDir(t)
	for name, make := range map[string]func(string) error{
		"directory": func(path string) error { return os.Mkdir(path, 0o700) },
		"link":      func(path string) error { return os.Symlink("elsewhere", path) },
	} {
		if err := make(filepath.Join(path, name)); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		name  string
		flags int
		want  error
	}{
		{"missing/lock", sys.NoFollow, syscall.ENOENT},
		{"directory", sys.NoFollow, syscall.EISDIR},
		{"link", sys.NoFollow, syscall.ELOOP},
	}
	for _, test := range tests {
		lock, err := Acquire(dir, test.name, test.flags)
		if !errors.Is(err, test.want) || lock != sys.None {
			t.Errorf("Acquire(%q) = %d, %v, want %d, %v", test.name, lock, err, sys.None, test.want)
		}
		lock.Close()
	}
	lock, err := Acquire(dir, "link", 0)
	if err != nil {
		t.Errorf("Acquire(%q) without NoFollow = %v, want the lock", "link", err)
	}
	lock.Close()
	if _, err := os.Lstat(filepath.Join(path, "elsewhere")); err != nil {
		t.Errorf("the file that the link points to: %v, want it made", err)
	}
}
