// SPDX-License-Identifier: MIT

package sys

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ForgetProgram unmaps the pages of the program's own file, read-only code and
// data. What is still needed comes back from the page cache at the next touch;
// what only the start needed does not.
func ForgetProgram() {
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return
	}
	for line := range bytes.Lines(maps) {
		if start, length, ok := parseMapping(string(line), program); ok {
			_, _, _ = unix.Syscall(unix.SYS_MADVISE, start, length, unix.MADV_DONTNEED)
		}
	}
}

// parseMapping reads a line of /proc/self/maps, and says whether it is one that
// nobody can have written to, of that file:
//
//	00400000-004d6000 r-xp 00000000 fd:00 1234    /usr/bin/daemontools
func parseMapping(line, file string) (start, length uintptr, ok bool) {
	fields := strings.Fields(line)
	if len(fields) < 6 || fields[5] != file || strings.Contains(fields[1], "w") {
		return 0, 0, false
	}
	from, to, _ := strings.Cut(fields[0], "-")
	bits := int(unsafe.Sizeof(uintptr(0)) * 8)
	first, err1 := strconv.ParseUint(from, 16, bits)
	last, err2 := strconv.ParseUint(to, 16, bits)
	return uintptr(first), uintptr(last - first), err1 == nil && err2 == nil && last > first
}
