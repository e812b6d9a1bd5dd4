// SPDX-License-Identifier: MIT

package main

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// Whole programs, as shipped, with real processes. The scripts are the
// specification; testdata/script/README.md says how to read them. Not tested
// here: more than 1,000 services, a fork that fails, dead file systems.

// scriptsAtOnce is how many scripts run at a time. Most of their time is
// waiting, so that there are more than processors.
const scriptsAtOnce = 6

// TestScript runs the scripts with our programs.
func TestScript(t *testing.T) {
	runScripts(t, suite{dir: "testdata/script"})
}

// suite says which scripts run, and which programs they run.
type suite struct {
	dir      string
	files    []string // those, and not all in dir
	path     string   // directories to look in before the copies of the test binary
	original bool     // whether those are the original programs
	slow     bool     // whether the original programs are among them
	vars     []string
	atOnce   int // 0 is scriptsAtOnce
}

// runScripts runs the scripts of a suite.
func runScripts(t *testing.T, programs suite) {
	t.Helper()
	p := testscript.Params{
		Dir:                 programs.dir,
		Files:               programs.files,
		Setup:               programs.setup,
		Cmds:                scriptCommands,
		Condition:           programs.condition,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	}
	if deadline, ok := t.Deadline(); ok {
		p.Deadline = deadline
	}
	if programs.atOnce == 0 {
		programs.atOnce = scriptsAtOnce
	}
	r := runner{T: t, slots: make(chan struct{}, programs.atOnce), all: &sync.WaitGroup{}}
	testscript.RunT(r, p)
	r.all.Wait()
}

// runner runs scripts side by side. Those of package testing would be as many
// as there are processors.
type runner struct {
	*testing.T
	slots chan struct{}
	all   *sync.WaitGroup
}

// Parallel does nothing: Run sees to it.
func (r runner) Parallel() {}

// Verbose says whether the test is.
func (r runner) Verbose() bool { return testing.Verbose() }

// Run runs a script, and does not wait for it.
func (r runner) Run(name string, f func(testscript.T)) {
	r.all.Add(1)
	go func() {
		defer r.all.Done()
		r.slots <- struct{}{}
		defer func() { <-r.slots }()
		r.T.Run(name, func(t *testing.T) { f(runner{t, r.slots, r.all}) })
	}()
}

// condition knows the conditions that package testscript does not.
func (p suite) condition(name string) (bool, error) {
	switch name {
	case "original":
		return p.original, nil
	case "testbinary":
		return p.path == "", nil
	case "root":
		return os.Getuid() == 0, nil
	}
	return false, fmt.Errorf("no such condition")
}

// setup makes the world of a script: $WORK/.bin with a few programs for it, and
// the search path; and sees to it that nothing outlives it.
func (p suite) setup(env *testscript.Env) error {
	bin := filepath.Join(env.WorkDir, ".bin")
	if err := makeExecutable(env.WorkDir); err != nil {
		return err
	}
	if err := makeHelpers(bin); err != nil {
		return err
	}
	env.Setenv("PATH", strings.Trim(bin+":"+p.path, ":")+":"+env.Getenv("PATH"))
	env.Setenv("GORACE", "atexit_sleep_ms=0")
	env.Vars = append(env.Vars, p.vars...)
	s := &script{
		t:        env.T().(testing.TB),
		work:     env.WorkDir,
		vars:     env.Vars,
		original: p.original,
		slow:     p.slow,
		started:  map[string]*process{},
	}
	env.Values[scriptKey{}] = s
	env.Defer(s.close)
	return nil
}

// makeExecutable makes the shell scripts in a directory executable: an archive
// knows no modes.
func makeExecutable(dir string) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err == nil && strings.HasPrefix(string(content), "#!") {
			err = os.Chmod(path, 0o755)
		}
		return err
	})
}

// makeHelpers makes the directory of programs that are not under test.
func makeHelpers(bin string) error {
	if err := os.Mkdir(bin, 0o755); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if err := os.Symlink(self, filepath.Join(bin, witnessName)); err != nil {
		return err
	}
	// Root is denied nothing, unless it is without these capabilities.
	unprivileged := `exec "$@"`
	if os.Getuid() == 0 {
		unprivileged = `exec setpriv --bounding-set=-dac_override,-dac_read_search "$@"`
	}
	return os.WriteFile(filepath.Join(bin, "unprivileged"), []byte("#!/bin/sh\n"+unprivileged+"\n"), 0o755)
}

// skip ends a test that needs a package or a privilege that is not here. Where
// everything is known to be here, DAEMONTOOLS_TEST_NO_SKIP=1 makes that a
// failure.
func skip(t testing.TB, reason string) {
	t.Helper()
	if os.Getenv("DAEMONTOOLS_TEST_NO_SKIP") == "1" {
		t.Fatalf("would skip, which DAEMONTOOLS_TEST_NO_SKIP forbids: %s", reason)
	}
	t.Skipf("SKIP: %s", reason)
}

// need skips a test unless there is what it needs: root, or else a program.
func need(t testing.TB, what string) {
	t.Helper()
	if what == "root" {
		if os.Getuid() != 0 {
			skip(t, "needs root")
		}
		return
	}
	if _, err := exec.LookPath(what); err != nil {
		skip(t, "needs the program "+what)
	}
}
