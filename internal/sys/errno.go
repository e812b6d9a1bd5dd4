// SPDX-License-Identifier: MIT

package sys

import (
	"errors"
	"slices"
	"syscall"
)

// retry calls do until no signal interrupts it.
func retry(do func() error) error {
	for {
		if err := do(); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

// Errno finds the errno in err, or 0.
func Errno(err error) syscall.Errno {
	var errno syscall.Errno
	errors.As(err, &errno)
	return errno
}

// IsFull says whether err means that there can be no further process or
// descriptor now, though there could be one later.
func IsFull(err error) bool {
	full := []syscall.Errno{syscall.EAGAIN, syscall.ENOMEM, syscall.EMFILE, syscall.ENFILE}
	return slices.Contains(full, Errno(err))
}
