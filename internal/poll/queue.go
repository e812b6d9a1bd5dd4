// SPDX-License-Identifier: MIT

package poll

import (
	"sync"
	"time"
)

// Crew bounds how many queues are worked on at a time. A queue that hangs, on
// a dead file system for one, is written off after a while and its place given
// to another, so that it holds up nobody but itself.
type Crew struct {
	mu      sync.Mutex
	free    int
	waiting []*Queue
}

// crewSize is how many queues are worked on at a time. More would only mean
// more threads, for all of them wait for the same disk and the same processors.
const crewSize = 4

// hangPause is how long a queue may hold its place.
const hangPause = 100 * time.Millisecond

// NewCrew makes a crew.
func NewCrew() *Crew { return &Crew{free: crewSize} }

// Idle says whether no queue is worked on, but for those that hang.
func (c *Crew) Idle() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.free == crewSize
}

// Queue runs an owner's functions one at a time, in the order in which they
// were posted. So what only they touch needs no lock. The zero Queue with a
// crew is ready.
type Queue struct {
	Crew *Crew

	// Guarded by Crew.mu.
	posted []func()
	active bool // waiting for a place, or being worked on
}

// Post has f run, after all that was posted before. It does not wait.
func (q *Queue) Post(f func()) {
	c := q.Crew
	c.mu.Lock()
	defer c.mu.Unlock()
	q.posted = append(q.posted, f)
	if q.active {
		return
	}
	q.active = true
	if c.free == 0 {
		c.waiting = append(c.waiting, q)
		return
	}
	c.free--
	go c.work(q)
}

// work works on q, then on the next that waits, until there is none.
func (c *Crew) work(q *Queue) {
	for q != nil {
		place := c.hold()
		q.run()
		if !place.Stop() {
			return // somebody else has the place by now
		}
		q = c.next()
	}
}

// hold gives the place away when it has been held for too long.
func (c *Crew) hold() *time.Timer {
	return time.AfterFunc(hangPause, func() {
		if q := c.next(); q != nil {
			c.work(q)
		}
	})
}

// next takes the queue that has waited longest, or, for nil, frees the place.
func (c *Crew) next() *Queue {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.waiting) == 0 {
		c.free++
		c.waiting = nil
		return nil
	}
	q := c.waiting[0]
	c.waiting[0] = nil
	c.waiting = c.waiting[1:]
	return q
}

// run runs what was posted, until there is nothing.
func (q *Queue) run() {
	for {
		f := q.take()
		if f == nil {
			return
		}
		f()
	}
}

func (q *Queue) take() func() {
	q.Crew.mu.Lock()
	defer q.Crew.mu.Unlock()
	if len(q.posted) == 0 {
		q.active = false
		q.posted = nil
		return nil
	}
	f := q.posted[0]
	q.posted = q.posted[1:]
	return f
}
