// SPDX-License-Identifier: MIT

package scan

import (
	"strings"

	"daemontools-go/internal/sys"
)

// noticed comes with changes in watched directories.
func (s *Scanner) noticed(notices []sys.Notice) {
	for _, n := range notices {
		switch {
		case n.Mask&sys.Overflow != 0:
			s.scan(true)
		case n.Watch == s.dir:
			s.noticedHere(n)
		case n.Watch == s.above:
			s.noticedAbove(n)
		default:
			s.noticedInside(n)
		}
	}
}

// noticedHere is about the scan directory.
func (s *Scanner) noticedHere(n sys.Notice) {
	switch {
	case n.Mask&sys.Renamed != 0:
		// It is in another directory now.
		s.watchPlace()
		s.scan(true)
	case n.Name == "" || strings.HasPrefix(n.Name, "."):
	case n.Mask&(sys.Deleted|sys.Departed) != 0:
		s.forget(n.Name)
	case n.Mask&sys.Created != 0 && n.Mask&sys.OfDir != 0:
		s.beginBuild(n.Name)
	case n.Mask&(sys.Created|sys.Arrived) != 0:
		s.look(n.Name)
	}
}

// noticedAbove is about the directory in which the scan directory is: perhaps
// it was removed.
func (s *Scanner) noticedAbove(n sys.Notice) {
	if n.Mask&sys.OfDir != 0 {
		s.scan(false)
	}
}
