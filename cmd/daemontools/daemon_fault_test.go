// SPDX-License-Identifier: MIT

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// daemon is a program that a test has started.
type daemon struct {
	tree  *tree
	cmd   *exec.Cmd
	log   string        // the file that standard error goes to
	ended chan struct{} // closed when it has
	err   error         // how it ended
}

// svscan starts svscan on the tree, changed by the functions.
func (d *tree) svscan(changes ...func(*exec.Cmd)) *daemon {
	d.Helper()
	return d.start(exec.Command("svscan", d.dir), changes...)
}

func (d *tree) start(cmd *exec.Cmd, changes ...func(*exec.Cmd)) *daemon {
	d.Helper()
	p := &daemon{tree: d, cmd: cmd, ended: make(chan struct{})}
	log, err := os.CreateTemp(d.top, "stderr")
	d.must(err)
	defer log.Close()
	p.log = log.Name()
	cmd.Env = append(os.Environ(), treeVariable+"="+d.top)
	cmd.Dir = d.top
	cmd.Stderr = log
	for _, change := range changes {
		change(cmd)
	}
	d.must(cmd.Start())
	d.daemons = append(d.daemons, p)
	go func() {
		p.err = cmd.Wait()
		close(p.ended)
	}()
	return p
}

func (p *daemon) pid() int { return p.cmd.Process.Pid }

// stderr is what it and its services have written to standard error.
func (p *daemon) stderr() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// said counts how often it said the line.
func (p *daemon) said(line string) (times int) {
	for l := range strings.Lines(p.stderr()) {
		if l == line+"\n" {
			times++
		}
	}
	return times
}

// awaitSaid waits until it has said the line as often.
func (p *daemon) awaitSaid(line string, times int) {
	p.tree.Helper()
	p.tree.await(fmt.Sprintf("%q was said %d times", line, times), func() bool { return p.said(line) >= times })
}

// checkSilent makes sure that it has said nothing.
func (p *daemon) checkSilent() {
	p.tree.Helper()
	if text := p.stderr(); text != "" {
		p.tree.Errorf("it said:\n%s", text)
	}
}

func (p *daemon) signal(sig syscall.Signal) {
	p.tree.Helper()
	p.tree.must(p.cmd.Process.Signal(sig))
}

// alive says whether it runs.
func (p *daemon) alive() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// stop ends it by TERM, and makes sure that all went well and nothing is left.
func (p *daemon) stop() {
	p.tree.Helper()
	if !p.alive() {
		p.tree.Fatalf("%s ended before TERM: %v", p.cmd.Args[0], p.err)
	}
	p.signal(syscall.SIGTERM)
	p.awaitEnd()
	if left := p.tree.processes(); len(left) > 0 {
		p.tree.Errorf("after TERM the processes %v are left", left)
	}
}

// awaitEnd waits until it has ended, with 0.
func (p *daemon) awaitEnd() {
	p.tree.Helper()
	p.tree.await(p.cmd.Args[0]+" has ended", func() bool { return !p.alive() })
	if p.err != nil {
		p.tree.Errorf("%s ended with: %v, want 0", p.cmd.Args[0], p.err)
	}
}

// ticks is the processor time that it has used, in hundredths of a second.
func (p *daemon) ticks() int {
	sum := 0
	if fields := statFields("/proc/" + strconv.Itoa(p.pid())); len(fields) > 12 {
		for _, field := range fields[11:13] {
			n, _ := strconv.Atoi(field)
			sum += n
		}
	}
	return sum
}

// processes are those of the test that run.
func (d *tree) processes() []int {
	mark := []byte(treeVariable + "=" + d.top + "\x00")
	return processesWhere(func(proc string) bool {
		environ, err := os.ReadFile(proc + "/environ")
		return err == nil && bytes.Contains(environ, mark)
	})
}

// processesIn are those whose current directory it is.
func processesIn(dir string) []int {
	return processesWhere(func(proc string) bool {
		cwd, err := os.Readlink(proc + "/cwd")
		return err == nil && cwd == dir
	})
}

// children are those of a process, dead ones too.
func children(parent int) (pids []int) {
	// The kernel knows them, where it was built so; looking at all takes long.
	lists, _ := filepath.Glob("/proc/" + strconv.Itoa(parent) + "/task/*/children")
	for _, list := range lists {
		text, _ := os.ReadFile(list)
		for field := range strings.FieldsSeq(string(text)) {
			if pid, err := strconv.Atoi(field); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	if lists != nil {
		return pids
	}
	return processesWhere(func(proc string) bool {
		fields := statFields(proc)
		return len(fields) > 1 && fields[1] == strconv.Itoa(parent)
	})
}

// statFields are the fields of a stat file from the third one on: state, ppid.
func statFields(proc string) []string {
	stat, _ := os.ReadFile(proc + "/stat")
	_, rest, _ := strings.Cut(string(stat), ") ")
	return strings.Fields(rest)
}

func processesWhere(isSo func(proc string) bool) (pids []int) {
	entries, _ := os.ReadDir("/proc")
	for _, entry := range entries {
		if pid, err := strconv.Atoi(entry.Name()); err == nil && isSo("/proc/"+entry.Name()) {
			pids = append(pids, pid)
		}
	}
	return pids
}
