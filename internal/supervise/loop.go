// SPDX-License-Identifier: MIT

package supervise

import (
	"syscall"
	"time"

	"daemontools-go/internal/diag"
	"daemontools-go/internal/poll"
	"daemontools-go/internal/servicedir"
	"daemontools-go/internal/sys"
)

// diskPause is how long to wait before a status record that could not be
// written is tried again.
const diskPause = 5 * time.Second

// world is what the loop acts on: a service directory and the process that
// runs in it. All calls come from the loop.
type world interface {
	// claim takes the directory. From then on commanded is called when there
	// are commands to read.
	claim(commanded func()) (normallyUp bool, err error)
	publish(servicedir.Status) error
	// open says to others that a supervisor runs.
	open() error
	// commands reads some of the commands that wait, or none.
	commands() []servicedir.Command
	// start starts the run script. When it may be dead, exited is called.
	start(exited func()) (pid int, err error)
	// exited says whether the process is dead, and has it reaped then.
	exited() bool
	signal(syscall.Signal)
	// release gives everything back.
	release()
}

// Supervisor looks after one service. One goroutine at a time, that of its
// queue, owns it; other goroutines post.
type Supervisor struct {
	queue   poll.Queue
	world   world
	voice   *diag.Voice
	name    string // of the service directory in messages
	ended   func(error)
	over    bool
	machine machine

	attempt     time.Time // when the last start was tried
	startTime   time.Time // when the next one is due
	startTimer  *time.Timer
	announced   bool // the record on disk is to become the machine's
	unpublished bool // it could not be written
}

// Command has the supervisor do what the byte says, as if svc had sent it.
func (s *Supervisor) Command(c servicedir.Command) {
	s.queue.Post(func() { s.obey(s.machine.command(c)) })
}

// begin takes the directory and starts the service if it is normally up.
func (s *Supervisor) begin() {
	normallyUp, err := s.world.claim(func() { s.queue.Post(s.readCommands) })
	if err != nil {
		s.end(err)
		return
	}
	s.machine = newMachine(normallyUp, time.Now())
	s.publish()
	if err := s.world.open(); err != nil {
		s.end(err)
		return
	}
	s.obey(s.machine.opened())
}

func (s *Supervisor) end(err error) {
	s.over = true
	s.stopStartTimer()
	s.world.release()
	s.ended(err)
}

// readCommands obeys some of the commands that wait, and comes back for more
// when the others that wait for the queue had their turn.
func (s *Supervisor) readCommands() {
	if s.over {
		return
	}
	commands := s.world.commands()
	if len(commands) == 0 {
		return
	}
	for _, c := range commands {
		s.take(s.machine.command(c))
	}
	s.settle()
	s.queue.Post(s.readCommands)
}

// checkExit is called when the process may be dead.
func (s *Supervisor) checkExit() {
	if !s.over && s.machine.phase == up && s.world.exited() {
		s.obey(s.machine.exited(time.Now()))
	}
}

func (s *Supervisor) checkDue() {
	if !s.over && !time.Now().Before(s.startTime) {
		s.obey(s.machine.due())
	}
}

// obey takes the actions.
func (s *Supervisor) obey(actions []action) {
	s.take(actions)
	s.settle()
}

// take takes the actions in order, and those that follow from them. What they
// announce waits for settle, which publishes it once for all of them.
func (s *Supervisor) take(actions []action) {
	for len(actions) > 0 && !s.over {
		next := actions[0]
		actions = append(actions[1:], s.do(next)...)
	}
}

func (s *Supervisor) do(a action) []action {
	switch a.verb {
	case announce:
		s.announced = true
	case wait:
		return s.wait(a.pause)
	case start:
		// The start may take long, and shows that the service was asked for.
		s.settle()
		return s.start()
	case signal:
		s.world.signal(a.signal)
	case quit:
		s.settle()
		s.end(nil)
	}
	return nil
}

// settle publishes what was announced.
func (s *Supervisor) settle() {
	if s.announced && !s.over {
		s.announced = false
		s.publish()
	}
}

func (s *Supervisor) publish() {
	err := s.world.publish(s.machine.status())
	if err != nil {
		s.voice.Warn(err)
		s.publishLater()
		return
	}
	s.unpublished = false
}

func (s *Supervisor) publishLater() {
	if !s.unpublished {
		s.unpublished = true
		time.AfterFunc(diskPause, func() { s.queue.Post(s.publishAgain) })
	}
}

// publishAgain is silent: the failure was said when it was news.
func (s *Supervisor) publishAgain() {
	if !s.over && s.unpublished {
		s.unpublished = false
		if s.world.publish(s.machine.status()) != nil {
			s.publishLater()
		}
	}
}

// wait has due called when the pause since the last attempt is over.
func (s *Supervisor) wait(pause time.Duration) []action {
	s.stopStartTimer()
	s.startTime = s.attempt.Add(pause)
	left := time.Until(s.startTime)
	if s.attempt.IsZero() || left <= 0 {
		return s.machine.due()
	}
	s.startTimer = time.AfterFunc(left, func() { s.queue.Post(s.checkDue) })
	return nil
}

func (s *Supervisor) stopStartTimer() {
	if s.startTimer != nil {
		s.startTimer.Stop()
		s.startTimer = nil
	}
}

func (s *Supervisor) start() []action {
	s.startTimer = nil
	pid, err := s.world.start(func() { s.queue.Post(s.checkExit) })
	s.attempt = time.Now()
	if err == nil {
		return s.machine.started(pid, s.attempt)
	}
	noFork := sys.IsFull(err)
	if noFork {
		s.voice.Warn(diag.Unable("fork for "+s.name+", sleeping 60 seconds", err))
	} else {
		// Original: the child says so, and as fatal: it ends, supervise does not.
		s.voice.Fatal(diag.Unable("start "+s.name+"/run", err))
	}
	return s.machine.startFailed(noFork)
}
