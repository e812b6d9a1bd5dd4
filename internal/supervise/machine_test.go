// SPDX-License-Identifier: MIT

package supervise

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"daemontools-go/internal/servicedir"
)

var update = flag.Bool("update", false, "write the golden file")

var (
	testStart = time.Unix(1000, 0)
	testNow   = time.Unix(2000, 0)
)

// states are all states that a machine can be in and that differ in what they
// do, by name.
func states() (names []string, machines map[string]machine) {
	machines = map[string]machine{}
	add := func(name string, m machine) {
		names = append(names, name)
		machines[name] = m
	}
	wants := []struct {
		name string
		want servicedir.Want
	}{{"up", servicedir.WantUp}, {"down", servicedir.WantDown}, {"once", servicedir.WantOnce}}
	for _, w := range wants {
		add("down, want "+w.name, machine{phase: down, want: w.want, since: testStart})
	}
	for _, w := range wants[:1] {
		add("waiting, want "+w.name, machine{phase: waiting, want: w.want, since: testStart})
	}
	add("waiting, want once", machine{phase: waiting, want: servicedir.WantOnce, since: testStart})
	for _, w := range wants {
		running := machine{phase: up, want: w.want, pid: 7, since: testStart}
		add("up, want "+w.name, running)
		paused, exiting := running, running
		paused.paused = true
		exiting.exiting, exiting.termed = true, true
		add("up, want "+w.name+", paused", paused)
		add("up, want "+w.name+", exiting", exiting)
	}
	return names, machines
}

// events are all events, by name.
func events() (names []string, events map[string]func(*machine) []action) {
	events = map[string]func(*machine) []action{}
	add := func(name string, event func(*machine) []action) {
		names = append(names, name)
		events[name] = event
	}
	for _, c := range []byte("udoxpcahiktq12?") {
		add("command "+string(c), func(m *machine) []action { return m.command(servicedir.Command(c)) })
	}
	add("opened", (*machine).opened)
	add("due", (*machine).due)
	add("started", func(m *machine) []action { return m.started(9, testNow) })
	add("startFailed, no fork", func(m *machine) []action { return m.startFailed(true) })
	add("startFailed, no run", func(m *machine) []action { return m.startFailed(false) })
	add("exited", func(m *machine) []action { return m.exited(testNow) })
	return names, events
}

// possible says whether the event can come in the state: the loop never has
// others.
func possible(m machine, event string) bool {
	switch {
	case event == "opened":
		return m.phase == down && m.want != servicedir.WantOnce
	case event == "exited":
		return m.phase == up
	case strings.HasPrefix(event, "start"):
		return m.phase == waiting
	}
	return true
}

func (a action) String() string {
	switch a.verb {
	case announce:
		return "announce"
	case wait:
		return "wait " + a.pause.String()
	case start:
		return "start"
	case signal:
		return "signal " + strings.ToUpper(a.signal.String())
	case quit:
		return "quit"
	}
	return fmt.Sprintf("verb %d", a.verb)
}

func (m machine) String() string {
	s := []string{map[phase]string{down: "down", waiting: "waiting", up: "up"}[m.phase]}
	s = append(s, "want "+map[servicedir.Want]string{servicedir.WantUp: "up", servicedir.WantDown: "down", servicedir.WantOnce: "once"}[m.want])
	if m.pid != 0 {
		s = append(s, fmt.Sprintf("pid %d", m.pid))
	}
	for name, set := range map[string]bool{"paused": m.paused} {
		if set {
			s = append(s, name)
		}
	}
	if m.termed {
		s = append(s, "termed")
	}
	if m.exiting {
		s = append(s, "exiting")
	}
	if m.since.Equal(testNow) {
		s = append(s, "since now")
	}
	return strings.Join(s, ", ")
}

// TestTransitions compares each state and event with the golden file, which is
// the diagram of the machine.
func TestTransitions(t *testing.T) {
	var got strings.Builder
	stateNames, machines := states()
	eventNames, events := events()
	for _, state := range stateNames {
		fmt.Fprintf(&got, "%s\n", state)
		for _, event := range eventNames {
			m := machines[state]
			if !possible(m, event) {
				continue
			}
			var actions []string
			for _, a := range events[event](&m) {
				actions = append(actions, a.String())
			}
			did := strings.Join(actions, "; ")
			if did == "" {
				did = "-"
			}
			fmt.Fprintf(&got, "  %-21s %-46s -> %s\n", event, did, m)
		}
		got.WriteString("\n")
	}
	golden := filepath.Join("testdata", "transitions.golden")
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("transitions differ from %s; after a look at them: go test -update\n%s", golden, got.String())
	}
}

// FuzzMachine feeds a machine any possible sequence of events and watches that
// it asks for nothing absurd.
func FuzzMachine(f *testing.F) {
	f.Add(true, []byte("d.u..x"))
	f.Add(false, []byte("o...p.c.tx"))
	f.Add(true, []byte{255, 254, 253, 'd', 'u', 252, 251})
	f.Fuzz(func(t *testing.T, normallyUp bool, script []byte) {
		m := newMachine(normallyUp, testStart)
		c := checker{t: t, m: &m}
		c.take(m.opened())
		for _, b := range script {
			if c.quit {
				break
			}
			c.step(b)
		}
	})
}

// checker plays the loop for a machine.
type checker struct {
	t    *testing.T
	m    *machine
	due  bool // a wait is under way
	quit bool
}

// step makes the byte an event, if it can come now.
func (c *checker) step(b byte) {
	switch {
	case b == 255 && c.due:
		c.due = false
		c.take(c.m.due())
	case b == 254 && c.m.phase == up:
		c.take(c.m.exited(testNow))
	default:
		c.take(c.m.command(servicedir.Command(b)))
	}
}

func (c *checker) take(actions []action) {
	for _, a := range actions {
		if c.quit {
			c.t.Fatalf("%v after quit", a)
		}
		c.check(a)
	}
	if c.m.phase == waiting && !c.due && !c.quit {
		c.t.Fatalf("waiting, and nothing is due: %v", c.m)
	}
	if (c.m.pid != 0) != (c.m.phase == up) {
		c.t.Fatalf("pid %d in phase %d", c.m.pid, c.m.phase)
	}
	if s := c.m.status(); s.Paused && s.PID == 0 {
		c.t.Fatalf("paused while down: %+v", s)
	}
}

func (c *checker) check(a action) {
	switch a.verb {
	case signal:
		if c.m.phase != up || a.signal == 0 {
			c.t.Fatalf("%v while not up", a)
		}
	case wait:
		if c.m.phase != waiting || a.pause < startPause {
			c.t.Fatalf("%v while %v", a, c.m)
		}
		c.due = true
	case start:
		if c.m.phase != waiting {
			c.t.Fatalf("start while %v", c.m)
		}
		c.take(c.m.started(7, testNow))
	case quit:
		if c.m.phase == up {
			c.t.Fatal("quit while up")
		}
		c.quit = true
	}
}
