// SPDX-License-Identifier: MIT

package main

import (
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"daemontools-go/internal/diag"
	"daemontools-go/internal/supervise"
	"daemontools-go/internal/sys"
)

// catch catches the signals, but those that the process was started to ignore:
// whatever is ignored is ignored by the services too, and has to stay so.
// SIGPIPE, which would end the process when standard error is a broken pipe, is
// caught and comes to nothing.
func catch(signals ...syscall.Signal) <-chan os.Signal {
	for _, sig := range sys.IgnoredAtStart() {
		// Original: the service starts with the default for SIGCHLD.
		if sig != syscall.SIGCHLD {
			signal.Ignore(sig)
		}
	}
	caught := make(chan os.Signal, 16)
	for _, sig := range signals {
		if !signal.Ignored(sig) {
			signal.Notify(caught, sig)
		}
	}
	if !signal.Ignored(syscall.SIGPIPE) {
		signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	}
	return caught
}

// newHost makes the host of a process that runs for years with next to nothing
// to do.
func newHost(voice diag.Voice) (*supervise.Host, error) {
	// More processors would only mean more threads and more memory for each.
	runtime.GOMAXPROCS(min(2, runtime.NumCPU()))
	return supervise.NewHost(voice)
}
