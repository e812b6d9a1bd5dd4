// SPDX-License-Identifier: MIT

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// mark is a string in the environment of processes, which they hand down to
// their children: neither a new session nor the death of a parent takes it
// away. It holds the name of a directory that only this run has.
type mark string

const markVariable = "DAEMONTOOLS_BENCH="

func newMark(dir string) mark { return mark(markVariable + dir + ":") }

// of is the mark of one part of the run.
func (m mark) of(part int) mark { return m + mark(strconv.Itoa(part)) + ":" }

// processes are the pids of all living processes with the mark.
func (m mark) processes() []int {
	var pids []int
	names, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, name := range names {
		// Processes of others and dead ones cannot be read, and are not ours.
		environ, err := os.ReadFile(name)
		if err != nil || !bytes.Contains(environ, []byte(m)) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(name))); err == nil && pid != os.Getpid() {
			pids = append(pids, pid)
		}
	}
	return pids
}

// kill kills all processes with the mark. A supervisor that was not seen yet
// may start another one meanwhile, so it looks again until there is none; a
// process that cannot die (in an uninterruptible call) is given up.
func (m mark) kill() {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); <-tick.C {
		pids := m.processes()
		if len(pids) == 0 {
			return
		}
		for _, pid := range pids {
			// It may be gone already.
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	progress("some processes would not die: %v", m.processes())
}
