// SPDX-License-Identifier: MIT

package main

import (
	"bufio"
	"io"
	"os"
	"path"

	"daemontools-go/internal/diag"
)

// version is that of the release; the build sets it.
var version = "devel"

// applet is a program inside the binary.
type applet struct {
	name     string
	synopsis string // of the arguments
	purpose  string
	run      func(*call) error
}

// all lists the applets in the order of the manual.
var all = []applet{
	{"svscan", "[ dir ]", "run the services in a scan directory", runSvscan},
	{"supervise", "dir", "run one service", runSupervise},
	{"svc", "[ -udopchaitkxq12 ] dir ...", "control services", runSvc},
	{"svok", "dir", "say by the exit code whether a supervisor runs", runSvok},
	{"svstat", "dir ...", "show the status of services", runSvstat},
}

// call is one run of an applet.
type call struct {
	prog  string   // the name under which it was called, without directories
	args  []string // what came after it
	out   io.Writer
	voice diag.Voice // under the applet's own name
}

// run finds the applet that the arguments name and returns the exit code.
func run(args []string) int {
	if len(args) == 0 {
		args = []string{umbrella}
	}
	prog := path.Base(args[0])
	if a := find(prog); a != nil {
		return a.call(prog, args[1:])
	}
	c := call{prog: prog, args: args[1:], out: os.Stdout, voice: diag.Voice{Prog: umbrella, Out: os.Stderr}}
	return c.voice.Code(daemontools(&c))
}

func find(name string) *applet {
	for i := range all {
		if all[i].name == name {
			return &all[i]
		}
	}
	return nil
}

// call runs the applet. What it prints is written out at its end, and a failure
// of that is its failure.
func (a *applet) call(prog string, args []string) int {
	out := bufio.NewWriter(os.Stdout)
	c := call{prog: prog, args: args, out: out, voice: diag.Voice{Prog: a.name, Out: os.Stderr}}
	err := a.run(&c)
	if flushErr := out.Flush(); err == nil {
		err = diag.Unable("write output", flushErr)
	}
	return c.voice.Code(err)
}
