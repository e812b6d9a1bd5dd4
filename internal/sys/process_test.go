// SPDX-License-Identifier: MIT

package sys

import (
	"errors"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"testing"
)

// startChild starts a shell script. What the shell reads and writes is the pipe's.
func startChild(t *testing.T, script string) (pid int) {
	t.Helper()
	pid, err := syscall.ForkExec("/bin/sh", []string{"sh", "-c", script}, &syscall.ProcAttr{
		Env: os.Environ(), Files: []uintptr{0, 1, 2},
	})
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// TestDeadChild is not parallel: it is about all children of the process.
func TestDeadChild(t *testing.T) {
	expect := func(when string, want int) {
		t.Helper()
		if got, err := DeadChild(); got != want || err != nil {
			t.Errorf("%s: DeadChild() = %d, %v, want %d", when, got, err, want)
		}
	}
	expect("no child", 0)
	living := startChild(t, "kill -STOP $$; exec sleep 1000")
	expect("a living child", 0)
	for _, script := range []string{"exit 0", "exit 7", "kill -9 $$"} {
		pid := startChild(t, script)
		eventually(t, "the child dies", func() bool {
			dead, err := DeadChild()
			return dead == pid && err == nil
		})
		expect(script, pid) // it is left as it is
		if dead, err := Reap(pid); !dead || err != nil {
			t.Errorf("Reap(%d) = %v, %v, want true", pid, dead, err)
		}
		expect("reaped", 0)
		if dead, err := Reap(pid); dead || !errors.Is(err, syscall.ECHILD) {
			t.Errorf("Reap(%d) for the second time = %v, %v, want false, %v", pid, dead, err, syscall.ECHILD)
		}
	}
	// One that is stopped is not dead.
	if dead, err := Reap(living); dead || err != nil {
		t.Errorf("Reap() of a living child = %v, %v, want false", dead, err)
	}
	if err := Kill(living, syscall.SIGKILL); err != nil {
		t.Errorf("Kill() = %v", err)
	}
	eventually(t, "the child is killed", func() bool {
		dead, err := Reap(living)
		if err != nil {
			t.Fatalf("Reap() = %v", err)
		}
		return dead
	})
	expect("no child left", 0)
}

// TestProcess is not parallel: TestDeadChild counts children.
func TestProcess(t *testing.T) {
	pid := startChild(t, "exec sleep 1000")
	process, err := OpenProcess(pid)
	if err != nil {
		t.Fatalf("OpenProcess(%d) = %v", pid, err)
	}
	defer process.Close()
	e := newEpoll(t)
	add(t, e, process)
	expectReady(t, "it lives", e)
	if err := process.SignalProcess(0); err != nil {
		t.Errorf("SignalProcess(0) = %v", err)
	}
	if err := process.SignalProcess(syscall.SIGTERM); err != nil {
		t.Errorf("SignalProcess(TERM) = %v", err)
	}
	eventually(t, "its death is reported", func() bool {
		ready, err := e.Ready(nil)
		return err == nil && len(ready) == 1 && ready[0] == process
	})
	if dead, err := Reap(pid); !dead || err != nil {
		t.Errorf("Reap() of a process whose death was reported = %v, %v, want true", dead, err)
	}
	if err := process.SignalProcess(syscall.SIGTERM); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("SignalProcess() of one that is gone = %v, want %v", err, syscall.ESRCH)
	}
	if _, err := OpenProcess(pid); Errno(err) == 0 {
		t.Errorf("OpenProcess() of one that is gone = %v, want an errno", err)
	}
}

// TestOpenProcessAfterDeath opens a child that is dead and not yet reaped.
func TestOpenProcessAfterDeath(t *testing.T) {
	pid := startChild(t, "exit 0")
	eventually(t, "the child dies", func() bool {
		dead, err := DeadChild()
		return dead == pid && err == nil
	})
	process, err := OpenProcess(pid)
	if err != nil {
		t.Fatalf("OpenProcess(%d) = %v", pid, err)
	}
	defer process.Close()
	e := newEpoll(t)
	add(t, e, process)
	expectReady(t, "it was dead before", e, process)
	if dead, err := Reap(pid); !dead || err != nil {
		t.Errorf("Reap(%d) = %v, %v, want true", pid, dead, err)
	}
}

func TestReapStranger(t *testing.T) {
	t.Parallel()
	if dead, err := Reap(os.Getppid()); dead || !errors.Is(err, syscall.ECHILD) {
		t.Errorf("Reap() of our parent = %v, %v, want false, %v", dead, err, syscall.ECHILD)
	}
}

// TestLockThread asks for more threads than one, so that one of them is offered
// the main one, and has each of them part from the process. It is not parallel:
// a parted thread keeps copies of all descriptors, and the locks of others.
func TestLockThread(t *testing.T) {
	path, dir := openDir(t)
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	type answer struct {
		main bool
		err  error
		cwd  string
	}
	answers := make(chan answer)
	const threads = 8
	for range threads {
		go LockThread(func() {
			a := answer{main: OnMainThread()}
			if a.err = UnshareThread(); a.err == nil {
				a.err = dir.Chdir()
			}
			a.cwd, _ = os.Readlink("/proc/thread-self/cwd")
			answers <- a
			runtime.Goexit() // and the thread with it
		})
	}
	resolved, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(int(dir)))
	if err != nil {
		t.Fatal(err)
	}
	for range threads {
		if a := <-answers; a.main || a.err != nil || a.cwd != resolved {
			t.Errorf("on the main thread: %v, parted: %v, in %q, want in %q", a.main, a.err, a.cwd, path)
		}
	}
	if got, err := os.Readlink("/proc/self/cwd"); got != here || err != nil {
		t.Errorf("the process is in %q, %v, want %q", got, err, here)
	}
}

// TestUnsharedTable has a thread that closes and opens what the process does
// not see. It is not parallel, as TestLockThread.
func TestUnsharedTable(t *testing.T) {
	r, w := pipe(t)
	parted := make(chan error)
	go LockThread(func() {
		err := UnshareThread()
		if err == nil {
			err = w.Close()
		}
		parted <- err
		runtime.Goexit()
	})
	if err := <-parted; err != nil {
		t.Fatalf("UnshareThread() and Close() = %v", err)
	}
	write(t, w, "still open")
	if got := read(t, r); got != "still open" {
		t.Errorf("Read() = %q, want %q", got, "still open")
	}
}
