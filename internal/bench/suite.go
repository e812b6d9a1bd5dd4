// SPDX-License-Identifier: MIT

package main

import (
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
)

// Names of the columns.
const (
	ours        = "ours"
	daemontools = "daemontools"
	runit       = "runit"
	s6          = "s6"
)

// suite is how to use a supervision suite.
type suite struct {
	name string
	bin  string // where its commands are
	max  int    // how many services it takes, or 0
	// scan runs the services in dir; room is how many there may be.
	scan func(dir string, room int) []string
	// notify tells a suite that does not look by itself of a new service, or
	// is nil.
	notify func(dir string) []string
	up     func(service string) []string
	down   func(service string) []string
	polls  bool // it looks for new services every 5 seconds
	size   []string
}

// allSuites are the suites in the order of the columns.
func allSuites() []suite {
	return []suite{
		{
			name: ours,
			scan: func(dir string, _ int) []string { return []string{"svscan", dir} },
			up:   func(service string) []string { return []string{"svc", "-u", service} },
			down: func(service string) []string { return []string{"svc", "-d", service} },
			size: []string{"*"},
		},
		{
			name: daemontools, max: 1000, polls: true,
			scan: func(dir string, _ int) []string { return []string{"svscan", dir} },
			up:   func(service string) []string { return []string{"svc", "-u", service} },
			down: func(service string) []string { return []string{"svc", "-d", service} },
			size: []string{
				"envdir", "envuidgid", "fghack", "multilog", "pgrphack", "readproctitle", "setlock",
				"setuidgid", "softlimit", "supervise", "svc", "svok", "svscan", "svscanboot", "svstat",
				"tai64n", "tai64nlocal",
			},
		},
		{
			name: runit, max: 1000, polls: true,
			scan: func(dir string, _ int) []string { return []string{"runsvdir", dir} },
			up:   func(service string) []string { return []string{"sv", "up", service} },
			down: func(service string) []string { return []string{"sv", "down", service} },
			size: []string{"runit", "runit-init", "runsv", "runsvdir", "runsvchdir", "sv", "svlogd", "chpst", "utmpset"},
		},
		{
			name: s6,
			// Without -c it takes 500.
			scan:   func(dir string, room int) []string { return []string{"s6-svscan", "-c", strconv.Itoa(room), dir} },
			notify: func(dir string) []string { return []string{"s6-svscanctl", "-a", dir} },
			up:     func(service string) []string { return []string{"s6-svc", "-u", service} },
			down:   func(service string) []string { return []string{"s6-svc", "-d", service} },
			size:   []string{"s6-*", "s6lockd", "ucspilogd"},
		},
	}
}

// findSuites finds the suites that are installed here, and notes which are not.
func findSuites(bin string, notes noter) ([]suite, error) {
	var found []suite
	for _, s := range allSuites() {
		err := s.find(bin)
		switch {
		case err == nil:
			found = append(found, s)
		case s.name == ours:
			return nil, fmt.Errorf("%w; make build makes it", err)
		default:
			notes.note("left out: %s (%v)", s.name, err)
		}
	}
	return found, nil
}

var errOurs = errors.New("the svscan in PATH is this program")

// find fills in where the commands are.
func (s *suite) find(bin string) error {
	program := s.scan("", 0)[0]
	if s.name == ours {
		var err error
		if bin, err = filepath.Abs(bin); err != nil {
			return err
		}
		program = filepath.Join(bin, program)
	}
	path, err := exec.LookPath(program)
	if err != nil {
		return err
	}
	s.bin = filepath.Dir(path)
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	if s.name == daemontools && filepath.Base(target) == daemontools {
		return errOurs
	}
	return nil
}

// takes says whether the suite can run that many services.
func (s *suite) takes(services int) bool { return s.max == 0 || services <= s.max }

// command makes the absolute command of a suite's command.
func (s *suite) command(args []string) (path string, rest []string) {
	return filepath.Join(s.bin, args[0]), args[1:]
}
