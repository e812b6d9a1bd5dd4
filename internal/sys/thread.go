// SPDX-License-Identifier: MIT

package sys

import (
	"os"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"
)

// UnshareThread gives the calling thread a descriptor table and a current
// directory of its own, copies of the process's. The caller has locked its
// goroutine to the thread and never unlocks it. It must not be the main
// thread, whose table is what /proc and pidfd_getfd show of the process.
func UnshareThread() error {
	return unix.Unshare(unix.CLONE_FILES | unix.CLONE_FS)
}

// OnMainThread says whether the calling goroutine runs on the thread that the
// process began with.
func OnMainThread() bool {
	return unix.Gettid() == unix.Getpid()
}

// StartLibraryPoller makes the descriptors of the Go library's poller. The
// library waits on them, by number, from any thread: they have to exist before
// the tables part.
func StartLibraryPoller() error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	r.Close()
	w.Close()
	return nil
}

// MakeThreads makes n threads that the library then keeps and uses. Wanting
// another when no process can be made would be the end of this one.
func MakeThreads(n int) {
	var made, done sync.WaitGroup
	made.Add(n)
	done.Add(n)
	for range n {
		go func() {
			defer done.Done()
			// None goes on before all are there, so none serves twice.
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			made.Done()
			made.Wait()
		}()
	}
	done.Wait()
}

// LockThread runs the goroutine on a thread of its own that is not the main
// one. It calls run, which never returns.
func LockThread(run func()) {
	runtime.LockOSThread()
	if OnMainThread() {
		// While this goroutine holds the main thread, the next one gets another.
		go LockThread(run)
		select {}
	}
	run()
}
