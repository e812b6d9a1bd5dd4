// SPDX-License-Identifier: MIT

// Package spawn starts children from one thread that has a descriptor table
// and a current directory of its own.
//
// A fork copies the descriptor table of its thread and the exec then closes it
// again. In a process with a few descriptors for each of N services that makes
// starting them quadratic. The table of this thread is copied while the process
// is young and stays small; what a child needs is handed over for the occasion.
//
// The fork holds the library's fork lock until the child has exec'd, and so
// does everything here. Whoever asks for a child has made sure first, as far
// as it can, that the exec does not hang.
package spawn

import (
	"os"
	"sync"
	"syscall"

	"daemontools-go/internal/sys"
)

// Child says what to start.
type Child struct {
	Dir    sys.FD // its current directory
	Stdin  sys.FD // its standard input, or None for ours
	Stdout sys.FD // its standard output, or None for ours
	Path   string // the program, relative to Dir, and the only argument
}

// Spawner starts children, and is their parent: it also collects those dead
// children of this process that nobody here has started.
type Spawner struct {
	env    []string
	home   sys.FD // where the thread goes back to
	rights sys.Rights

	starting sync.Mutex // requests are in the order of the messages in rights
	requests chan request
	deaths   chan struct{}

	mu       sync.Mutex
	children map[int]int // how many by pid: two where the number was used again at once
	died     map[int]func()
}

type request struct {
	child Child
	reply chan<- reply
}

type reply struct {
	pid int
	err error
}

// Start starts the thread. It is called before the process has opened many
// descriptors. Children get today's environment.
func Start() (*Spawner, error) {
	home, err := sys.Here.Open(".", sys.Handle, 0)
	if err != nil {
		return nil, err
	}
	if err := sys.StartLibraryPoller(); err != nil {
		home.Close()
		return nil, err
	}
	rights, err := sys.NewRights()
	if err != nil {
		home.Close()
		return nil, err
	}
	s := &Spawner{
		env:      os.Environ(),
		home:     home,
		rights:   rights,
		requests: make(chan request, 16),
		deaths:   make(chan struct{}, 1),
		children: map[int]int{},
		died:     map[int]func(){},
	}
	ready := make(chan struct{})
	go sys.LockThread(func() {
		// Where it is forbidden (a container's seccomp rules) the thread goes on
		// with the common table: slower with many services, and as right, because
		// nothing else in the process depends on the current directory.
		_ = sys.UnshareThread()
		close(ready)
		s.run()
	})
	<-ready
	return s, nil
}

func (s *Spawner) run() {
	for {
		select {
		case r := <-s.requests:
			pid, err := s.fork(r.child)
			r.reply <- reply{pid, err}
		case <-s.deaths:
			s.collect()
		}
	}
}

// Start starts a child and answers with its pid when it has become the
// program, or with the reason why not: one of [sys.IsFull] means that no child
// could be made. The caller calls Reap until the child is dead.
func (s *Spawner) Start(child Child) (pid int, err error) {
	reply := make(chan reply, 1)
	if err := s.request(request{child, reply}); err != nil {
		return 0, err
	}
	r := <-reply
	return r.pid, r.err
}

func (s *Spawner) request(r request) error {
	s.starting.Lock()
	defer s.starting.Unlock()
	fds := []sys.FD{r.child.Dir}
	for _, fd := range []sys.FD{r.child.Stdin, r.child.Stdout} {
		if fd != sys.None {
			fds = append(fds, fd)
		}
	}
	if err := s.rights.Send(fds...); err != nil {
		return err
	}
	s.requests <- r
	return nil
}

// fork runs on the thread. The descriptors in child are those of the process;
// their copies in the thread's table come by message, in the same order.
func (s *Spawner) fork(child Child) (int, error) {
	fds, err := s.rights.Receive()
	defer func() {
		for _, fd := range fds {
			fd.Close()
		}
	}()
	if err != nil {
		return 0, err
	}
	if err := fds[0].Chdir(); err != nil {
		return 0, err
	}
	defer s.goHome()
	pid, err := syscall.ForkExec(child.Path, []string{child.Path}, &syscall.ProcAttr{
		Env:   s.env,
		Files: child.files(fds[1:]),
	})
	if err != nil {
		return 0, err
	}
	s.mu.Lock()
	s.children[pid]++
	s.mu.Unlock()
	return pid, nil
}

// goHome lets the service directory go, so that it can be unmounted.
func (s *Spawner) goHome() {
	// Where that is forbidden by now, the next child is in the right place all
	// the same.
	_ = s.home.Chdir()
}

// files lays the handed-over descriptors where the child wants them.
func (c Child) files(handed []sys.FD) []uintptr {
	files := []uintptr{0, 1, 2}
	for i, fd := range []sys.FD{c.Stdin, c.Stdout} {
		if fd != sys.None {
			files[i] = uintptr(handed[0])
			handed = handed[1:]
		}
	}
	return files
}

// Reap collects a child that Start has started, if it is dead.
func (s *Spawner) Reap(pid int) (dead bool) {
	dead, err := sys.Reap(pid)
	if err != nil {
		dead = true // it is no child of ours any more
	}
	if dead {
		s.forget(pid)
		s.ChildDied()
	}
	return dead
}

// WhenChildDied has died called when a child that Start has started is dead,
// and perhaps before: for a child that cannot be watched in another way.
func (s *Spawner) WhenChildDied(pid int, died func()) {
	s.mu.Lock()
	s.died[pid] = died
	s.mu.Unlock()
	s.ChildDied() // it may have died before anybody asked
}

// ChildDied is called when SIGCHLD came. Dead children that Start has not
// started are collected: those that the process had before it became this
// program, and, as pid 1, everybody's orphans. It does not wait.
func (s *Spawner) ChildDied() {
	select {
	case s.deaths <- struct{}{}:
	default: // it is going to look anyway
	}
}

func (s *Spawner) forget(pid int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.died, pid)
	if s.children[pid]--; s.children[pid] == 0 {
		delete(s.children, pid)
	}
}

// collect runs on the thread, so that a child is never seen before it is known.
func (s *Spawner) collect() {
	for {
		pid, err := sys.DeadChild()
		// One of ours hides those behind it until its owner has reaped it, which
		// comes back here.
		if err != nil || pid == 0 || s.tell(pid) {
			return
		}
		if _, err := sys.Reap(pid); err != nil {
			return
		}
	}
}

// tell says whether the child is one of ours, and tells its owner that it died.
func (s *Spawner) tell(pid int) (ours bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if died := s.died[pid]; died != nil {
		died()
	}
	return s.children[pid] > 0
}
