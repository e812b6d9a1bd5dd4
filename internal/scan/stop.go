// SPDX-License-Identifier: MIT

package scan

import (
	"time"

	"daemontools-go/internal/servicedir"
	"daemontools-go/internal/sys"
)

const (
	// drainPause is how often a pipe is looked at while the services stop.
	drainPause = 50 * time.Millisecond
	// lastPause is how long a log that has read all may take to end by itself
	// before it gets TERM.
	lastPause = 2 * time.Second
	// stuckPause is how long a log may read nothing of what waits for it before
	// it gets TERM: it is down, or hangs.
	stuckPause = 10 * time.Second
)

// drain is how far the pipe to a log is read while the services stop.
type drain struct {
	left    int       // bytes
	since   time.Time // when that last changed
	exiting bool      // the log is not to be started again
	termed  bool      // the log was sent TERM
}

// beginStop brings the services down. Their logs go on until what is in the
// pipes is read.
func (s *Scanner) beginStop() {
	if s.stopping {
		return
	}
	s.stopping = true
	s.rescan = nil
	s.drain.Reset(drainPause)
	for _, v := range s.services {
		if v.main != nil {
			v.main.Command(servicedir.Down)
			v.main.Command(servicedir.Exit)
		}
	}
}

// stepStop takes the next step of each service, and says whether all is down.
func (s *Scanner) stepStop() (done bool) {
	now := time.Now()
	for id, v := range s.services {
		switch {
		case v.main != nil:
		case v.log != nil:
			v.stopLog(now)
		default:
			delete(s.services, id)
		}
	}
	return len(s.services) == 0
}

// stopLog ends the log of a service that is down. When we hold the writing end
// no more, the log comes to the end of its input and ends by itself, unless
// somebody else holds it too, or the log does not care; then it gets TERM.
func (v *service) stopLog(now time.Time) {
	if v.drain == nil {
		v.write.Close()
		v.write = sys.None
		v.log.Command(servicedir.Cont)
		v.drain = &drain{left: -1}
	}
	if left, err := v.read.Buffered(); err != nil || left != v.drain.left {
		v.drain.left, v.drain.since = left, now
	}
	still := now.Sub(v.drain.since)
	switch {
	case v.drain.termed:
	case still > stuckPause, v.drain.left == 0 && still > lastPause:
		v.drain.termed = true
		v.log.Command(servicedir.Down)
		v.log.Command(servicedir.Exit)
	case v.drain.left == 0 && !v.drain.exiting:
		v.drain.exiting = true
		v.log.Command(servicedir.Exit)
	}
}
