// SPDX-License-Identifier: MIT

package scan

import (
	"daemontools-go/internal/diag"
	"daemontools-go/internal/supervise"
	"daemontools-go/internal/sys"
)

// service is a directory with a supervisor, and perhaps a log with another.
// Whether it has a log is decided at first sight and never again: the pipe
// lives as long as either side.
type service struct {
	name    string
	id      sys.ID
	entries int // how many names lead to it

	logged      bool
	read, write sys.FD // the pipe, or None
	main, log   *supervise.Supervisor

	drain *drain // while stopping
}

// lacking says whether a supervisor has ended that should run.
func (v *service) lacking() bool {
	return v.main == nil || v.logged && v.log == nil
}

// newService makes a service, and its pipe if it has a log.
func (s *Scanner) newService(name string, g *sighting) (*service, error) {
	v := &service{name: name, id: g.id, logged: g.logged, read: sys.None, write: sys.None}
	if v.logged {
		var err error
		if v.read, v.write, err = sys.Pipe(); err != nil {
			return nil, diag.Unable("create pipe for "+name, err)
		}
	}
	s.services[v.id] = v
	return v, nil
}

// start starts the supervisors that the service lacks.
func (s *Scanner) start(v *service, g *sighting) {
	if v.logged && v.log == nil {
		dir, err := g.dir.Dup()
		if err != nil {
			s.voice.Warn(diag.Unable("switch to "+v.name, err))
			s.scanSoon()
			return
		}
		// Original: svscan runs "supervise log" in the service directory, and so
		// the messages say.
		v.log = s.host.Supervise(supervise.Service{
			Name: "log", Where: dir, Path: "log", Stdin: v.read, Stdout: sys.None,
		}, s.whenEnded(v, true))
	}
	if v.main == nil {
		v.main = s.host.Supervise(supervise.Service{
			Name: v.name, Where: g.dir, Stdin: sys.None, Stdout: v.write,
		}, s.whenEnded(v, false))
		g.dir = sys.None
	}
	s.tidy.Reset(tidyPause)
}

// whenEnded is for a supervisor to call at its end.
func (s *Scanner) whenEnded(v *service, log bool) func(error) {
	return func(err error) { s.news <- func() { s.ended(v, log, err) } }
}

// ended comes when a supervisor has ended. If there is still a name that leads
// to the service, the next scan starts it again.
func (s *Scanner) ended(v *service, log bool, err error) {
	if log {
		v.log = nil
	} else {
		v.main = nil
	}
	if err != nil {
		s.supervise.Fatal(err)
	}
	if v.entries > 0 {
		s.scanSoon()
	}
	s.drop(v)
}

// drop forgets a service that has neither a name nor a supervisor.
func (s *Scanner) drop(v *service) {
	if v.entries > 0 || v.main != nil || v.log != nil {
		return
	}
	v.read.Close()
	v.write.Close()
	delete(s.services, v.id)
}
