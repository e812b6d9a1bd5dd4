// SPDX-License-Identifier: MIT

package scan

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"daemontools-go/internal/diag"
	"daemontools-go/internal/supervise"
)

// The scripts of cmd/daemontools run svscan as a program. Here are the cases
// that need the scanner in hand: what it counts, holds and lets go.

// messages keeps what was said.
type messages struct {
	mu   sync.Mutex
	text strings.Builder
}

func (m *messages) Write(p []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.text.Write(p)
}

func (m *messages) String() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.text.String()
}

// rig is a scanner at work on a scan directory.
type rig struct {
	t      *testing.T
	dir    string
	orders chan Order
	ended  chan struct{}
	said   messages
}

// newRig starts a scanner; the test's end stops it, and everything it runs.
func newRig(t *testing.T, dir string) *rig {
	t.Helper()
	r := &rig{t: t, dir: dir, orders: make(chan Order), ended: make(chan struct{})}
	r.write(filepath.Join(dir, "first", "run"), "#!/bin/sh\n: >up\nexec sleep 1000\n", 0o777)
	voice := diag.Voice{Prog: "svscan", Out: io.Writer(&r.said)}
	host, err := supervise.NewHost(diag.Voice{Prog: "supervise", Out: io.Writer(&r.said)})
	if err != nil {
		t.Fatal(err)
	}
	scanner, err := New(dir, host, voice, voice)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		scanner.Run(r.orders)
		close(r.ended)
	}()
	// What is there at the start runs at once, also when it is half built.
	r.wait("the first scan", r.exists(filepath.Join(dir, "first", "up")))
	t.Cleanup(func() {
		select {
		case r.orders <- Stop:
		case <-r.ended:
		}
		r.wait("the scanner to end", func() bool {
			select {
			case <-r.ended:
				return true
			default:
				return false
			}
		})
	})
	return r
}

// wait waits for something to be so, with a generous limit.
func (r *rig) wait(what string, so func() bool) {
	r.t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(30 * time.Second)
	for !so() {
		select {
		case <-tick.C:
		case <-deadline:
			r.t.Errorf("waited in vain for %s; said:\n%s", what, r.said.String())
			return
		}
	}
}

// write makes a file, and the directories above it.
func (r *rig) write(path, text string, mode os.FileMode) {
	r.t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) exists(path string) func() bool {
	return func() bool {
		_, err := os.Stat(path)
		return err == nil
	}
}

// The scanner makes its directory the current one of the process, so these
// tests do not run in parallel.

func TestDirectoryBuiltInPlaceStartsWithItsLog(t *testing.T) {
	r := newRig(t, t.TempDir())
	web := filepath.Join(r.dir, "web")
	out := filepath.Join(web, "log", "out")
	// What svc and others of the field write, one file after the other.
	r.write(filepath.Join(web, "env"), "", 0o666)
	r.write(filepath.Join(web, "run"), "#!/bin/sh\necho line\nexec sleep 1000\n", 0o666)
	if err := os.Chmod(filepath.Join(web, "run"), 0o755); err != nil {
		t.Fatal(err)
	}
	r.write(filepath.Join(web, "log", "run"), "#!/bin/sh\nread line && echo \"$line\" >out\nexec cat\n", 0o777)
	r.wait("a line in the log", r.exists(out))
	if said := r.said.String(); said != "" {
		t.Errorf("said %q, want nothing", said)
	}
}

func TestIncompleteDirectoryStartsAfterAWhileAllTheSame(t *testing.T) {
	r := newRig(t, t.TempDir())
	if err := os.Mkdir(filepath.Join(r.dir, "web"), 0o777); err != nil {
		t.Fatal(err)
	}
	r.wait("the failure to start", func() bool {
		return strings.Contains(r.said.String(), "unable to start web/run: file does not exist")
	})
}

func TestDirectoryRemovedWhileItIsBuiltIsForgotten(t *testing.T) {
	r := newRig(t, t.TempDir())
	web := filepath.Join(r.dir, "web")
	for range 50 {
		if err := os.Mkdir(web, 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(web); err != nil {
			t.Fatal(err)
		}
	}
	r.write(filepath.Join(r.dir, "last", "run"), "#!/bin/sh\n: >up\nexec sleep 1000\n", 0o777)
	r.wait("another service", r.exists(filepath.Join(r.dir, "last", "up")))
	if said := r.said.String(); strings.Contains(said, "web") {
		t.Errorf("said %q, want nothing of web", said)
	}
}

func TestAbandonLeavesTheServicesAlone(t *testing.T) {
	dir := t.TempDir()
	r := newRig(t, dir)
	fresh := filepath.Join(t.TempDir(), "web")
	r.write(filepath.Join(fresh, "run"), "#!/bin/sh\n: >up\nread line <go\n: >ended\nexec sleep 1000\n", 0o777)
	if err := syscall.Mkfifo(filepath.Join(fresh, "go"), 0o666); err != nil {
		t.Fatal(err)
	}
	web := filepath.Join(dir, "web")
	if err := os.Rename(fresh, web); err != nil {
		t.Fatal(err)
	}
	r.wait("the service", r.exists(filepath.Join(web, "up")))
	r.orders <- Abandon
	<-r.ended
	// The service waits for this line, and has to be there to go on.
	r.write(filepath.Join(web, "go"), "line\n", 0)
	r.wait("the service to go on", r.exists(filepath.Join(web, "ended")))
	r.kill(web)
	r.kill(filepath.Join(dir, "first"))
}

// kill ends the service in a directory through its supervisor, which lives on
// in this process.
func (r *rig) kill(service string) {
	r.write(filepath.Join(service, "supervise", "control"), "dx", 0)
	r.wait("the supervisor to end", func() bool {
		ok, err := os.OpenFile(filepath.Join(service, "supervise", "ok"), os.O_WRONLY|syscall.O_NONBLOCK, 0)
		ok.Close()
		return errors.Is(err, syscall.ENXIO)
	})
}
