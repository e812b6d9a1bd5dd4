// SPDX-License-Identifier: MIT

package supervise

import (
	"syscall"

	"daemontools-go/internal/diag"
	"daemontools-go/internal/servicedir"
	"daemontools-go/internal/sys"
)

// service is the world as it is: the directory on disk, the process, and what
// the host watches of both.
type service struct {
	Service
	host *Host
	dir  servicedir.Dir
	hold servicedir.Claim

	pid     int
	process sys.FD // the pidfd, or None where there can be none
}

// noDir is no service directory.
var noDir = servicedir.At(sys.None)

func (s *service) claim(commanded func()) (normallyUp bool, err error) {
	if err := s.enter(); err != nil {
		return false, diag.Unable("chdir to "+s.Name, err)
	}
	if normallyUp, err = s.dir.NormallyUp(); err != nil {
		return false, diag.Unable("stat "+s.Name+"/down", err)
	}
	if s.hold, err = s.dir.Claim(s.Name); err != nil {
		return false, err
	}
	if !s.hold.Fits(s.host.roomy) {
		return false, diag.Unable("read "+s.Name+"/supervise/control", syscall.EMFILE)
	}
	if err := s.host.poller.Watch(s.hold.Control(), commanded); err != nil {
		return false, diag.Unable("watch "+s.Name+"/supervise/control", err)
	}
	return normallyUp, nil
}

// enter opens the service directory. It may have been opened already.
func (s *service) enter() (err error) {
	if s.Path == "" {
		s.dir = servicedir.At(s.Where)
		s.Where = sys.None
		return s.dir.Enter()
	}
	s.dir, err = servicedir.Open(s.Where, s.Path)
	s.Where.Close()
	s.Where = sys.None
	return err
}

func (s *service) publish(status servicedir.Status) error { return s.hold.Publish(status) }

func (s *service) open() error { return s.hold.Open() }

func (s *service) commands() []servicedir.Command {
	var buf [64]byte
	// Any failure but EAGAIN would be a bug in the kernel: both ends are open.
	bytes, _ := s.hold.ReadCommands(buf[:])
	commands := make([]servicedir.Command, len(bytes))
	for i, b := range bytes {
		commands[i] = servicedir.Command(b)
	}
	return commands
}

func (s *service) release() {
	if s.hold.Control() != sys.None {
		s.host.poller.Forget(s.hold.Control())
	}
	s.hold.Release()
	s.dir.Close()
	s.Where.Close()
}

func (s *service) start(exited func()) (int, error) {
	pid, err := s.startRun()
	if err != nil {
		return 0, err
	}
	s.pid = pid
	if err := s.watch(exited); err != nil {
		s.host.spawner.WhenChildDied(pid, exited)
	}
	return pid, nil
}

// watch has exited called when the process is dead. The pid is still that of
// our child: nobody else reaps it.
func (s *service) watch(exited func()) (err error) {
	if s.process, err = sys.OpenProcess(s.pid); err != nil {
		return err
	}
	if s.process >= s.host.roomy/4*3 { // it can do without
		err = syscall.EMFILE
	} else {
		err = s.host.poller.Watch(s.process, exited)
	}
	if err != nil {
		s.process.Close()
		s.process = sys.None
	}
	return err
}

func (s *service) exited() bool {
	if !s.host.spawner.Reap(s.pid) {
		return false
	}
	if s.process != sys.None {
		s.host.poller.Forget(s.process)
		s.process.Close()
		s.process = sys.None
	}
	s.pid = 0
	return true
}

func (s *service) signal(sig syscall.Signal) {
	// Original: whether the signal could be sent is not looked at. The process
	// may be dead already, or may have become one that we must not signal.
	if s.process != sys.None {
		_ = s.process.SignalProcess(sig)
	} else if s.pid != 0 {
		_ = sys.Kill(s.pid, sig)
	}
}
