// SPDX-License-Identifier: MIT

//go:build go1.25

package poll

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// pass lets time go by, which takes none in a bubble.
func pass(d time.Duration) { <-time.After(d) }

// hang posts a function that hangs until the channel is closed.
func hang(q *Queue, release <-chan struct{}) {
	q.Post(func() { <-release })
}

// TestHangPause has all places taken by queues that hang; the next queue gets
// one of them after the pause, not before.
func TestHangPause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		crew := NewCrew()
		release := make(chan struct{})
		hung := make([]Queue, crewSize)
		for i := range hung {
			hung[i].Crew = crew
			hang(&hung[i], release)
		}
		synctest.Wait()

		start := time.Now()
		const waiting = 3
		var ranAt [waiting]atomic.Int64
		queues := make([]Queue, waiting)
		for i := range queues {
			queues[i].Crew = crew
			queues[i].Post(func() { ranAt[i].Store(int64(time.Since(start))) })
		}
		pass(hangPause - 1)
		synctest.Wait()
		for i := range ranAt {
			if got := time.Duration(ranAt[i].Load()); got != 0 {
				t.Errorf("queue %d ran after %v, want it not to run before %v", i, got, hangPause)
			}
		}
		pass(1)
		synctest.Wait()
		for i := range ranAt {
			if got := time.Duration(ranAt[i].Load()); got != hangPause {
				t.Errorf("queue %d ran after %v, want %v", i, got, hangPause)
			}
		}
		close(release)
		synctest.Wait()
		expectFree(t, crew, crewSize)
	})
}

// TestHungTwice has places given away to queues that hang as well.
func TestHungTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		crew := NewCrew()
		release := make(chan struct{})
		const rounds = 5
		hung := make([]Queue, rounds*crewSize)
		for i := range hung {
			hung[i].Crew = crew
			hang(&hung[i], release)
		}
		start := time.Now()
		var ranAt time.Duration
		last := Queue{Crew: crew}
		last.Post(func() { ranAt = time.Since(start) })
		pass(time.Minute)
		synctest.Wait()
		if want := rounds * hangPause; ranAt != want {
			t.Errorf("behind %d rounds of hung queues one ran after %v, want %v", rounds, ranAt, want)
		}
		expectFree(t, crew, crewSize)
		close(release)
		synctest.Wait()
		expectFree(t, crew, crewSize)
	})
}

// TestHungWithoutOthers has nobody who waits when the pause is over: the place
// is free for who comes later, and is not freed once more at the end.
func TestHungWithoutOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		crew := NewCrew()
		release := make(chan struct{})
		hung := Queue{Crew: crew}
		hang(&hung, release)
		pass(hangPause - 1)
		synctest.Wait()
		expectFree(t, crew, crewSize-1)
		pass(1)
		synctest.Wait()
		expectFree(t, crew, crewSize)

		// What is posted to a hung queue waits for it, and takes no place.
		var ran atomic.Bool
		hung.Post(func() { ran.Store(true) })
		pass(time.Hour)
		synctest.Wait()
		expectFree(t, crew, crewSize)
		if ran.Load() {
			t.Error("a function ran while the one before it hung")
		}
		close(release)
		synctest.Wait()
		if !ran.Load() {
			t.Error("a function did not run when the one before it hung no more")
		}
		expectFree(t, crew, crewSize)

		// From then on it is a queue like any other.
		ran.Store(false)
		hung.Post(func() { ran.Store(true) })
		synctest.Wait()
		if !ran.Load() {
			t.Error("a queue that had hung does not run")
		}
		expectFree(t, crew, crewSize)
	})
}

// TestBusyQueue has one that always has something to do: it, too, gives its
// place away, and still runs one function at a time.
func TestBusyQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		crew := NewCrew()
		busy := make([]Queue, crewSize)
		var over atomic.Bool
		var running [crewSize]int // each needs no lock
		var again [crewSize]func()
		for i := range busy {
			busy[i].Crew = crew
			again[i] = func() {
				if running[i]++; running[i] != 1 {
					t.Error("two functions of a queue run at a time")
				}
				pass(hangPause / 10)
				running[i]--
				if !over.Load() {
					busy[i].Post(again[i])
				}
			}
			busy[i].Post(again[i])
		}
		start := time.Now()
		var ranAt time.Duration
		other := Queue{Crew: crew}
		other.Post(func() { ranAt = time.Since(start) })
		pass(time.Second)
		synctest.Wait()
		over.Store(true)
		if ranAt != hangPause {
			t.Errorf("beside busy queues one ran after %v, want %v", ranAt, hangPause)
		}
		pass(time.Second)
		synctest.Wait()
		expectFree(t, crew, crewSize)
	})
}

// TestShortQueuesKeepTheirPlace has queues that come in time: at no time more
// of them run than there are places.
func TestShortQueuesKeepTheirPlace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		crew := NewCrew()
		const many = 25 * crewSize
		queues := make([]Queue, many)
		marks := make(chan int, 2*many)
		for i := range queues {
			queues[i].Crew = crew
			queues[i].Post(func() {
				marks <- 1
				pass(hangPause / 2)
				marks <- -1
			})
		}
		start := time.Now()
		running, most := 0, 0
		for range 2 * many {
			running += <-marks
			most = max(most, running)
		}
		if got, want := time.Since(start), many/crewSize*hangPause/2; most != crewSize || got != want {
			t.Errorf("%d queues ran, at most %d at a time, in %v; want %d in %v", many, most, got, crewSize, want)
		}
		synctest.Wait()
		expectFree(t, crew, crewSize)
	})
}

func expectFree(t *testing.T, crew *Crew, want int) {
	t.Helper()
	if got := crew.Idle(); got != (want == crewSize) {
		t.Errorf("Idle() = %v with %d of %d places free", got, want, crewSize)
	}
	crew.mu.Lock()
	defer crew.mu.Unlock()
	if crew.free != want || len(crew.waiting) != 0 {
		t.Errorf("the crew has %d places free and %d queues waiting, want %d and none", crew.free, len(crew.waiting), want)
	}
}
