// SPDX-License-Identifier: MIT

package scan

import (
	"daemontools-go/internal/diag"
	"daemontools-go/internal/servicedir"
	"daemontools-go/internal/sys"
)

// entry is a name in the scan directory.
type entry struct {
	name    string
	service *service // the one that it leads to, or nil
	failed  bool     // it could not be looked at, or not be started
	looking bool     // somebody is looking at it
	again   bool     // and it is to be looked at once more
	build   *build   // while it is being built in place
}

// pending says whether the next scan has to do with the entry.
func (e *entry) pending() bool {
	return e.failed || e.service != nil && e.service.lacking()
}

// sighting is what somebody who looked at an entry has found.
type sighting struct {
	entry  *entry
	dir    sys.FD // the service directory, for the scanner to close; or None
	id     sys.ID
	logged bool
	err    error
}

// look sends somebody to look at an entry, whether known or not.
func (s *Scanner) look(name string) {
	e := s.entries[name]
	if e == nil {
		e = &entry{name: name}
		s.entries[name] = e
	}
	if e.looking || e.build != nil {
		e.again = e.looking
		return
	}
	e.looking, e.again = true, false
	dir := s.place.dir
	send(s, func() sighting { return e.seen(dir) }, s.sighted)
}

// seen looks at the entry. It may hang.
func (e *entry) seen(where sys.FD) sighting {
	g := sighting{entry: e, dir: sys.None}
	dir, err := where.OpenHandle(e.name)
	if err != nil {
		g.err = diag.Unable("stat "+e.name, err)
		return g
	}
	st, err := dir.StatSelf()
	if err == nil && st.IsDir() {
		g.id, g.dir = st.ID, dir
		g.logged, err = servicedir.At(dir).HasLog()
		g.err = diag.Unable("stat "+e.name+"/log", err)
		return g
	}
	// Original: what is no directory is passed over in silence.
	dir.Close()
	g.err = diag.Unable("stat "+e.name, err)
	return g
}

// sighted comes with what was found.
func (s *Scanner) sighted(g sighting) {
	e := g.entry
	e.looking = false
	switch {
	case s.entries[e.name] != e || s.stopping:
		// It is gone meanwhile.
	case e.again:
		s.look(e.name)
	default:
		s.follow(e, &g)
	}
	g.dir.Close()
}

// follow has the services be what was found. It takes the directory out of the
// sighting where it hands it on.
func (s *Scanner) follow(e *entry, g *sighting) {
	known := s.services[g.id]
	if g.dir == sys.None {
		known = nil
	}
	if g.err != nil && known == nil {
		s.lead(e, nil)
		s.fail(e, g.err)
		return
	}
	e.failed = false
	if g.dir == sys.None {
		s.lead(e, nil)
		return
	}
	if known == nil {
		var err error
		if known, err = s.newService(e.name, g); err != nil {
			s.lead(e, nil)
			s.fail(e, err)
			return
		}
	}
	s.lead(e, known)
	s.start(known, g)
}

// fail says what is wrong with an entry, which waits for the next scan.
func (s *Scanner) fail(e *entry, err error) {
	e.failed = true
	s.voice.Warn(err)
	s.scanSoon()
}

// lead has the entry lead to the service, or, for nil, to none.
func (s *Scanner) lead(e *entry, to *service) {
	from := e.service
	if from == to {
		return
	}
	e.service = to
	if to != nil {
		to.entries++
	}
	if from != nil {
		from.entries--
		s.drop(from)
	}
}

// forget comes when a name is gone. A service without a name goes on until it
// is told to exit.
func (s *Scanner) forget(name string) {
	e := s.entries[name]
	if e == nil {
		return
	}
	delete(s.entries, name)
	s.endBuild(e)
	s.lead(e, nil)
}

// forgetMissing forgets all that is not among the names.
func (s *Scanner) forgetMissing(names []string) {
	missing := make(map[string]bool, len(s.entries))
	for name := range s.entries {
		missing[name] = true
	}
	for _, name := range names {
		delete(missing, name)
	}
	for name := range missing {
		s.forget(name)
	}
}
