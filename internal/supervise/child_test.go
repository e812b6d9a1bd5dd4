// SPDX-License-Identifier: MIT

package supervise

import (
	"bytes"
	"os"
	"strings"
	"syscall"
	"testing"

	"daemontools-go/internal/sys"
)

// interpreters are heads of programs and what the kernel runs them with
// (fs/binfmt_script.c).
var interpreters = []struct {
	name string
	head string
	want string
}{
	{"nothing", "", ""},
	{"a binary", "\x7fELF\x02\x01\x01", ""},
	{"a comment", "# !/bin/sh\n", ""},
	{"half of it", "#", ""},
	{"no interpreter", "#!", ""},
	{"an empty line", "#!\n/bin/sh\n", ""},
	{"blanks", "#! \t \n/bin/sh\n", ""},
	{"a script", "#!/bin/sh\nexec true\n", "/bin/sh"},
	{"no newline", "#!/bin/sh", "/bin/sh"},
	{"a blank before", "#! /bin/sh\n", "/bin/sh"},
	{"blanks before and after", "#! \t/bin/sh\t \n", "/bin/sh"},
	{"an argument", "#!/bin/sh -e\n", "/bin/sh"},
	{"an argument of two words", "#!/usr/bin/env sh -e\n", "/usr/bin/env"},
	{"an argument after a tab", "#!/bin/sh\t-e\n", "/bin/sh"},
	{"a line of DOS", "#!/bin/sh\r\n", "/bin/sh\r"},
	{"relative to the directory", "#!bin/sh\n", "bin/sh"},
	{"not at the beginning", "\n#!/bin/sh\n", ""},
	{"a NUL after", "#!/bin/sh\x00x\n", "/bin/sh"},
	{"a NUL before", "#!\x00/bin/sh\n", ""},
	{"a NUL after a blank", "#! \x00/bin/sh\n", ""},
	{"no UTF-8", "#!/\xff\n", "/\xff"},
	{"the longest", "#!" + strings.Repeat("x", headSize-3) + "\n", strings.Repeat("x", headSize-3)},
	{"the longest file without newline", "#!" + strings.Repeat("x", headSize-3), strings.Repeat("x", headSize-3)},
	{"the longest with a blank", "#!" + strings.Repeat("x", headSize-3) + " ", strings.Repeat("x", headSize-3)},
	// The kernel takes the name for cut off and refuses it.
	{"longer", "#!" + strings.Repeat("x", headSize-2), ""},
}

func TestParseInterpreter(t *testing.T) {
	t.Parallel()
	for _, test := range interpreters {
		if got := parseInterpreter([]byte(test.head)); got != test.want {
			t.Errorf("%s: parseInterpreter(%q) = %q, want %q", test.name, test.head, got, test.want)
		}
	}
}

func FuzzInterpreter(f *testing.F) {
	for _, test := range interpreters {
		f.Add([]byte(test.head))
	}
	f.Fuzz(func(t *testing.T, head []byte) {
		head = head[:min(len(head), headSize)]
		got := parseInterpreter(head)
		if got == "" {
			return
		}
		if strings.ContainsAny(got, " \t\n\x00") {
			t.Errorf("parseInterpreter(%q) = %q, with what ends a name in it", head, got)
		}
		line, isScript := bytes.CutPrefix(head, []byte("#!"))
		rest, isFirst := bytes.CutPrefix(bytes.TrimLeft(line, " \t"), []byte(got))
		if !isScript || !isFirst {
			t.Errorf("parseInterpreter(%q) = %q, want the first word", head, got)
		}
		if len(rest) > 0 && strings.IndexByte(" \t\n\x00", rest[0]) < 0 || len(rest) == 0 && len(head) == headSize {
			t.Errorf("parseInterpreter(%q) = %q, which is cut off", head, got)
		}
	})
}

func TestReadHead(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	long := strings.Repeat("x", 2*headSize)
	for name, content := range map[string]string{"short": "#!/bin/sh\n", "long": long, "empty": ""} {
		if err := os.WriteFile(path+"/"+name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(path+"/fifo", 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("short", path+"/link"); err != nil {
		t.Fatal(err)
	}
	dir, err := sys.Here.OpenHandle(path)
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	for name, want := range map[string]string{
		"short":   "#!/bin/sh\n",
		"link":    "#!/bin/sh\n",
		"long":    long[:headSize],
		"empty":   "",
		"missing": "",
		".":       "",
		"fifo":    "",
		"short/x": "",
	} {
		if got := string(readHead(dir, name)); got != want {
			t.Errorf("readHead(%q) = %q, want %q", name, got, want)
		}
		touchProgram(dir, name)
	}
}
