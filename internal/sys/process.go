// SPDX-License-Identifier: MIT

package sys

import (
	"errors"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// OpenProcess opens a pidfd: it means this process for ever, even when its
// number goes to another, and becomes readable when the process is dead.
// Needs Linux 5.3.
func OpenProcess(pid int) (FD, error) {
	fd, err := unix.PidfdOpen(pid, unix.PIDFD_NONBLOCK)
	if errors.Is(err, unix.EINVAL) {
		fd, err = unix.PidfdOpen(pid, 0) // Linux before 5.10 knows no flags
	}
	if err != nil {
		return None, err
	}
	return FD(fd), nil
}

// SignalProcess sends sig to the process behind a pidfd.
func (d FD) SignalProcess(sig syscall.Signal) error {
	return unix.PidfdSendSignal(int(d), sig, nil, 0)
}

// Kill sends sig to a process by number. The number must be that of a child
// that nobody has reaped, or it may mean another process.
func Kill(pid int, sig syscall.Signal) error {
	return unix.Kill(pid, sig)
}

// Reap collects a child if it is dead. Somebody else's child, or one that has
// been reaped already, is ECHILD.
func Reap(pid int) (dead bool, err error) {
	var status unix.WaitStatus
	got := 0
	err = retry(func() (err error) {
		got, err = unix.Wait4(pid, &status, unix.WNOHANG, nil)
		return err
	})
	return got == pid, err
}

// DeadChild finds a child that is dead and not yet reaped, and leaves it so.
// It answers 0 when there is none.
func DeadChild() (int, error) {
	// The kernel's siginfo_t for SIGCHLD: three ints, padding on 64-bit
	// machines, then the pid.
	var info struct {
		signo, errno, code int32
		_                  [unsafe.Sizeof(uintptr(0)) - 4]byte
		pid                int32
		_                  [128]byte
	}
	err := retry(func() error {
		return unix.Waitid(unix.P_ALL, 0, (*unix.Siginfo)(unsafe.Pointer(&info)), unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
	})
	if errors.Is(err, unix.ECHILD) {
		return 0, nil
	}
	return int(info.pid), err
}
