// SPDX-License-Identifier: MIT

package spawn

import (
	"errors"
	"maps"
	"os"
	"slices"
	"syscall"
	"testing"

	"daemontools-go/internal/sys"
)

// The tests in this file are about the process as a whole, so that none of
// them is parallel.

// expectNoChild says whether the process has a child, dead or alive.
func expectNoChild(t *testing.T) {
	t.Helper()
	if pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); !errors.Is(err, syscall.ECHILD) {
		t.Errorf("there is a child left: %d, %v", pid, err)
	}
}

// stray starts a child that the spawner does not know, and waits until it is dead.
func stray(t *testing.T) (pid int) {
	t.Helper()
	pid, err := syscall.ForkExec("/bin/sh", []string{"sh", "-c", "exit 0"}, &syscall.ProcAttr{Files: []uintptr{0, 1, 2}})
	if err != nil {
		t.Fatal(err)
	}
	waitForDeath(t, pid)
	return pid
}

// waitForDeath waits until the child is dead, and leaves it so.
func waitForDeath(t *testing.T, pid int) {
	t.Helper()
	process, err := sys.OpenProcess(pid)
	if err != nil {
		t.Fatal(err)
	}
	defer process.Close()
	epoll, err := sys.NewEpoll()
	if err != nil {
		t.Fatal(err)
	}
	defer epoll.FD.Close()
	if err := epoll.Add(process); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the child dies", func() bool {
		ready, err := epoll.Ready(nil)
		return len(ready) == 1 && err == nil
	})
}

func isGone(pid int) bool { return errors.Is(sys.Kill(pid, 0), syscall.ESRCH) }

// settle waits until the thread has done all that it was asked to.
func settle(t *testing.T) {
	t.Helper()
	eventually(t, "the thread takes up the request", func() bool { return len(spawner.deaths) == 0 })
	// It does one thing after the other.
	dir, err := sys.Here.OpenHandle(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	if _, err := spawner.Start(Child{Dir: dir, Stdin: sys.None, Stdout: sys.None, Path: "./run"}); !errors.Is(err, syscall.ENOENT) {
		t.Errorf("Start() of nothing = %v, want %v", err, syscall.ENOENT)
	}
}

func TestStray(t *testing.T) {
	pids := []int{stray(t), stray(t), stray(t)}
	for _, pid := range pids {
		if isGone(pid) {
			t.Errorf("a stray child was collected before SIGCHLD")
		}
	}
	spawner.ChildDied()
	eventually(t, "the stray children are collected", func() bool { return !slices.ContainsFunc(pids, func(pid int) bool { return !isGone(pid) }) })
	expectNoChild(t)
}

// TestOursStays has a child of ours dead, which may hide a stray one.
func TestOursStays(t *testing.T) {
	_, dir := script(t, "exit 0")
	pid := start(t, Child{Dir: dir, Stdin: sys.None, Stdout: sys.None})
	waitForDeath(t, pid)
	behind := stray(t)
	for range 3 {
		spawner.ChildDied()
		settle(t)
	}
	if isGone(pid) {
		t.Errorf("a child of ours was collected, which only its owner may do")
	}
	if !spawner.Reap(pid) {
		t.Errorf("Reap() of a dead child = false, want true")
	}
	eventually(t, "the stray child is collected", func() bool { return isGone(behind) })
	expectNoChild(t)
}

// TestHome has the thread go back to where it was: whoever stays in a service
// directory keeps its file system from being unmounted.
func TestHome(t *testing.T) {
	path, dir := script(t, "echo")
	output(t, Child{Dir: dir, Stdin: sys.None})
	if _, err := spawner.Start(Child{Dir: dir, Stdin: sys.None, Stdout: sys.None, Path: "./missing"}); !errors.Is(err, syscall.ENOENT) {
		t.Errorf("Start() of nothing = %v, want %v", err, syscall.ENOENT)
	}
	want, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	for _, thread := range threads {
		// A thread may have ended meanwhile.
		if got, err := os.Readlink("/proc/self/task/" + thread.Name() + "/cwd"); err == nil && got != want {
			t.Errorf("a thread is in %q, not in %q, after a child in %q", got, want, path)
		}
	}
}

// TestFull has no descriptor left for the thread.
func TestFull(t *testing.T) {
	_, dir := script(t, "echo again")
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	child := Child{Dir: dir, Stdin: sys.None, Stdout: sys.None, Path: "./run"}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 3, Max: limit.Max}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := spawner.Start(child); !errors.Is(err, syscall.EMFILE) || !sys.IsFull(err) {
			t.Errorf("Start() without a free descriptor = %v, want %v", err, syscall.EMFILE)
		}
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if got, _ := output(t, Child{Dir: dir, Stdin: sys.None}); got != "again\n" {
		t.Errorf("the child wrote %q, want %q", got, "again\n")
	}
}

// TestNoDescriptorStays looks at all threads: that of the spawner has a table
// of its own. What is there from the first children on may stay.
func TestNoDescriptorStays(t *testing.T) {
	_, dir := script(t, "echo")
	use := func() {
		t.Helper()
		for range 5 {
			output(t, Child{Dir: dir, Stdin: dir})
			for _, child := range []Child{
				{Dir: dir, Stdin: sys.None, Stdout: sys.None, Path: "./missing"},
				{Dir: dir, Stdin: sys.FD(1 << 30), Stdout: sys.None, Path: "./run"},
				{Dir: sys.None, Stdin: sys.None, Stdout: sys.None, Path: "./run"},
			} {
				if _, err := spawner.Start(child); err == nil {
					t.Errorf("Start(%+v) = nil, want an error", child)
				}
			}
		}
	}
	byThread := func() map[string]map[string]string {
		t.Helper()
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil {
			t.Fatal(err)
		}
		all := map[string]map[string]string{}
		for _, thread := range threads {
			all[thread.Name()] = descriptors(thread.Name())
		}
		return all
	}
	use()
	before := byThread()
	use()
	for thread, after := range byThread() {
		if was, known := before[thread]; known && len(after) > len(was) {
			t.Errorf("thread %s has the descriptors %v, and had %v", thread, after, was)
		}
	}
	if !maps.Equal(spawner.children, map[int]int{}) || len(spawner.died) != 0 {
		t.Errorf("the spawner knows the children %v and waits for %d", spawner.children, len(spawner.died))
	}
	expectNoChild(t)
}
