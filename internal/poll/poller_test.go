// SPDX-License-Identifier: MIT

package poll

import (
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"daemontools-go/internal/sys"
)

// start starts a poller, which is closed at the end of the test.
func start(t *testing.T) *Poller {
	t.Helper()
	p, err := NewPoller()
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- p.Run() }()
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Errorf("Close() = %v", err)
		}
		if err := <-ended; err == nil {
			t.Error("Run() = nil after Close, want what ended it")
		}
	})
	return p
}

// fifo is a pipe whose reading end never waits, as that of a control FIFO.
type fifo struct{ r, w sys.FD }

func newFIFO(t *testing.T) fifo {
	t.Helper()
	path := t.TempDir() + "/fifo"
	if err := sys.Here.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := sys.Here.Open(path, sys.Read, 0)
	if err != nil {
		t.Fatal(err)
	}
	w, err := sys.Here.Open(path, sys.Write, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.Close()
		w.Close()
	})
	return fifo{r, w}
}

func (f fifo) write(t *testing.T) {
	t.Helper()
	if _, err := f.w.Write([]byte("x")); err != nil {
		t.Errorf("Write() = %v", err)
	}
}

// readAll reads what is there, which may be nothing.
func (f fifo) readAll(t *testing.T) (total int) {
	t.Helper()
	var buf [64]byte
	for {
		n, err := f.r.Read(buf[:])
		if err != nil {
			if !errors.Is(err, syscall.EAGAIN) {
				t.Errorf("Read() = %v", err)
			}
			return total
		}
		total += n
	}
}

func TestWatch(t *testing.T) {
	t.Parallel()
	f := newFIFO(t)
	p := start(t)
	ready := make(chan struct{}, 100)
	if err := p.Watch(f.r, func() { ready <- struct{}{} }); err != nil {
		t.Fatalf("Watch() = %v", err)
	}
	for range 10 {
		f.write(t)
		<-ready // whether or not the byte before has been read
	}
	if got := f.readAll(t); got != 10 {
		t.Errorf("read %d bytes, want 10", got)
	}
}

// TestWatchWhatIsReady has something to read before anybody watches.
func TestWatchWhatIsReady(t *testing.T) {
	t.Parallel()
	f := newFIFO(t)
	p := start(t)
	f.write(t)
	ready := make(chan struct{}, 100)
	if err := p.Watch(f.r, func() { ready <- struct{}{} }); err != nil {
		t.Fatalf("Watch() = %v", err)
	}
	<-ready
}

