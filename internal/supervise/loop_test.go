// SPDX-License-Identifier: MIT

//go:build go1.25

package supervise

import (
	"errors"
	"io"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"daemontools-go/internal/diag"
	"daemontools-go/internal/poll"
	"daemontools-go/internal/servicedir"
)

// What is not tested here: the real world (service.go), which the scripts of
// cmd/daemontools test with real processes.

// fake is a world in which a process is a number, and time is that of the
// bubble.
type fake struct {
	normallyUp bool
	lives      time.Duration // how long a process lives, or 0 for ever
	startErr   error
	claimErr   error
	openErr    error
	publishErr error

	began   time.Time
	pid     int
	dead    bool
	sent    []servicedir.Command
	starts  []time.Duration
	signals []syscall.Signal
	records []servicedir.Status
	log     []string

	exit      func()
	commanded func()
}

func (f *fake) claim(commanded func()) (bool, error) {
	f.commanded = commanded
	return f.normallyUp, f.claimErr
}

func (f *fake) publish(s servicedir.Status) error {
	if f.publishErr != nil {
		return f.publishErr
	}
	f.records = append(f.records, s)
	f.log = append(f.log, "publish")
	return nil
}

func (f *fake) open() error {
	f.log = append(f.log, "open")
	return f.openErr
}

func (f *fake) commands() []servicedir.Command {
	sent := f.sent
	f.sent = nil
	return sent
}

func (f *fake) start(exited func()) (int, error) {
	f.starts = append(f.starts, time.Since(f.began))
	f.log = append(f.log, "start")
	if f.startErr != nil {
		return 0, f.startErr
	}
	f.pid, f.dead, f.exit = f.pid+1, false, exited
	if f.lives != 0 {
		time.AfterFunc(f.lives, f.die)
	}
	return f.pid, nil
}

func (f *fake) die() {
	f.dead = true
	f.exit()
}

func (f *fake) exited() bool { return f.dead }

func (f *fake) signal(sig syscall.Signal) { f.signals = append(f.signals, sig) }

func (f *fake) release() { f.log = append(f.log, "release") }

// scene is a supervisor in a fake world.
type scene struct {
	*fake
	*Supervisor
	messages strings.Builder
	ends     []error
}

func newScene(f *fake) *scene {
	sc := &scene{fake: f}
	voice := diag.Voice{Prog: "supervise", Out: io.Writer(&sc.messages)}
	f.began = time.Now()
	sc.Supervisor = &Supervisor{
		queue: poll.Queue{Crew: poll.NewCrew()}, world: f, voice: &voice, name: "web",
		ended: func(err error) { sc.ends = append(sc.ends, err) },
	}
	sc.queue.Post(sc.begin)
	return sc
}

// svc sends commands as svc does.
func (sc *scene) svc(commands ...servicedir.Command) {
	sc.sent = append(sc.sent, commands...)
	sc.commanded()
	synctest.Wait()
}

// change changes the world between two calls of the loop.
func (sc *scene) change(f func()) {
	sc.queue.Post(f)
	synctest.Wait()
}

// pass lets time pass, and everything happen that is due by then.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func (sc *scene) wantStarts(t *testing.T, want ...time.Duration) {
	t.Helper()
	if !slices.Equal(sc.starts, want) {
		t.Errorf("started at %v, want %v", sc.starts, want)
	}
}

func (sc *scene) last() servicedir.Status { return sc.records[len(sc.records)-1] }

func TestStatusIsValidBeforeOkAndBeforeTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sc := newScene(&fake{normallyUp: true})
		synctest.Wait()
		if got, want := strings.Join(sc.log, " "), "publish open start publish"; got != want {
			t.Errorf("did %q, want %q", got, want)
		}
	})
}

func TestServiceThatDiesAtOnceStartsEachSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sc := newScene(&fake{normallyUp: true, lives: time.Millisecond})
		pass(3500 * time.Millisecond)
		sc.wantStarts(t, 0, time.Second, 2*time.Second, 3*time.Second)
		sc.Command(servicedir.Down)
		sc.Command(servicedir.Exit)
		synctest.Wait()
	})
}

func TestServiceThatLivedLongerStartsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sc := newScene(&fake{normallyUp: true, lives: 1500 * time.Millisecond})
		pass(2 * time.Second)
		sc.wantStarts(t, 0, 1500*time.Millisecond)
		sc.Command(servicedir.Down)
		pass(2 * time.Second)
	})
}

func TestCommandsAreObeyedDuringTheStartPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sc := newScene(&fake{normallyUp: true, lives: time.Millisecond})
		pass(10 * time.Millisecond)
		sc.svc(servicedir.Down)
		if s := sc.last(); s.Want != servicedir.WantDown {
			t.Errorf("want %q in the record, want %q", s.Want, servicedir.WantDown)
		}
		pass(10 * time.Second)
		sc.wantStarts(t, 0)
		sc.svc(servicedir.Exit)
		if len(sc.ends) != 1 || sc.ends[0] != nil {
			t.Errorf("ended with %v, want once with nil", sc.ends)
		}
	})
}

func TestDownAndUpDoNotShortenTheStartPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sc := newScene(&fake{normallyUp: true, lives: time.Millisecond})
		pass(500 * time.Millisecond)
		sc.svc(servicedir.Down, servicedir.Up, servicedir.Down, servicedir.Once)
		pass(5 * time.Second)
		sc.wantStarts(t, 0, time.Second)
		if s := sc.last(); s.PID != 0 || s.Want != servicedir.WantOnce {
			t.Errorf("record %+v, want down after once", s)
		}
	})
}

func TestForkFailureIsTriedAgainAfterAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sc := newScene(&fake{normallyUp: true, startErr: syscall.EAGAIN})
		pass(90 * time.Second)
		sc.wantStarts(t, 0, time.Minute)
		want := "supervise: warning: unable to fork for web, sleeping 60 seconds: temporary failure\n"
		if got := sc.messages.String(); got != want+want {
			t.Errorf("said %q, want %q twice", got, want)
		}
	})
}

func TestDownAndUpStartAtOnceAfterAForkFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sc := newScene(&fake{normallyUp: true, startErr: syscall.EAGAIN})
		pass(10 * time.Second)
		sc.change(func() { sc.startErr = nil })
		sc.svc(servicedir.Down, servicedir.Up)
		pass(2 * time.Minute)
		sc.wantStarts(t, 0, 10*time.Second)
	})
}

func TestRunThatCannotBeExecutedIsTriedEachSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sc := newScene(&fake{normallyUp: true, startErr: syscall.ENOENT})
		pass(2500 * time.Millisecond)
		sc.wantStarts(t, 0, time.Second, 2*time.Second)
		if s := sc.last(); s.PID != 0 || s.Want != servicedir.WantUp {
			t.Errorf("record %+v, want down and want up", s)
		}
		line := "supervise: fatal: unable to start web/run: file does not exist\n"
		if got, want := sc.messages.String(), strings.Repeat(line, 3); got != want {
			t.Errorf("said %q, want %q", got, want)
		}
		sc.svc(servicedir.Exit)
		if len(sc.ends) != 1 {
			t.Errorf("ended %d times, want once", len(sc.ends))
		}
	})
}

func TestOnceIsTriedOnceWhenRunCannotBeExecuted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sc := newScene(&fake{startErr: syscall.EACCES})
		synctest.Wait()
		sc.svc(servicedir.Once)
		pass(5 * time.Second)
		sc.wantStarts(t, 0)
	})
}

func TestRecordIsWrittenWhenTheDiskHasRoomAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sc := newScene(&fake{normallyUp: true})
		synctest.Wait()
		sc.change(func() { sc.publishErr = diag.Unable("write web/supervise/status.new", syscall.ENOSPC) })
		sc.svc(servicedir.Pause)
		pass(12 * time.Second)
		sc.change(func() { sc.publishErr = nil })
		pass(6 * time.Second)
		if !sc.last().Paused {
			t.Errorf("record %+v, want paused", sc.last())
		}
		want := "supervise: warning: unable to write web/supervise/status.new: out of disk space\n"
		if got := sc.messages.String(); got != want {
			t.Errorf("said %q, want %q", got, want)
		}
	})
}

func TestFailureToTakeTheDirectoryEndsTheSupervisor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failure := errors.New("failure")
		for _, f := range []*fake{{claimErr: failure}, {openErr: failure, normallyUp: true}} {
			sc := newScene(f)
			synctest.Wait()
			if len(sc.ends) != 1 || !errors.Is(sc.ends[0], failure) {
				t.Errorf("ended with %v, want once with %v", sc.ends, failure)
			}
			if len(sc.starts) != 0 || sc.log[len(sc.log)-1] != "release" {
				t.Errorf("did %q, want no start and a release", sc.log)
			}
			sc.Command(servicedir.Up)
			pass(time.Minute)
			sc.wantStarts(t)
		}
	})
}

func TestCommandsAfterExitAreNotObeyed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sc := newScene(&fake{})
		synctest.Wait()
		sc.svc(servicedir.Exit, servicedir.Up)
		pass(time.Minute)
		sc.wantStarts(t)
		if len(sc.ends) != 1 {
			t.Errorf("ended %d times, want once", len(sc.ends))
		}
	})
}

func TestExitWaitsForTheProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sc := newScene(&fake{normallyUp: true})
		synctest.Wait()
		sc.svc(servicedir.Exit)
		pass(time.Hour)
		if len(sc.ends) != 0 {
			t.Fatal("ended while the service runs")
		}
		sc.svc(servicedir.Down)
		if want := []syscall.Signal{syscall.SIGTERM, syscall.SIGCONT}; !slices.Equal(sc.signals, want) {
			t.Errorf("sent %v, want %v", sc.signals, want)
		}
		if s := sc.last(); !s.Termed || s.State != servicedir.StateRun {
			t.Errorf("record %+v, want termed and run", s)
		}
		sc.die()
		synctest.Wait()
		if len(sc.ends) != 1 || sc.last().PID != 0 {
			t.Errorf("ended with %v and record %+v, want once and down", sc.ends, sc.last())
		}
	})
}
