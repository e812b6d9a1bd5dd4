// SPDX-License-Identifier: MIT

package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// memory is how much memory processes take, in bytes. What several of them
// share is divided among them, and what the kernel holds for them is not known.
func memory(pids []int) (float64, error) {
	sum := 0.0
	for _, pid := range pids {
		kilobytes, err := field(fmt.Sprintf("/proc/%d/smaps_rollup", pid), "Pss:")
		if err != nil {
			return 0, err
		}
		sum += kilobytes * 1024
	}
	return sum, nil
}

// switches are how often the threads of processes were given a processor.
func switches(pids []int) (float64, error) {
	sum := 0.0
	for _, pid := range pids {
		threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
		for _, thread := range threads {
			for _, name := range []string{"voluntary_ctxt_switches:", "nonvoluntary_ctxt_switches:"} {
				n, err := field(thread, name)
				if err != nil {
					return 0, err
				}
				sum += n
			}
		}
	}
	return sum, nil
}

// field is the number after a name in a file of /proc.
func field(path, name string) (float64, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	for line := range bytes.Lines(text) {
		if value, ok := bytes.CutPrefix(line, []byte(name)); ok {
			return strconv.ParseFloat(string(bytes.Fields(value)[0]), 64)
		}
	}
	return 0, fmt.Errorf("%s: no %s", path, name)
}

// process is a hold on a process of which we are not the parent.
type process struct{ pidfd, epoll int }

// pidfdOpen is the number of the system call, which package syscall lacks; it
// is the same on all machines that Go knows.
const pidfdOpen = 434

func openProcess(pid int) (process, error) {
	fd, _, errno := syscall.Syscall(pidfdOpen, uintptr(pid), 0, 0)
	if errno != 0 {
		return process{}, os.NewSyscallError("pidfd_open", errno)
	}
	p := process{pidfd: int(fd)}
	var err error
	if p.epoll, err = syscall.EpollCreate1(syscall.EPOLL_CLOEXEC); err != nil {
		syscall.Close(p.pidfd)
		return p, os.NewSyscallError("epoll_create1", err)
	}
	event := syscall.EpollEvent{Events: syscall.EPOLLIN}
	if err := syscall.EpollCtl(p.epoll, syscall.EPOLL_CTL_ADD, p.pidfd, &event); err != nil {
		p.close()
		return p, os.NewSyscallError("epoll_ctl", err)
	}
	return p, nil
}

// awaitDeath waits until the process is dead, reaped or not.
func (p process) awaitDeath() (time.Time, error) {
	var events [1]syscall.EpollEvent
	end := time.Now().Add(patience)
	for time.Now().Before(end) {
		n, err := syscall.EpollWait(p.epoll, events[:], int(patience/time.Millisecond))
		if n == 1 {
			return time.Now(), nil
		}
		if err != nil && err != syscall.EINTR {
			return time.Time{}, os.NewSyscallError("epoll_wait", err)
		}
	}
	return time.Time{}, errPatience
}

func (p process) close() {
	syscall.Close(p.epoll)
	syscall.Close(p.pidfd)
}
