// SPDX-License-Identifier: MIT

// Package poll waits on behalf of thousands of owners that have nothing to do
// most of the time. An owner is told by a function, not by a goroutine of its
// own: a [Poller] watches all descriptors, and a [Queue] runs an owner's
// functions one after the other, on a goroutine that exists only while there
// are any.
package poll

import (
	"errors"
	"os"
	"sync"
	"syscall"

	"daemontools-go/internal/sys"
)

// Poller watches descriptors. Its methods may be called from any goroutine.
type Poller struct {
	epoll sys.Epoll
	file  *os.File // the same descriptor, for the library's own poller
	wait  syscall.RawConn

	mu    sync.Mutex
	ready map[sys.FD]func()
}

// NewPoller makes a poller; Run makes it work.
func NewPoller() (*Poller, error) {
	epoll, err := sys.NewEpoll()
	if err != nil {
		return nil, err
	}
	// An epoll descriptor is readable when it has something to report. Waiting
	// for it in the library's poller costs no thread.
	p := &Poller{epoll: epoll, file: os.NewFile(uintptr(epoll.FD), "epoll"), ready: map[sys.FD]func(){}}
	p.wait, err = p.file.SyscallConn()
	return p, err
}

// Watch calls ready when fd has become readable, once for each change. The
// call must not wait for anything; it comes from the goroutine of Run, and may
// come when there is nothing to read after all.
func (p *Poller) Watch(fd sys.FD, ready func()) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.epoll.Add(fd); err != nil {
		return err
	}
	p.ready[fd] = ready
	return nil
}

// Forget ends what Watch began. It comes before fd is closed.
func (p *Poller) Forget(fd sys.FD) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, watched := p.ready[fd]; watched {
		delete(p.ready, fd)
		// It cannot fail for a descriptor that was added and is still open.
		_ = p.epoll.Remove(fd)
	}
}

// Run waits and calls, until Close. It answers with what ended it.
func (p *Poller) Run() error {
	var buf [128]sys.FD
	for {
		ready := buf[:0]
		var failed error
		err := p.wait.Read(func(uintptr) bool {
			ready, failed = p.epoll.Ready(ready)
			return len(ready) > 0 || failed != nil
		})
		if err := errors.Join(err, failed); err != nil {
			return err
		}
		for _, fd := range ready {
			p.call(fd)
		}
	}
}

func (p *Poller) call(fd sys.FD) {
	p.mu.Lock()
	ready := p.ready[fd]
	p.mu.Unlock()
	if ready != nil {
		ready()
	}
}

// Close ends Run.
func (p *Poller) Close() error { return p.file.Close() }
