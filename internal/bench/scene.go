// SPDX-License-Identifier: MIT

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// serviceName is the name of the service of a number.
const serviceName = "s%04d"

// patience is how long to wait for anything that should happen.
const patience = 20 * time.Second

var (
	errAllEnded = errors.New("all processes have ended")
	errPatience = fmt.Errorf("nothing happened for %v", patience)
)

// scene is a supervisor, or the limit, with its services.
type scene struct {
	lab      *lab
	suite    *suite // nil for the limit
	dir      string // the scan directory
	mark     mark
	cmd      *exec.Cmd
	words    string // the file with what it says on standard error
	began    time.Time
	reports  *reports
	services []started
}

// makeServices makes n services in a new scan directory. Each run is the same
// file, so that it is in memory for all suites alike. The directories are new
// for each scene: what a supervisor makes in them is part of the first start.
func (l *lab) makeServices(n int) (string, error) {
	dir, err := l.newDir()
	for i := 0; i < n && err == nil; i++ {
		err = l.makeService(filepath.Join(dir, fmt.Sprintf(serviceName, i)))
	}
	return dir, err
}

func (l *lab) makeService(dir string) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	return os.Link(l.programs.service, filepath.Join(dir, "run"))
}

// start starts a program on a scan directory; bin goes first in its PATH.
func (l *lab) start(dir, bin, program string, args []string, batch time.Duration) (*scene, error) {
	s := &scene{lab: l, dir: dir, mark: l.mark.of(l.scenes), words: dir + ".words"}
	words, err := os.Create(s.words)
	if err != nil {
		return nil, err
	}
	defer words.Close()
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer write.Close()
	s.cmd = exec.Command(program, args...)
	s.cmd.Stdout, s.cmd.Stderr = write, words
	s.cmd.Env = append(os.Environ(), string(s.mark), "PATH="+bin+":"+os.Getenv("PATH"))
	// A group of its own: an interrupt from the terminal is for us, and we end it.
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	s.began = time.Now()
	if err := s.cmd.Start(); err != nil {
		read.Close()
		return nil, err
	}
	s.reports = readReports(read, batch)
	return s, nil
}

// open starts a suite on a scan directory.
func (l *lab) open(s *suite, dir string, room int, batch time.Duration) (*scene, error) {
	program, args := s.command(s.scan(dir, room))
	scene, err := l.start(dir, s.bin, program, args, batch)
	if err == nil {
		scene.suite = s
	}
	return scene, err
}

// close ends all processes of the scene. Its files stay until the end of the
// run: where many were deleted, ext4 takes longer to make new ones, and the
// next suite would pay for it.
func (s *scene) close() {
	// The group first: so most of them die at once, and start nothing any more.
	_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
	s.mark.kill()
	// How it ended is known: by our hand.
	_ = s.cmd.Wait()
	s.reports.file.Close()
}

// awaitAll waits until n services run, and answers with how long it took since
// the start.
func (s *scene) awaitAll(n int) (time.Duration, error) {
	for i := range n {
		ctx, cancel := s.patient()
		report, err := s.reports.next(ctx)
		cancel()
		if err != nil {
			return 0, s.explain(fmt.Errorf("%d of %d services run: %w", i, n, err))
		}
		s.services = append(s.services, report)
	}
	return s.services[n-1].at.Sub(s.began), nil
}

// patient is a context that ends when something takes too long.
func (s *scene) patient() (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(s.lab.ctx, patience, errPatience)
}

// explain adds the last words of the supervisor to an error.
func (s *scene) explain(err error) error {
	if s.lab.ctx.Err() != nil {
		return context.Cause(s.lab.ctx)
	}
	if said, readErr := os.ReadFile(s.words); readErr == nil && len(said) > 0 {
		lines := strings.Split(strings.TrimSpace(string(said)), "\n")
		return fmt.Errorf("%w; it said first: %s; last: %s", err, lines[0], lines[len(lines)-1])
	}
	return err
}

// supervisors are the processes of the scene that are not services.
func (s *scene) supervisors() []int {
	service := map[int]bool{}
	for _, started := range s.services {
		service[started.pid] = true
	}
	var pids []int
	for _, pid := range s.mark.processes() {
		if !service[pid] {
			pids = append(pids, pid)
		}
	}
	return pids
}
