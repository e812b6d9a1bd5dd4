// SPDX-License-Identifier: MIT

package main

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

const (
	// living is how many services there are while single ones are measured.
	living = 100
	// pollPause is how often suites without notices look for new services.
	pollPause = 5 * time.Second
	// tryPause keeps tries apart, so that none meets the end of another.
	tryPause = 20 * time.Millisecond
)

// measureLife runs all suites side by side. They are idle except for the one
// that is measured.
func (l *lab) measureLife() error {
	var scenes []*scene
	for i := range l.suites {
		s := &l.suites[i]
		dir, err := l.makeServices(living)
		if err != nil {
			return err
		}
		scene, err := l.open(s, dir, 2*living, 0)
		if err != nil {
			return err
		}
		defer scene.close()
		if _, err := scene.awaitAll(living); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		scenes = append(scenes, scene)
	}
	// Services that have lived for a second are started again at once.
	if err := pause(l.ctx, settlePause); err != nil {
		return err
	}
	for _, step := range []struct {
		group string
		do    func([]*scene) error
	}{
		{groupIdle, l.measureIdle},
		{groupRestart, l.measureRestart},
		{groupDown, l.measureDown},
		{groupNotice, l.measureNotice},
	} {
		if l.wants(step.group) {
			if err := step.do(scenes); err != nil {
				return err
			}
		}
	}
	return nil
}

// measureIdle counts how often supervisors with nothing to do run.
func (l *lab) measureIdle(scenes []*scene) error {
	progress("doing nothing for %v", l.idle)
	pids := make([][]int, len(scenes))
	before := make([]float64, len(scenes))
	for i, s := range scenes {
		pids[i] = s.supervisors()
	}
	for i := range scenes {
		var err error
		if before[i], err = switches(pids[i]); err != nil {
			return err
		}
	}
	if err := pause(l.ctx, l.idle); err != nil {
		return err
	}
	for i, s := range scenes {
		after, err := switches(pids[i])
		if err != nil {
			return err
		}
		l.table.add(rowIdle, s.suite.name, (after-before[i])/l.idle.Minutes())
	}
	return nil
}

// measureRestart kills services and waits until they run again.
func (l *lab) measureRestart(scenes []*scene) error {
	progress("killing services")
	tries := l.times(20, 5)
	for _, s := range scenes {
		pids := s.byName()
		for i := range tries {
			name := fmt.Sprintf(serviceName, i)
			began := time.Now()
			if err := syscall.Kill(pids[name], syscall.SIGKILL); err != nil {
				return fmt.Errorf("%s: kill %s: %w", s.suite.name, name, err)
			}
			if err := s.addTry(rowRestart, name, began); err != nil {
				return err
			}
		}
	}
	return nil
}

// byName are the pids of the services.
func (s *scene) byName() map[string]int {
	pids := map[string]int{}
	for _, started := range s.services {
		pids[started.name()] = started.pid
	}
	return pids
}

// addTry waits until a service runs and adds how long it took.
func (s *scene) addTry(row, name string, began time.Time) error {
	ctx, cancel := s.patient()
	defer cancel()
	report, err := s.reports.of(ctx, name)
	if err != nil {
		return fmt.Errorf("%s: %s: %w", s.suite.name, name, s.explain(err))
	}
	s.lab.table.add(row, s.suite.name, report.at.Sub(began).Seconds())
	return pause(s.lab.ctx, tryPause)
}

