// SPDX-License-Identifier: MIT

package scan

import (
	"time"

	"daemontools-go/internal/servicedir"
	"daemontools-go/internal/sys"
)

const (
	// quietPause is how long nothing may have changed in a directory that is
	// being built in place before it counts as built.
	quietPause = time.Second
	// buildPause is how long to wait for it at most: the original, which reads
	// the directory each five seconds, might have taken as long.
	buildPause = 5 * time.Second
)

// build is a directory that was just made in the scan directory, and is being
// filled. To start it now would be an error without its run, and would miss
// its log, which is decided at first sight.
type build struct {
	deadline time.Time
	watches  []int
	quiet    *time.Timer
	dirty    bool // it has changed since somebody was sent to look
}

// inBuild are the changes that show that somebody is still at work.
const inBuild = ofNames | sys.Changed | sys.Modified

// survey is how far a directory is built.
type survey struct {
	entry    *entry
	watches  []int
	complete bool
}

// beginBuild comes when a directory was made.
func (s *Scanner) beginBuild(name string) {
	if e := s.entries[name]; e != nil && e.service != nil {
		return // it was found before the notice came
	}
	s.forget(name)
	e := &entry{name: name, build: &build{deadline: time.Now().Add(buildPause)}}
	s.entries[name] = e
	s.survey(e)
}

// endBuild ends the watching.
func (s *Scanner) endBuild(e *entry) {
	if e.build == nil {
		return
	}
	if e.build.quiet != nil {
		e.build.quiet.Stop()
	}
	for _, watch := range e.build.watches {
		s.watch.remove(watch)
		delete(s.builds, watch)
	}
	e.build = nil
}

// survey sends somebody to see how far the directory is built, and to watch
// it, and its log if there is one by now.
func (s *Scanner) survey(e *entry) {
	if e.build == nil {
		return
	}
	if !time.Now().Before(e.build.deadline) {
		s.finishBuild(e)
		return
	}
	e.build.dirty = false
	dir, watch := s.place.dir, s.watch
	send(s, func() survey { return e.surveyed(dir, watch) }, s.surveyed)
}

// surveyed looks at the directory. It may hang.
func (e *entry) surveyed(where sys.FD, watch *watcher) survey {
	v := survey{entry: e}
	dir, err := where.Open(e.name, sys.Handle|sys.Dir|sys.NoFollow, 0)
	if err != nil {
		return v
	}
	defer dir.Close()
	if number, err := watch.add(dir, inBuild); err == nil {
		v.watches = append(v.watches, number)
	}
	if log, err := dir.Open("log", sys.Handle|sys.Dir|sys.NoFollow, 0); err == nil {
		if number, err := watch.add(log, inBuild); err == nil {
			v.watches = append(v.watches, number)
		}
		log.Close()
	}
	v.complete = servicedir.At(dir).Complete()
	return v
}

// surveyed comes with how far the directory is built.
func (s *Scanner) surveyed(v survey) {
	e := v.entry
	if e.build == nil || s.stopping {
		for _, watch := range v.watches {
			s.watch.remove(watch)
		}
		return
	}
	first := len(e.build.watches) == 0
	e.build.watches = v.watches
	for _, watch := range v.watches {
		s.builds[watch] = e
	}
	if v.complete && !e.build.dirty && !first {
		s.finishBuild(e)
		return
	}
	s.waitForQuiet(e)
}

// waitForQuiet has the directory surveyed when nothing changed for a while.
func (s *Scanner) waitForQuiet(e *entry) {
	e.build.dirty = true
	pause := min(quietPause, time.Until(e.build.deadline))
	if e.build.quiet != nil {
		e.build.quiet.Stop()
	}
	e.build.quiet = time.AfterFunc(pause, func() { s.news <- func() { s.survey(e) } })
}

// finishBuild has the directory looked at like any other, built or not.
func (s *Scanner) finishBuild(e *entry) {
	s.endBuild(e)
	s.look(e.name)
}

// noticedInside is about a directory that is being built.
func (s *Scanner) noticedInside(n sys.Notice) {
	if e := s.builds[n.Watch]; e != nil && e.build != nil && n.Mask&sys.Dropped == 0 {
		s.waitForQuiet(e)
	}
}
