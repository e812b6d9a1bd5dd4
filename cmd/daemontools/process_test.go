// SPDX-License-Identifier: MIT

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rogpeppe/go-internal/testscript"
)

// script is a running script.
type script struct {
	t        testing.TB
	work     string   // its $WORK
	vars     []string // its environment at the start
	original bool     // whether it runs the original programs
	slow     bool     // whether it waits for them
	started  map[string]*process
}

type scriptKey struct{}

func scriptOf(ts *testscript.TestScript) *script {
	return ts.Value(scriptKey{}).(*script)
}

// process is a program in the background.
type process struct {
	cmd  *exec.Cmd
	gone chan struct{} // closed when it has ended
}

// result is how a program ended.
type result struct {
	stdout, stderr []byte
	code           int
}

// show has the commands stdout and stderr look at the result.
func (r *result) show(ts *testscript.TestScript) {
	_, err := ts.Stdout().Write(r.stdout)
	ts.Check(err)
	_, err = ts.Stderr().Write(r.stderr)
	ts.Check(err)
}

// run runs a program in the script's current directory.
func (s *script) run(ts *testscript.TestScript, args []string) (r result) {
	cmd, err := s.command(ts, args)
	ts.Check(err)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	var exit *exec.ExitError
	if err = cmd.Run(); err != nil && !errors.As(err, &exit) {
		ts.Fatalf("%v", err)
	}
	return result{stdout.Bytes(), stderr.Bytes(), cmd.ProcessState.ExitCode()}
}

// command prepares a program. Its environment has the variables that there
// were at the start, with the values that they have now.
func (s *script) command(ts *testscript.TestScript, args []string) (*exec.Cmd, error) {
	path, err := lookPath(ts, args[0])
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(path, args[1:]...)
	cmd.Dir = ts.MkAbs(".")
	for _, v := range s.vars {
		name, _, _ := strings.Cut(v, "=")
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	return cmd, nil
}

// lookPath finds a program in the script's search path.
func lookPath(ts *testscript.TestScript, name string) (string, error) {
	if strings.Contains(name, "/") {
		return ts.MkAbs(name), nil
	}
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		path := filepath.Join(dir, name)
		if unix.Access(path, unix.X_OK) == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("no program %s in PATH", name)
}

func (s *script) find(ts *testscript.TestScript, name string) *process {
	p := s.started[name]
	if p == nil {
		ts.Fatalf("start has started no %s", name)
	}
	return p
}

// wait waits for the end of a program and answers with its exit code or with
// the name of the signal that ended it.
func (s *script) wait(ts *testscript.TestScript, name string) string {
	p := s.find(ts, name)
	select {
	case <-p.gone:
	case <-time.After(s.patience()):
		ts.Fatalf("%s goes on after %v", name, s.patience())
	}
	status := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	if status.Signaled() {
		return strings.TrimPrefix(unix.SignalName(status.Signal()), "SIG")
	}
	return strconv.Itoa(status.ExitStatus())
}

// close comes when the script is over. It ends what was left behind, and makes
// that a failure; and so it makes what only a bug could have printed.
func (s *script) close() {
	if left := s.leftovers(); len(left) > 0 {
		for _, pid := range left {
			s.t.Errorf("left behind: %s", describeProcess(pid))
		}
		s.sweep()
	}
	for name := range s.started {
		stderr, err := os.ReadFile(filepath.Join(s.work, name+".err"))
		if err != nil {
			continue // the script has removed it
		}
		if s.t.Failed() {
			s.t.Logf("stderr of %s:\n%s", name, stderr)
		}
		for _, bug := range []string{"DATA RACE", "panic:", "fatal error:"} {
			if bytes.Contains(stderr, []byte(bug)) {
				s.t.Errorf("%s in the stderr of %s:\n%s", bug, name, stderr)
			}
		}
	}
}

// sweep kills all processes of the script, and those that they start meanwhile.
func (s *script) sweep() {
	ok := s.poll(func() bool {
		left := s.leftovers()
		for _, pid := range left {
			// It may be gone by now.
			_ = unix.Kill(pid, unix.SIGKILL)
		}
		return len(left) == 0
	})
	if !ok {
		s.t.Errorf("cannot kill what was left behind")
	}
}

// leftovers finds the processes of the script by their environment.
func (s *script) leftovers() (pids []int) {
	names, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		s.t.Fatal(err)
	}
	mark := []byte("\x00WORK=" + s.work + "\x00")
	for _, name := range names {
		// Other people's processes cannot be read, and those that end cannot either.
		environ, _ := os.ReadFile(name)
		if bytes.Contains(append([]byte{0}, environ...), mark) {
			if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(name))); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

func describeProcess(pid int) string {
	line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return fmt.Sprintf("%d %s", pid, bytes.ReplaceAll(line, []byte{0}, []byte{' '}))
}
