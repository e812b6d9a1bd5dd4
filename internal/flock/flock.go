// SPDX-License-Identifier: MIT

// Package flock takes the locks of daemontools: an flock on a file that is
// made if need be and never removed. Whoever holds the descriptor holds the
// lock; it ends with the last copy of it, also when a process is killed.
package flock

import "daemontools-go/internal/sys"

// Acquire locks the file name, relative to dir, and does not wait for it: held
// by somebody else it is EAGAIN. The flags, sys.NoFollow or none, are added to
// those that open it. The caller closes the descriptor to let go.
func Acquire(dir sys.FD, name string, flags int) (sys.FD, error) {
	fd, err := dir.Open(name, sys.Append|flags, 0o600)
	if err != nil {
		return sys.None, err
	}
	if err := fd.Lock(); err != nil {
		fd.Close()
		return sys.None, err
	}
	return fd, nil
}
