// SPDX-License-Identifier: MIT

// Package supervise looks after services: starts them, starts them again when
// they die, obeys the commands that svc writes, and publishes their status.
//
// A [Supervisor] is three parts. The machine decides: events in, actions out,
// no I/O. The loop waits and obeys. The world is where actions take place: the
// service directory and the child that runs in it. A [Host] carries any number
// of supervisors in one process: a lone supervise has one, svscan all of them.
// Which services there are, and what their standard input and output is, is
// for others to say.
package supervise

import (
	"runtime/debug"

	"daemontools-go/internal/diag"
	"daemontools-go/internal/poll"
	"daemontools-go/internal/servicedir"
	"daemontools-go/internal/spawn"
	"daemontools-go/internal/sys"
)

// Host is what the supervisors of one process share.
type Host struct {
	poller  *poll.Poller
	crew    *poll.Crew
	spawner *spawn.Spawner
	voice   diag.Voice

	// Descriptors from this one on are for those who need one for a moment:
	// those who keep theirs leave them room. So services that run are published
	// and started again also when there is no room for one service more.
	roomy sys.FD
}

// spareThreads is how many threads can be in the kernel at a time when no queue
// hangs: the crew, the spawner, and what the library needs for itself.
const spareThreads = 12

// NewHost makes a host whose supervisors speak with the voice. It is called
// before the process has opened many descriptors, and there is one for the
// life of the process.
func NewHost(voice diag.Voice) (*Host, error) {
	debug.SetGCPercent(startPercent)
	sys.MakeThreads(spareThreads)
	spawner, err := spawn.Start()
	if err != nil {
		return nil, diag.Unable("start the spawner", err)
	}
	poller, err := poll.NewPoller()
	if err != nil {
		return nil, diag.Unable("start the poller", err)
	}
	// The kernel gives no reason for this to end while nobody closes it.
	go func() { panic(poller.Run()) }()
	limit := sys.OpenFileLimit()
	return &Host{
		poller: poller, crew: poll.NewCrew(), spawner: spawner, voice: voice,
		roomy: limit - min(limit/4, 64),
	}, nil
}

// ChildDied is called when SIGCHLD came.
func (h *Host) ChildDied() { h.spawner.ChildDied() }

// Queue is a new queue on the host's crew.
func (h *Host) Queue() poll.Queue { return poll.Queue{Crew: h.crew} }

// Service says what to supervise.
type Service struct {
	Name   string // of the service directory, in messages
	Where  sys.FD // where Path is looked up; the supervisor closes it
	Path   string // the service directory, or "" for Where itself
	Stdin  sys.FD // the service's standard input, or None for ours
	Stdout sys.FD // the service's standard output, or None for ours
}

// Supervise begins to look after a service, and calls ended when it has ceased
// to: with nil after it was told to exit and the service is down, or with the
// reason why the directory could not be taken.
func (h *Host) Supervise(what Service, ended func(error)) *Supervisor {
	world := &service{Service: what, host: h, dir: noDir, hold: servicedir.NoClaim, process: sys.None}
	s := &Supervisor{queue: h.Queue(), world: world, voice: &h.voice, name: what.Name, ended: ended}
	s.queue.Post(s.begin)
	return s
}
