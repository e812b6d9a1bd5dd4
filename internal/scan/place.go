// SPDX-License-Identifier: MIT

package scan

import (
	"errors"
	"os"
	"syscall"

	"daemontools-go/internal/diag"
	"daemontools-go/internal/sys"
)

// errRemote says why the kernel's notices are not enough.
var errRemote = errors.New("remote file system")

// place is the scan directory. It stays the same one when it is renamed; when
// it is removed, a new one is looked for where the first one was found.
type place struct {
	home sys.FD // what path is relative to
	path string
	dir  sys.FD
}

// openPlace opens the scan directory and makes it the current one.
func openPlace(path string) (place, error) {
	home, err := sys.Here.OpenHandle(".")
	if err != nil {
		return place{}, err
	}
	if path == "." {
		// Should it come back, it comes back under this name.
		if path, err = os.Getwd(); err != nil {
			path = "."
		}
	}
	return place{home, path, sys.None}.reopen()
}

// reopen opens the directory that the path means now.
func (p place) reopen() (place, error) {
	dir, err := p.home.Open(p.path, sys.Handle|sys.Dir, 0)
	if err == nil {
		if err = dir.Chdir(); err == nil {
			p.dir = dir
			return p, nil
		}
		dir.Close()
	}
	return p, err
}

// listing is what is in the scan directory, and which one was read.
type listing struct {
	place place
	names []string
	err   error
}

// list reads the directory. It may hang.
func (p place) list() listing {
	names, err := p.dir.ListNames()
	if errors.Is(err, syscall.ENOENT) {
		if again, err := p.reopen(); err == nil {
			names, err := again.dir.ListNames()
			return listing{again, names, err}
		}
	}
	return listing{p, names, err}
}

// moveTo goes on in a new scan directory after the old one was removed. It is
// read once more, for what came into it after it was read and before it was
// watched.
func (s *Scanner) moveTo(p place) {
	s.place.dir.Close()
	s.place = p
	s.watchPlace()
	s.full, s.again = true, true
}

// watchPlace watches the scan directory, or says why it is read each few
// seconds instead.
func (s *Scanner) watchPlace() {
	err := s.tryWatchPlace()
	if err == nil && s.place.dir.IsRemote() {
		err = errRemote
	}
	if err != nil && !s.blind {
		s.voice.Warn(diag.Unable("watch directory, reading it every 5 seconds", err))
	}
	s.blind = err != nil
}

// tryWatchPlace watches the scan directory, and the one that it is in: while
// anybody has it open, a directory does not notice that it was removed.
func (s *Scanner) tryWatchPlace() (err error) {
	if s.watch == nil {
		if s.watch, err = newWatcher(s.notices); err != nil {
			return err
		}
	}
	s.watch.remove(s.dir)
	s.watch.remove(s.above)
	s.dir, s.above = 0, 0
	if s.dir, err = s.watch.add(s.place.dir, ofNames|sys.Renamed); err != nil {
		return err
	}
	above, err := s.place.dir.OpenHandle("..")
	if err != nil {
		return err
	}
	defer above.Close()
	s.above, err = s.watch.add(above, sys.Deleted)
	return err
}