// measureDown tells services to stop right after they were started. These are
// other services than those that were killed.
func (l *lab) measureDown(scenes []*scene) error {
	progress("taking services down right after their start")
	tries := l.times(10, 3)
	for _, s := range scenes {
		pids := s.byName()
		for i := range tries {
			name := fmt.Sprintf(serviceName, living-1-i)
			if _, err := s.takeDown(name, pids[name]); err != nil {
				return fmt.Errorf("%s: %s: %w", s.suite.name, name, err)
			}
		}
		// The next start of these services is at once, not after a pause.
		if err := pause(l.ctx, 1100*time.Millisecond); err != nil {
			return err
		}
		for i := range tries {
			name := fmt.Sprintf(serviceName, living-1-i)
			elapsed, err := s.startAndStop(name)
			if err != nil {
				return fmt.Errorf("%s: %s: %w", s.suite.name, name, err)
			}
			l.table.add(rowDown, s.suite.name, elapsed.Seconds())
		}
	}
	return nil
}

// startAndStop starts a service and stops it, and answers with how long the
// latter took.
func (s *scene) startAndStop(name string) (time.Duration, error) {
	if err := s.run(s.suite.up(filepath.Join(s.dir, name))); err != nil {
		return 0, err
	}
	ctx, cancel := s.patient()
	defer cancel()
	report, err := s.reports.of(ctx, name)
	if err != nil {
		return 0, s.explain(err)
	}
	return s.takeDown(name, report.pid)
}

// takeDown stops a service and answers with how long that took, from before
// the start of the command to the death of the service.
func (s *scene) takeDown(name string, pid int) (time.Duration, error) {
	victim, err := openProcess(pid)
	if err != nil {
		return 0, err
	}
	defer victim.close()
	began := time.Now()
	cmd := s.control(s.suite.down(filepath.Join(s.dir, name)))
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	died, err := victim.awaitDeath()
	// How the command ends says how long it was ready to wait.
	_ = cmd.Wait()
	return died.Sub(began), err
}

// control makes a command of the suite.
func (s *scene) control(args []string) *exec.Cmd {
	program, rest := s.suite.command(args)
	cmd := exec.Command(program, rest...)
	cmd.Env = append(os.Environ(), string(s.mark))
	return cmd
}

func (s *scene) run(args []string) error { return s.control(args).Run() }

// measureNotice adds services while the suites run. Those that look every five
// seconds wait beside each other, for it takes them most of that.
func (l *lab) measureNotice(scenes []*scene) error {
	progress("adding services")
	var polling sync.WaitGroup
	failures := make([]error, len(scenes))
	for i, s := range scenes {
		if s.suite.polls {
			polling.Add(1)
			go func() {
				defer polling.Done()
				failures[i] = l.noticeByPoll(s)
			}()
		}
	}
	for i, s := range scenes {
		for try := 0; !s.suite.polls && try < l.times(20, 5) && failures[i] == nil; try++ {
			failures[i] = s.addService(try)
		}
	}
	polling.Wait()
	for _, err := range failures {
		if err != nil {
			return err
		}
	}
	return nil
}

// noticeByPoll adds services at even distances of the five seconds. The try
// itself ends at a look, so the next one has to begin a certain time after it:
// at times that depend on the former, all would take the same.
func (l *lab) noticeByPoll(s *scene) error {
	tries := l.times(3, 2)
	for try := range tries {
		share := (float64(try) + 0.5) / float64(tries)
		if err := pause(l.ctx, time.Duration(math.Round(share*float64(pollPause)))); err != nil {
			return err
		}
		if err := s.addService(try); err != nil {
			return err
		}
	}
	return nil
}

// addService adds a service as people do: made elsewhere, then linked.
func (s *scene) addService(number int) error {
	name := fmt.Sprintf("new%04d", number)
	made := filepath.Join(s.dir+".made", name)
	if err := os.MkdirAll(filepath.Dir(made), 0o755); err != nil {
		return err
	}
	if err := s.lab.makeService(made); err != nil {
		return err
	}
	began := time.Now()
	if err := os.Symlink(made, filepath.Join(s.dir, name)); err != nil {
		return err
	}
	if s.suite.notify != nil {
		if err := s.run(s.suite.notify(s.dir)); err != nil {
			return fmt.Errorf("%s: %w", s.suite.name, err)
		}
	}
	return s.addTry(rowNotice, name, began)
}
