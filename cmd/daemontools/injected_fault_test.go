// SPDX-License-Identifier: MIT

package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"
)

// Faults that a process has to bring upon itself before it becomes the program
// under test. The program is a copy of the test binary, and so it can: see
// [suffer].

// faultVariable holds them, one on each line: a name, and arguments.
const faultVariable = "DAEMONTOOLS_TEST_FAULT"

// noFault is the exit code where that is not allowed.
const noFault = 99

const (
	noInotify = "no inotify"
	noProc    = "no /proc"
)

// System calls that package syscall does not know have the same number on all
// machines that Linux was ported to since then, and on those that Go knows.
const (
	pidfdSendSignal = 424
	pidfdOpen       = 434
	pidfdGetfd      = 438

	setPipeSize = 1031 // fcntl F_SETPIPE_SZ
)

// An init function, because it has to be over before anything else begins.
func init() {
	faults, suffers := os.LookupEnv(faultVariable)
	if !suffers {
		return
	}
	// A filter is that of a thread, and the exec keeps the thread that calls it.
	runtime.LockOSThread()
	self, err := os.Executable()
	for fault := range strings.SplitSeq(faults, "\n") {
		if err == nil {
			err = bring(strings.Split(fault, "\t"))
		}
	}
	if err == nil {
		err = os.Unsetenv(faultVariable)
	}
	if err == nil {
		err = syscall.Exec(self, os.Args, os.Environ())
	}
	fmt.Fprintln(os.Stderr, "unable to bring about", faults, err)
	os.Exit(noFault)
}

func bring(fault []string) error {
	switch fault[0] {
	case "":
		return nil
	case noInotify:
		return os.WriteFile("/proc/sys/user/max_inotify_instances", []byte("0"), 0)
	case noProc:
		// Elsewhere than in this namespace it stays.
		if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
			return err
		}
		return syscall.Mount("none", "/proc", "tmpfs", 0, "size=4k")
	case "forbid":
		return installFilter(fault[1], fault[2:])
	case "limit":
		return setLimit(fault[1:])
	case "cgroup":
		return os.WriteFile(fault[1]+"/cgroup.procs", []byte("0"), 0)
	case "mount":
		if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
			return err
		}
		if _, fd, found := strings.Cut(fault[3], ",fd="); found {
			number, _ := strconv.Atoi(fd)
			syscall.CloseOnExec(number)
		}
		return syscall.Mount("none", fault[1], fault[2], 0, fault[3])
	}
	return fmt.Errorf("no such fault: %q", fault)
}

// suffer has the program bring the fault upon itself.
func suffer(fault ...string) func(*exec.Cmd) {
	return func(cmd *exec.Cmd) {
		line := strings.Join(fault, "\t")
		for i, v := range cmd.Env {
			if strings.HasPrefix(v, faultVariable+"=") {
				cmd.Env[i] += "\n" + line
				return
			}
		}
		cmd.Env = append(cmd.Env, faultVariable+"="+line)
	}
}

// forbid has the kernel answer the system calls with the errno.
func forbid(errno syscall.Errno, calls ...int) func(*exec.Cmd) {
	fault := []string{"forbid", strconv.Itoa(int(errno))}
	for _, call := range calls {
		fault = append(fault, strconv.Itoa(call))
	}
	return suffer(fault...)
}

// limit sets a resource limit.
func limit(resource int, soft, hard uint64) func(*exec.Cmd) {
	return suffer("limit", strconv.Itoa(resource), strconv.FormatUint(soft, 10), strconv.FormatUint(hard, 10))
}

func setLimit(numbers []string) error {
	var n [3]uint64
	for i := range n {
		n[i], _ = strconv.ParseUint(numbers[i], 10, 64)
	}
	return syscall.Setrlimit(int(n[0]), &syscall.Rlimit{Cur: n[1], Max: n[2]})
}

// installFilter installs a seccomp filter on this thread.
func installFilter(errno string, calls []string) error {
	const (
		setNoNewPrivs = 38
		setSeccomp    = 22
		modeFilter    = 2
		allow         = 0x7fff0000
		fail          = 0x00050000
	)
	with, _ := strconv.Atoi(errno)
	// The number of the call is the first word of what the filter sees.
	filter := []syscall.SockFilter{{Code: syscall.BPF_LD | syscall.BPF_W | syscall.BPF_ABS}}
	for _, call := range calls {
		number, _ := strconv.Atoi(call)
		filter = append(filter,
			syscall.SockFilter{Code: syscall.BPF_JMP | syscall.BPF_JEQ | syscall.BPF_K, Jf: 1, K: uint32(number)},
			syscall.SockFilter{Code: syscall.BPF_RET | syscall.BPF_K, K: fail | uint32(with)})
	}
	filter = append(filter, syscall.SockFilter{Code: syscall.BPF_RET | syscall.BPF_K, K: allow})
	program := syscall.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if _, _, errno := syscall.RawSyscall6(syscall.SYS_PRCTL, setNoNewPrivs, 1, 0, 0, 0, 0); errno != 0 {
		return errno
	}
	_, _, failed := syscall.RawSyscall(syscall.SYS_PRCTL, setSeccomp, modeFilter, uintptr(unsafe.Pointer(&program)))
	if failed != 0 {
		return failed
	}
	return nil
}

// fcntl calls fcntl(2).
func fcntl(t *testing.T, f *os.File, command, arg uintptr) {
	t.Helper()
	raw, err := f.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var errno syscall.Errno
	err = raw.Control(func(fd uintptr) { _, _, errno = syscall.Syscall(syscall.SYS_FCNTL, fd, command, arg) })
	if err != nil || errno != 0 {
		t.Fatal(f.Name(), err, errno)
	}
}