func TestWatchFails(t *testing.T) {
	t.Parallel()
	p := start(t)
	file, err := sys.Here.Open(t.TempDir()+"/file", sys.Truncate, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	f := newFIFO(t)
	called := make(chan string, 100)
	if err := p.Watch(f.r, func() { called <- "first" }); err != nil {
		t.Fatalf("Watch() = %v", err)
	}
	tests := []struct {
		name string
		fd   sys.FD
		want error
	}{
		{"nothing", sys.None, syscall.EBADF},
		{"a file", file, syscall.EPERM},
		{"what is watched", f.r, syscall.EEXIST},
	}
	for _, test := range tests {
		if err := p.Watch(test.fd, func() { called <- test.name }); !errors.Is(err, test.want) {
			t.Errorf("Watch() of %s = %v, want %v", test.name, err, test.want)
		}
	}
	f.write(t)
	if got := <-called; got != "first" {
		t.Errorf("the function of %q was called, want that of the first Watch", got)
	}
}

// TestForget has another owner tell when all that came before has been seen.
func TestForget(t *testing.T) {
	t.Parallel()
	f, other := newFIFO(t), newFIFO(t)
	p := start(t)
	calls := make(chan string, 100)
	if err := errors.Join(
		p.Watch(f.r, func() { calls <- "forgotten" }),
		p.Watch(other.r, func() { calls <- "other" }),
	); err != nil {
		t.Fatal(err)
	}
	p.Forget(f.r)
	p.Forget(f.r)      // once more
	p.Forget(sys.None) // what was never watched
	f.write(t)
	other.write(t)
	if got := <-calls; got != "other" {
		t.Errorf("%q was called, want %q", got, "other")
	}
	// It can be watched again, by somebody else.
	if err := p.Watch(f.r, func() { calls <- "again" }); err != nil {
		t.Fatalf("Watch() after Forget = %v", err)
	}
	if got := <-calls; got != "again" {
		t.Errorf("%q was called, want %q", got, "again")
	}
}

// TestForgetInCall has the function that is called forget its own descriptor.
func TestForgetInCall(t *testing.T) {
	t.Parallel()
	f, other := newFIFO(t), newFIFO(t)
	p := start(t)
	calls := make(chan string, 100)
	if err := errors.Join(
		p.Watch(f.r, func() {
			p.Forget(f.r)
			calls <- "once"
		}),
		p.Watch(other.r, func() { calls <- "other" }),
	); err != nil {
		t.Fatal(err)
	}
	f.write(t)
	if got := <-calls; got != "once" {
		t.Errorf("%q was called, want %q", got, "once")
	}
	f.write(t)
	other.write(t)
	if got := <-calls; got != "other" {
		t.Errorf("%q was called, want %q", got, "other")
	}
}

// TestNumberUsedAgain has descriptors come and go under the same numbers, all
// of them watched by an owner who stands for calls without a cause.
func TestNumberUsedAgain(t *testing.T) {
	t.Parallel()
	p := start(t)
	dir := t.TempDir()
	for _, name := range []string{"/a", "/b"} {
		if err := sys.Here.Mkfifo(dir+name, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var owners sync.WaitGroup
	for _, name := range []string{"/a", "/b", "/a", "/b"} {
		owners.Add(1)
		go func() {
			defer owners.Done()
			for range 200 {
				fd, err := sys.Here.Open(dir+name, sys.Both, 0)
				if err != nil {
					t.Error(err)
					return
				}
				ready := make(chan struct{}, 1)
				if err := p.Watch(fd, func() {
					select {
					case ready <- struct{}{}:
					default:
					}
				}); err != nil {
					t.Errorf("Watch() = %v", err)
				}
				if _, err := fd.Write([]byte("x")); err != nil {
					t.Errorf("Write() = %v", err)
				}
				<-ready
				var buf [1]byte
				if _, err := fd.Read(buf[:]); err != nil && !errors.Is(err, syscall.EAGAIN) {
					t.Errorf("Read() = %v", err)
				}
				p.Forget(fd)
				fd.Close()
			}
		}()
	}
	owners.Wait()
}

// TestSpurious has a call that finds nothing, because the reader was earlier.
func TestSpurious(t *testing.T) {
	t.Parallel()
	f := newFIFO(t)
	q := Queue{Crew: NewCrew()}
	t.Cleanup(func() {
		// The poller is closed by now; what it has still posted runs out.
		over := make(chan struct{})
		q.Post(func() { close(over) })
		<-over
	})
	p := start(t)
	total := 0 // the queue's
	if err := p.Watch(f.r, func() { q.Post(func() { total += f.readAll(t) }) }); err != nil {
		t.Fatalf("Watch() = %v", err)
	}
	const many = 500
	for range many {
		f.write(t)
		q.Post(func() { total += f.readAll(t) }) // as whoever looks without being told
	}
	eventually(t, "all is read once", func() bool {
		got := make(chan int)
		q.Post(func() { got <- total })
		return <-got == many
	})
}

// TestManyAtOnce has more descriptors become readable than one look reports.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	p := start(t)
	dir := t.TempDir()
	const many = 500
	var called [many]atomic.Int32
	var fds []sys.FD
	for i := range many {
		path := dir + "/" + string(rune('A'+i/26)) + string(rune('a'+i%26))
		if err := sys.Here.Mkfifo(path, 0o600); err != nil {
			t.Fatal(err)
		}
		fd, err := sys.Here.Open(path, sys.Both, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer fd.Close()
		if err := p.Watch(fd, func() { called[i].Add(1) }); err != nil {
			t.Fatalf("Watch() = %v", err)
		}
		fds = append(fds, fd)
	}
	for _, fd := range fds {
		if _, err := fd.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "all are called", func() bool {
		for i := range called {
			if called[i].Load() == 0 {
				return false
			}
		}
		return true
	})
	for i := range called {
		if got := called[i].Load(); got != 1 {
			t.Errorf("the function of descriptor %d was called %d times, want once", i, got)
		}
	}
}

// TestRunFails has the epoll instance replaced by something that is none.
func TestRunFails(t *testing.T) {
	t.Parallel()
	p, err := NewPoller()
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	f := newFIFO(t)
	if err := syscall.Dup3(int(f.r), int(p.epoll.FD), syscall.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	if err := p.Run(); !errors.Is(err, syscall.EINVAL) {
		t.Errorf("Run() = %v, want %v", err, syscall.EINVAL)
	}
}

// TestCloseTwice is not parallel: it counts descriptors.
func TestCloseTwice(t *testing.T) {
	count := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	for warm := range 2 {
		before := count()
		p, err := NewPoller()
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan error)
		go func() { ended <- p.Run() }()
		if err := p.Close(); err != nil {
			t.Errorf("Close() = %v", err)
		}
		if err := <-ended; err == nil {
			t.Error("Run() = nil after Close, want what ended it")
		}
		if err := p.Close(); !errors.Is(err, os.ErrClosed) {
			t.Errorf("Close() for the second time = %v, want %v", err, os.ErrClosed)
		}
		// The first time the library has made its own poller.
		if after := count(); warm == 1 && after != before {
			t.Errorf("%d descriptors are open, want %d as before", after, before)
		}
	}
}
