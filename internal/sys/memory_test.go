// SPDX-License-Identifier: MIT

package sys

import (
	"slices"
	"syscall"
	"testing"
)

func TestParseMapping(t *testing.T) {
	t.Parallel()
	const file = "/usr/bin/daemontools"
	tests := []struct {
		line          string
		start, length uintptr
		ok            bool
	}{
		{"00400000-004d6000 r-xp 00000000 fd:00 1234    /usr/bin/daemontools\n", 0x400000, 0xd6000, true},
		{"004d6000-004d7000 r--p 000d6000 fd:00 1234    /usr/bin/daemontools", 0x4d6000, 0x1000, true},
		{"f7ff0000-fffff000 r--p 00000000 fd:00 1234    /usr/bin/daemontools\n", 0xf7ff0000, 0x800f000, true},
		{"004d7000-004d8000 rw-p 000d7000 fd:00 1234    /usr/bin/daemontools\n", 0, 0, false},
		{"00400000-004d6000 r-xp 00000000 fd:00 1234    /usr/bin/daemontools-old\n", 0, 0, false},
		{"00400000-004d6000 r-xp 00000000 fd:00 1234    /lib/libc.so.6\n", 0, 0, false},
		{"c000000000-c000400000 rw-p 00000000 00:00 0\n", 0, 0, false},
		{"00400000 r-xp 00000000 fd:00 1234    /usr/bin/daemontools\n", 0, 0, false},
		{"x-y r-xp 00000000 fd:00 1234    /usr/bin/daemontools\n", 0, 0, false},
		{"00400000-00400000 r-xp 00000000 fd:00 1234    /usr/bin/daemontools\n", 0, 0, false},
		{"\n", 0, 0, false},
		{"", 0, 0, false},
	}
	for _, test := range tests {
		start, length, ok := parseMapping(test.line, file)
		if ok != test.ok || ok && (start != test.start || length != test.length) {
			t.Errorf("parseMapping(%q) = %#x, %#x, %v, want %#x, %#x, %v", test.line, start, length, ok, test.start, test.length, test.ok)
		}
	}
}

// TestForgetProgram goes on with what it has forgotten.
func TestForgetProgram(t *testing.T) {
	t.Parallel()
	for range 3 {
		ForgetProgram()
	}
}

// TestIgnoredAtStart is not parallel: it sets what the entry point fills.
func TestIgnoredAtStart(t *testing.T) {
	was := ignoredAtStart
	defer func() { ignoredAtStart = was }()
	tests := []struct {
		bits uint32
		want []syscall.Signal
	}{
		{0, nil},
		{1 << 0, []syscall.Signal{syscall.SIGHUP}},
		{1<<1 | 1<<2 | 1<<12, []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT, syscall.SIGPIPE}},
		{1 << 30, []syscall.Signal{syscall.SIGSYS}},
	}
	for _, test := range tests {
		ignoredAtStart = test.bits
		if got := IgnoredAtStart(); !slices.Equal(got, test.want) {
			t.Errorf("IgnoredAtStart() with %#x = %v, want %v", test.bits, got, test.want)
		}
	}
}
