// SPDX-License-Identifier: MIT

package poll

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// eventually waits until it is so.
func eventually(t *testing.T, what string, isSo func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	limit := time.After(30 * time.Second)
	for !isSo() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("waited 30 s in vain: %s", what)
		}
	}
}

// TestQueueOrder has the functions run in the order in which they were posted,
// those last that others post while they run.
func TestQueueOrder(t *testing.T) {
	t.Parallel()
	q := Queue{Crew: NewCrew()}
	const many = 1000
	var got []int // needs no lock
	posted, done := make(chan struct{}), make(chan struct{})
	q.Post(func() { <-posted })
	for i := range many {
		q.Post(func() {
			got = append(got, i)
			q.Post(func() {
				if got = append(got, many+i); len(got) == 2*many {
					close(done)
				}
			})
		})
	}
	close(posted)
	<-done
	for i := range got {
		if got[i] != i {
			t.Fatalf("function %d ran as number %d", got[i], i)
		}
	}
}

// TestOneAtATime posts from many goroutines to many queues. That nothing of a
// queue runs at the same time is for the race detector, too, to say.
func TestOneAtATime(t *testing.T) {
	t.Parallel()
	crew := NewCrew()
	const queues, posters, posts = 50, 8, 40
	type owner struct {
		queue   Queue
		running atomic.Bool
		count   int          // needs no lock
		last    [posters]int // by poster
	}
	owners := make([]*owner, queues)
	for i := range owners {
		owners[i] = &owner{queue: Queue{Crew: crew}}
	}
	var left sync.WaitGroup
	left.Add(queues * posters * posts)
	for poster := range posters {
		go func() {
			for n := range posts {
				for _, o := range owners {
					o.queue.Post(func() {
						defer left.Done()
						if !o.running.CompareAndSwap(false, true) {
							t.Error("two functions of a queue run at a time")
						}
						if o.last[poster] != n {
							t.Errorf("post %d of a goroutine ran, want %d", n, o.last[poster])
						}
						o.last[poster]++
						o.count++
						runtime.Gosched()
						o.running.Store(false)
					})
				}
			}
		}()
	}
	left.Wait()
	for i, o := range owners {
		if o.count != posters*posts {
			t.Errorf("queue %d ran %d functions, want %d", i, o.count, posters*posts)
		}
	}
	expectIdle(t, crew)
}

// expectIdle waits until the crew has all its places and nobody waits.
func expectIdle(t *testing.T, crew *Crew) {
	t.Helper()
	eventually(t, "the crew is idle", func() bool {
		crew.mu.Lock()
		defer crew.mu.Unlock()
		return crew.free == crewSize && len(crew.waiting) == 0
	})
}

// TestQueueAfterIdle has a queue run dry and be posted to again.
func TestQueueAfterIdle(t *testing.T) {
	t.Parallel()
	crew := NewCrew()
	q := Queue{Crew: crew}
	for range 100 {
		done := make(chan struct{})
		q.Post(func() { close(done) })
		<-done
	}
	expectIdle(t, crew)
}

// TestHungQueues has more queues hang than there are places.
func TestHungQueues(t *testing.T) {
	t.Parallel()
	crew := NewCrew()
	const hung = 3 * crewSize
	release := make(chan struct{})
	var queues [hung]Queue
	var ended sync.WaitGroup
	for i := range queues {
		queues[i].Crew = crew
		ended.Add(2)
		queues[i].Post(func() {
			defer ended.Done()
			<-release
		})
		queues[i].Post(ended.Done)
	}
	ran := make(chan struct{})
	healthy := Queue{Crew: crew}
	healthy.Post(func() { close(ran) })
	<-ran
	close(release)
	ended.Wait()
	expectIdle(t, crew)
}

// TestNoGoroutineStays is not parallel: it counts goroutines.
func TestNoGoroutineStays(t *testing.T) {
	crew := NewCrew()
	before := runtime.NumGoroutine()
	queues := make([]Queue, 1000)
	var left sync.WaitGroup
	left.Add(len(queues))
	for i := range queues {
		queues[i].Crew = crew
		queues[i].Post(left.Done)
	}
	left.Wait()
	eventually(t, "the goroutines end", func() bool { return runtime.NumGoroutine() <= before })
	expectIdle(t, crew)
}
