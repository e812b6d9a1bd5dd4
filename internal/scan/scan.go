// SPDX-License-Identifier: MIT

// Package scan runs the services of a scan directory: one supervisor for each
// entry, and one more, joined to it by a pipe, for the log of an entry that has
// one.
//
// The scanner is one goroutine that owns which entries and services there are.
// It touches no entry itself: any may lie on a file system that hangs. It sends
// somebody to look (see sighting) and goes on. Entries come and go by notices
// of the kernel; the directory is read whole at the start, when it is asked
// for, when notices were lost, and, as long as anything is pending, each five
// seconds.
package scan

import (
	"strings"
	"time"

	"daemontools-go/internal/diag"
	"daemontools-go/internal/supervise"
	"daemontools-go/internal/sys"
)

const (
	// scanPause is how long what is pending waits for the next scan.
	scanPause = 5 * time.Second
	// tidyPause is how long after the last start the host settles.
	tidyPause = 2 * time.Second
)

// Order is what the process was told by a signal.
type Order int

// The orders.
const (
	Rescan  Order = iota // read the directory now
	Stop                 // bring everything down, then end
	Abandon              // end now and leave everything running
)

// Scanner runs the services of one scan directory.
type Scanner struct {
	voice     diag.Voice // svscan's
	supervise diag.Voice // supervise's
	host      *supervise.Host

	place place
	watch *watcher // nil where there is no inotify
	blind bool     // the directory changes without notice
	dir   int      // the watch of the scan directory
	above int      // the watch of the directory that it is in

	entries  map[string]*entry
	services map[sys.ID]*service
	builds   map[int]*entry // by the numbers of their watches

	stopping bool

	listing bool         // somebody is reading the directory
	again   bool         // it is to be read once more after that
	full    bool         // all entries are to be looked at when it has been read
	drain   *time.Ticker // while stopping
	rescan  <-chan time.Time
	tidy    *time.Timer

	news    chan func() // what others have found, for the scanner to take in
	notices chan []sys.Notice
}

// New makes a scanner of the directory at path, and makes it the current one:
// other programs find svscan's scan directory by it. Both voices speak for the
// process: svscan's, and supervise's for the supervisors in it.
func New(path string, host *supervise.Host, svscan, supervise diag.Voice) (*Scanner, error) {
	place, err := openPlace(path)
	if err != nil {
		return nil, diag.Unable("chdir to "+path, err)
	}
	s := &Scanner{
		voice: svscan, supervise: supervise, host: host, place: place,
		entries:  map[string]*entry{},
		services: map[sys.ID]*service{},
		builds:   map[int]*entry{},
		news:     make(chan func()),
		notices:  make(chan []sys.Notice),
		tidy:     time.NewTimer(tidyPause),
		drain:    time.NewTicker(drainPause),
	}
	s.drain.Stop()
	s.watchPlace()
	return s, nil
}

// Run scans until it has carried out an order to end.
func (s *Scanner) Run(orders <-chan Order) {
	s.scan(true)
	for {
		select {
		case o := <-orders:
			if o == Abandon {
				return
			}
			s.obey(o)
		case takeIn := <-s.news:
			takeIn()
		case n := <-s.notices:
			s.noticed(n)
		case <-s.rescan:
			s.rescan = nil
			s.scan(s.blind)
		case <-s.tidy.C:
			if !s.host.Settle() {
				s.tidy.Reset(tidyPause)
			}
		case <-s.drain.C:
		}
		if s.stopping && s.stepStop() {
			return
		}
	}
}

func (s *Scanner) obey(o Order) {
	switch o {
	case Rescan:
		s.scan(true)
	case Stop:
		s.beginStop()
	}
}

// scan has the directory read. Entries of which nothing is pending are looked
// at only in a full scan.
func (s *Scanner) scan(full bool) {
	s.full = s.full || full
	if s.stopping {
		return
	}
	if s.listing {
		s.again = true
		return
	}
	s.listing = true
	place := s.place
	send(s, place.list, s.listed)
}

// send has look run on a queue of its own, for it may hang, and what it finds
// taken in by the scanner's goroutine.
func send[T any](s *Scanner, look func() T, takeIn func(T)) {
	queue := s.host.Queue()
	queue.Post(func() {
		found := look()
		s.news <- func() { takeIn(found) }
	})
}

// scanSoon has what is pending looked at after the pause.
func (s *Scanner) scanSoon() {
	if s.rescan == nil && !s.stopping {
		s.rescan = time.After(scanPause)
	}
}

// listed comes with the names in the directory.
func (s *Scanner) listed(l listing) {
	s.listing = false
	if l.place != s.place {
		s.moveTo(l.place)
	}
	if l.err != nil {
		s.voice.Warn(diag.Unable("read directory", l.err))
		s.scanSoon()
		return
	}
	full := s.full
	s.full = false
	s.forgetMissing(l.names)
	for _, name := range l.names {
		if strings.HasPrefix(name, ".") {
			continue
		}
		// New names come by notices: one that was not told of yet may be under
		// construction.
		if e := s.entries[name]; full || e != nil && e.pending() {
			s.look(name)
		}
	}
	if s.blind {
		s.scanSoon()
	}
	if s.again {
		s.again = false
		s.scan(full)
	}
}
