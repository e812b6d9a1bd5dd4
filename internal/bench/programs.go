// SPDX-License-Identifier: MIT

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
)

// programs are what the measurements run beside the suites.
type programs struct {
	service string // the run script of every service
	cLoop   string // the limit in C, or "" without a compiler
	self    string // this program, which is the limit in Go
}

// serviceSource is the service: the less it costs to start, the more of the
// time is the supervisor's. Statically linked it costs a third of a shell.
const serviceSource = `
#include <stdio.h>
#include <unistd.h>

int main(void)
{
	char line[16];
	int len = snprintf(line, sizeof line, "%d\n", (int)getpid());

	if (write(1, line, len) != len)
		return 111;
	for (;;)
		pause();
}
`

// serviceScript is the service where there is no compiler.
const serviceScript = "#!/bin/sh\necho $$\nexec sleep 1000000\n"

// loopSource is the limit: nothing but the starting of n services. It stays
// until it is killed, as a supervisor does.
const loopSource = `
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

extern char **environ;

int main(int argc, char **argv)
{
	char *args[] = { "./run", 0 };
	char path[4096];
	pid_t pid;
	int i;

	if (argc != 3)
		return 100;
	for (i = 0; i < atoi(argv[2]); i++) {
		snprintf(path, sizeof path, "%s/` + serviceName + `/run", argv[1], i);
		if (posix_spawn(&pid, path, 0, 0, args, environ))
			return 111;
	}
	for (;;)
		pause();
}
`

// makeProgramsIn makes the programs in dir.
func makeProgramsIn(ctx context.Context, dir string, notes noter) (programs, error) {
	self, err := os.Executable()
	if err != nil {
		return programs{}, err
	}
	p := programs{service: filepath.Join(dir, "service"), cLoop: filepath.Join(dir, "loop"), self: self}
	err = compile(ctx, p.service, serviceSource, "-static")
	if err != nil {
		// Not everybody who has a compiler has a static C library.
		err = compile(ctx, p.service, serviceSource)
	}
	if err == nil {
		err = compile(ctx, p.cLoop, loopSource)
	}
	if err == nil {
		return p, nil
	}
	if ctx.Err() != nil {
		return p, context.Cause(ctx)
	}
	notes.note("no C compiler (%v): the services are shell scripts, the limit is Go's", err)
	p.cLoop = ""
	return p, os.WriteFile(p.service, []byte(serviceScript), 0o755)
}

func compile(ctx context.Context, program, source string, flags ...string) error {
	cmd := exec.CommandContext(ctx, "cc", append(flags, "-O2", "-o", program, "-x", "c", "-")...)
	cmd.Stdin = bytes.NewReader([]byte(source))
	return cmd.Run()
}

// loopCommand is the first argument that makes this program the limit in Go.
const loopCommand = "spawn-loop"

// runLoop is loopSource in Go.
func runLoop(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("%s: usage: %s dir n", loopCommand, loopCommand)
	}
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	env := os.Environ()
	for i := range n {
		path := filepath.Join(args[0], fmt.Sprintf(serviceName, i), "run")
		_, err := syscall.ForkExec(path, []string{"./run"}, &syscall.ProcAttr{Env: env, Files: []uintptr{0, 1, 2}})
		if err != nil {
			return fmt.Errorf("start %s: %w", path, err)
		}
	}
	select {}
}
