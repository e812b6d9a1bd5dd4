// SPDX-License-Identifier: MIT

package supervise

import (
	"syscall"
	"time"

	"daemontools-go/internal/servicedir"
)

// phase is what a service does.
type phase byte

const (
	down    phase = iota // nothing runs and nothing is due
	waiting              // nothing runs, a start is due
	up                   // the process runs
)

// machine decides what to do about one service. It does nothing itself: its
// methods are events, named as facts, and answer with the actions to take in
// order.
type machine struct {
	phase   phase
	want    servicedir.Want
	pid     int
	since   time.Time // of the last change of the pid
	paused  bool
	termed  bool // TERM was sent to this process
	exiting bool // the supervisor ends when the service is down
}

// action is one thing for the loop to do.
type action struct {
	verb   verb
	signal syscall.Signal // of the verb signal
	pause  time.Duration  // of the verb wait: from the last attempt to start
}

type verb byte

const (
	announce verb = iota // publish the status record
	wait                 // call due when the pause is over
	start                // start the run script, then call started or startFailed
	signal               // send the signal to the process
	quit                 // end the supervisor
)

const (
	// startPause is the shortest time from one start to the next.
	startPause = time.Second
	// forkPause is how long to wait when no process can be made.
	forkPause = 60 * time.Second
)

// newMachine is a machine for a service that does not run.
func newMachine(normallyUp bool, now time.Time) machine {
	m := machine{want: servicedir.WantDown, since: now}
	if normallyUp {
		m.want = servicedir.WantUp
	}
	return m
}

// status is the record to publish.
func (m *machine) status() servicedir.Status {
	s := servicedir.Status{Since: m.since, PID: m.pid, Want: m.want}
	if m.phase == up {
		s.State = servicedir.StateRun
		s.Paused = m.paused
		s.Termed = m.termed
	}
	return s
}

// opened comes once, when the service directory is ready.
func (m *machine) opened() []action {
	if m.want == servicedir.WantUp {
		return m.startSoon()
	}
	return nil
}

// command comes for each byte from the control FIFO.
func (m *machine) command(c servicedir.Command) []action {
	switch c {
	case servicedir.Up:
		m.want = servicedir.WantUp
		return m.startUnlessUp()
	case servicedir.Once:
		m.want = servicedir.WantOnce
		return m.startUnlessUp()
	case servicedir.Down:
		return m.stop()
	case servicedir.Exit:
		m.exiting = true
		return m.quitUnlessUp(action{verb: announce})
	case servicedir.Pause:
		m.paused = true
		return append([]action{{verb: announce}}, m.send(syscall.SIGSTOP)...)
	case servicedir.Cont:
		m.paused = false
		return append([]action{{verb: announce}}, m.send(syscall.SIGCONT)...)
	case servicedir.Terminate:
		return m.terminate()
	}
	if sig := c.Signal(); sig != 0 {
		return m.send(sig)
	}
	return nil
}

// due comes when the pause of a wait action is over.
func (m *machine) due() []action {
	if m.phase != waiting {
		return nil // it was told to stay down meanwhile
	}
	return []action{{verb: start}}
}

// started comes when the run script runs.
func (m *machine) started(pid int, now time.Time) []action {
	m.phase = up
	m.pid, m.since = pid, now
	m.paused, m.termed = false, false
	return []action{{verb: announce}}
}

// startFailed comes when there is no process: none could be made (noFork), or
// the run script cannot be executed.
func (m *machine) startFailed(noFork bool) []action {
	switch {
	case noFork:
		return []action{{verb: wait, pause: forkPause}}
	case m.want == servicedir.WantUp:
		return []action{{verb: wait, pause: startPause}}
	}
	// Once was once, as if it had started and died.
	m.phase = down
	return []action{{verb: announce}}
}

// exited comes when the process is gone.
func (m *machine) exited(now time.Time) []action {
	m.phase = down
	m.pid, m.since = 0, now
	switch {
	case m.exiting:
		return []action{{verb: announce}, {verb: quit}}
	case m.want == servicedir.WantUp:
		return append([]action{{verb: announce}}, m.startSoon()...)
	}
	return []action{{verb: announce}}
}

func (m *machine) startUnlessUp() []action {
	if m.phase != down {
		return []action{{verb: announce}}
	}
	return append([]action{{verb: announce}}, m.startSoon()...)
}

func (m *machine) startSoon() []action {
	m.phase = waiting
	return []action{{verb: wait, pause: startPause}}
}

func (m *machine) stop() []action {
	m.want = servicedir.WantDown
	if m.phase != up {
		m.phase = down
		return []action{{verb: announce}}
	}
	m.paused, m.termed = false, true
	return []action{
		{verb: signal, signal: syscall.SIGTERM},
		{verb: signal, signal: syscall.SIGCONT},
		{verb: announce},
	}
}

func (m *machine) terminate() []action {
	if m.phase != up {
		return nil
	}
	m.termed = true
	// The original has no byte for this in its record and does not write it;
	// runit does, and shows "got TERM".
	return []action{{verb: signal, signal: syscall.SIGTERM}, {verb: announce}}
}

func (m *machine) send(sig syscall.Signal) []action {
	if m.phase != up {
		return nil
	}
	return []action{{verb: signal, signal: sig}}
}

func (m *machine) quitUnlessUp(first action) []action {
	if m.phase == up {
		return []action{first}
	}
	m.phase = down
	return []action{first, {verb: quit}}
}
