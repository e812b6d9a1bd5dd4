// SPDX-License-Identifier: MIT

package main

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"daemontools-go/internal/servicedir"
	"daemontools-go/internal/sys"
)

const (
	// patience is how long something may take before a test gives up. It is no
	// measure of how long it should take, only less than the minute that svscan
	// waits when no process can be made.
	patience = 50 * time.Second
	// treeVariable marks the processes of a test, so that none outlives it.
	treeVariable = "DAEMONTOOLS_TEST_TREE"
	// lives is a run script that runs until it is told to end.
	lives = "#!/bin/sh\nexec sleep 1000000\n"
	// reads is the run script of a log that reads all and keeps nothing.
	reads = "#!/bin/sh\nexec cat >/dev/null\n"
)

// needs skips the test for what whoever runs it can provide, root or a package,
// unless nothing may be skipped.
func needs(t *testing.T, what ...string) {
	t.Helper()
	missing := "needs " + strings.Join(what, ", ")
	if os.Getenv("DAEMONTOOLS_TEST_NO_SKIP") == "1" {
		t.Fatal(missing)
	}
	t.Skip(missing)
}

// lacks skips the test for what the machine, or its owner, does not let us have.
func lacks(t *testing.T, what string) {
	t.Helper()
	t.Skip("this machine lacks " + what)
}

// needsProgram skips the test where the program is not installed.
func needsProgram(t *testing.T, name, from string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		needs(t, name+" ("+from+")")
	}
}

func needsRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		needs(t, "root")
	}
}

// together runs tests that mostly wait at the same time, more of them than
// would be run in parallel.
func together(t *testing.T, tests map[string]func(*testing.T)) {
	t.Helper()
	var all sync.WaitGroup
	for name, test := range tests {
		all.Add(1)
		go func() {
			defer all.Done()
			t.Run(name, test)
		}()
	}
	all.Wait()
}

// tree is a scan directory and the programs that a test has started on it. Both
// are gone after the test.
type tree struct {
	*testing.T
	top     string // all that the test makes is in it, and anybody may look into it
	dir     string // the scan directory
	owner   int    // of what is built
	daemons []*daemon
}

func newTree(t *testing.T) *tree {
	t.Helper()
	top, err := os.MkdirTemp("", "daemontools-tree")
	if err != nil {
		t.Fatal(err)
	}
	d := &tree{T: t, top: top, dir: filepath.Join(top, "service"), owner: os.Geteuid()}
	t.Cleanup(d.remove)
	d.must(os.Chmod(top, 0o755), os.Mkdir(d.dir, 0o755))
	return d
}

// remove ends what still runs and removes all files.
func (d *tree) remove() {
	d.endDaemons()
	if err := os.RemoveAll(d.top); err != nil {
		d.Error(err)
	}
}

// endDaemons ends what still runs.
func (d *tree) endDaemons() {
	if d.Failed() {
		for _, p := range d.daemons {
			d.Logf("%s said:\n%s", p.cmd.Args[0], p.stderr())
		}
	}
	daemons := d.daemons
	d.daemons = nil
	d.poll("leftover processes end", func() bool {
		left := d.processes()
		for _, pid := range left {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		return len(left) == 0
	}, d.Errorf)
	for _, p := range daemons {
		<-p.ended
	}
}

func (d *tree) must(errs ...error) {
	d.Helper()
	if err := errors.Join(errs...); err != nil {
		d.Fatal(err)
	}
}

// await waits until it is so.
func (d *tree) await(what string, isSo func() bool) {
	d.Helper()
	d.poll(what, isSo, d.Fatalf)
}

func (d *tree) poll(what string, isSo func() bool, fail func(string, ...any)) {
	d.Helper()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !isSo() {
		select {
		case <-tick.C:
			if p := d.broken(); p != nil {
				if p.cmd.ProcessState.ExitCode() == noFault {
					lacks(d.T, p.stderr())
				}
				fail("waiting until %s, %s ended with: %v", what, p.cmd.Args[0], p.err)
				return
			}
		case <-limit.C:
			fail("waited in vain until %s", what)
			return
		}
	}
}

// broken finds a program that has failed.
func (d *tree) broken() *daemon {
	for _, p := range d.daemons {
		if !p.alive() && p.err != nil {
			return p
		}
	}
	return nil
}

// path is that of a file in the scan directory.
func (d *tree) path(name string) string { return filepath.Join(d.dir, name) }

// build makes a service directory outside the scan directory: with a run
// script and, if there is a second one, with a log.
func (d *tree) build(scripts ...string) string {
	d.Helper()
	path, err := os.MkdirTemp(d.top, "built")
	d.must(err, os.Chmod(path, 0o755), os.Lchown(path, d.owner, -1))
	for i, script := range scripts {
		in := filepath.Join(path, []string{"", "log"}[i])
		d.must(os.MkdirAll(in, 0o755), writeProgram(filepath.Join(in, "run"), script))
		d.must(os.Lchown(in, d.owner, -1))
	}
	return path
}

// add puts a complete service directory into the scan directory.
func (d *tree) add(name string, scripts ...string) {
	d.Helper()
	d.must(os.Rename(d.build(scripts...), d.path(name)))
}

// svc runs svc in the scan directory.
func (d *tree) svc(args ...string) {
	d.Helper()
	cmd := exec.Command("svc", args...)
	cmd.Dir = d.dir
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		d.Errorf("svc %s: %v %s", strings.Join(args, " "), err, out)
	}
}

// pid is that of the service, by its status record; 0 when it is down, or has
// no supervisor.
func (d *tree) pid(name string) int { return pidOf(d.path(name)) }

func pidOf(path string) int {
	dir, err := servicedir.Open(sys.Here, path)
	if err != nil {
		return 0
	}
	defer dir.Close()
	status, err := dir.Status()
	if err != nil {
		return 0
	}
	return status.PID
}

// awaitUp waits until all run.
func (d *tree) awaitUp(names ...string) {
	d.Helper()
	for _, name := range names {
		d.await(name+" is up", func() bool { return d.pid(name) != 0 })
	}
}

// awaitDown waits until none runs.
func (d *tree) awaitDown(names ...string) {
	d.Helper()
	for _, name := range names {
		d.await(name+" is down", func() bool { return d.pid(name) == 0 })
	}
}

// checkControl makes sure that a service that is up can be taken down and up.
func (d *tree) checkControl(name string) {
	d.Helper()
	d.svc("-d", name)
	d.awaitDown(name)
	d.svc("-u", name)
	d.awaitUp(name)
}

func isMissing(path string) bool {
	_, err := os.Lstat(path)
	return errors.Is(err, fs.ErrNotExist)
}

// writeProgram writes an executable file. While it is open for writing nobody
// here forks: the child would have it open too, until its exec, and who runs
// the program then is told "text busy".
func writeProgram(path, text string) error {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	return os.WriteFile(path, []byte(text), 0o755)
}
