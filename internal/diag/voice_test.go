// SPDX-License-Identifier: MIT

package diag

import (
	"errors"
	"fmt"
	"syscall"
	"testing"
)

func TestUnableAndBecause(t *testing.T) {
	t.Parallel()
	badFormat := errors.New("bad format")
	tests := []struct {
		err   error
		want  string
		cause error
	}{
		{Unable("open web/run", syscall.ENOENT), "unable to open web/run: file does not exist", syscall.ENOENT},
		{Unable("read web/status", badFormat), "unable to read web/status: bad format", badFormat},
		{
			Because("error writing commands to web", syscall.EPIPE),
			"error writing commands to web: broken pipe", syscall.EPIPE,
		},
		// Whoever words a deed twice is heard once: the outer deed, the reason at the bottom.
		{Unable("control web", Unable("open web/control", syscall.ENXIO)), "unable to control web: device not configured", syscall.ENXIO},
		{Because("web", Unable("open web/run", syscall.EACCES)), "web: access denied", syscall.EACCES},
		{Unable("start", fmt.Errorf("wrapped: %w", Because("web", syscall.EMFILE))), "unable to start: process cannot open more files", syscall.EMFILE},
	}
	for _, test := range tests {
		if got := test.err.Error(); got != test.want {
			t.Errorf("Error() = %q, want %q", got, test.want)
		}
		if !errors.Is(test.err, test.cause) {
			t.Errorf("errors.Is(%q, %v) = false, want true", test.err, test.cause)
		}
	}
}

func TestNoFailure(t *testing.T) {
	t.Parallel()
	if err := Unable("open x", nil); err != nil {
		t.Errorf("Unable(%q, nil) = %v, want nil", "open x", err)
	}
	if err := Because("x", nil); err != nil {
		t.Errorf("Because(%q, nil) = %v, want nil", "x", err)
	}
}

// writes records each write by itself.
type writes []string

func (w *writes) Write(p []byte) (int, error) {
	*w = append(*w, string(p))
	return len(p), nil
}

func TestCode(t *testing.T) {
	t.Parallel()
	const usage = "svok: usage: svok dir"
	tests := []struct {
		name string
		err  error
		code int
		said string
	}{
		{"nil", nil, 0, ""},
		{"exit 0", Exit(0), 0, ""},
		{"exit 100", Exit(CodeUsage), 100, ""},
		{"exit wrapped", fmt.Errorf("wrapped: %w", Exit(7)), 7, ""},
		{"usage", Usage(usage), 100, usage + "\n"},
		{"usage wrapped", fmt.Errorf("wrapped: %w", Usage(usage)), 100, usage + "\n"},
		{"usage of two lines", Usage("svc: illegal option -- z\n" + usage), 100, "svc: illegal option -- z\n" + usage + "\n"},
		{"failure", Unable("chdir to web", syscall.ENOENT), 111, "svok: fatal: unable to chdir to web: file does not exist\n"},
		{"other", errors.New("supervise not running"), 111, "svok: fatal: supervise not running\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var out writes
			v := Voice{Prog: "svok", Out: &out}
			if code := v.Code(test.err); code != test.code {
				t.Errorf("Code(%v) = %d, want %d", test.err, code, test.code)
			}
			expectWrite(t, out, test.said)
		})
	}
}

func TestVoice(t *testing.T) {
	t.Parallel()
	deed := Unable("control web", errors.New("supervise not running"))
	tests := []struct {
		name string
		say  func(Voice)
		want string
	}{
		{"Say", func(v Voice) { v.Say("usage: svc") }, "svc: usage: svc\n"},
		{"Warn", func(v Voice) { v.Warn(deed) }, "svc: warning: unable to control web: supervise not running\n"},
		{"Fatal", func(v Voice) { v.Fatal(deed) }, "svc: fatal: unable to control web: supervise not running\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var out writes
			test.say(Voice{Prog: "svc", Out: &out})
			expectWrite(t, out, test.want)
		})
	}
}

// expectWrite says whether all was said with one write, or nothing with none.
func expectWrite(t *testing.T, out writes, want string) {
	t.Helper()
	switch {
	case want == "" && len(out) == 0:
	case len(out) != 1 || out[0] != want:
		t.Errorf("wrote %q, want %q with one write", []string(out), want)
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, syscall.EPIPE }

func TestNobodyListens(t *testing.T) {
	t.Parallel()
	v := Voice{Prog: "svc", Out: broken{}}
	if code := v.Code(syscall.EIO); code != CodeTrouble {
		t.Errorf("Code(EIO) = %d, want %d", code, CodeTrouble)
	}
}
