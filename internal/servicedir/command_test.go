// SPDX-License-Identifier: MIT

package servicedir

import (
	"bytes"
	"errors"
	"os"
	"syscall"
	"testing"

	"daemontools-go/internal/sys"
)

// signals are the commands that send a signal and do nothing else.
var signals = map[Command]syscall.Signal{
	'a': syscall.SIGALRM,
	'h': syscall.SIGHUP,
	'i': syscall.SIGINT,
	'k': syscall.SIGKILL,
	't': syscall.SIGTERM,
	'q': syscall.SIGQUIT,
	'1': syscall.SIGUSR1,
	'2': syscall.SIGUSR2,
}

// TestSignal has every byte there is.
func TestSignal(t *testing.T) {
	t.Parallel()
	for b := range 256 {
		c := Command(b)
		if got, want := c.Signal(), signals[c]; got != want {
			t.Errorf("Command(%q).Signal() = %d, want %d", b, got, want)
		}
	}
}

func TestCommandBytes(t *testing.T) {
	t.Parallel()
	all := []Command{Up, Down, Once, Exit, Pause, Cont, Alarm, Hangup, Interrupt, Kill, Terminate, Quit, User1, User2}
	if got, want := string(commandBytes(all)), "udoxpcahiktq12"; got != want {
		t.Errorf("commandBytes(all) = %q, want %q", got, want)
	}
}

// FuzzCommand sends bytes through a FIFO; what comes out is what went in, and
// no byte has an effect on the process that reads it.
func FuzzCommand(f *testing.F) {
	f.Add([]byte("udopchaitkxq12"))
	f.Add([]byte{})
	f.Add([]byte{0, 0xff, 'l', '\n'})
	f.Add(bytes.Repeat([]byte("u"), 5000))
	r, w, err := sys.Pipe()
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		r.Close()
		w.Close()
	})
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 4096 {
			b = b[:4096] // more might not fit into the pipe
		}
		commands := make([]Command, len(b))
		for i := range b {
			commands[i] = Command(b[i])
			if sig := commands[i].Signal(); sig != signals[commands[i]] {
				t.Errorf("Command(%q).Signal() = %d, want %d", b[i], sig, signals[commands[i]])
			}
		}
		if err := (Control{w}).Send(commands); err != nil {
			t.Fatalf("Send(%q) = %v", b, err)
		}
		var got []byte
		for len(got) < len(b) {
			buf := make([]byte, len(b)-len(got))
			n, err := r.Read(buf)
			if err != nil || n == 0 {
				t.Fatalf("after Send(%q): Read = %d, %v", b, n, err)
			}
			got = append(got, buf[:n]...)
		}
		if !bytes.Equal(got, b) {
			t.Errorf("after Send(%q) the FIFO has %q", b, got)
		}
		if n, err := r.Buffered(); n != 0 || err != nil {
			t.Errorf("after Send(%q): %d bytes too many, %v", b, n, err)
		}
	})
}

func TestControl(t *testing.T) {
	t.Parallel()
	_, d := newDir(t)
	if _, err := d.OpenControl(); !errors.Is(err, syscall.ENOENT) {
		t.Errorf("OpenControl() without supervise = %v, want %v", err, syscall.ENOENT)
	}
	claim := claimed(t, d)
	buf := make([]byte, 64)
	if got, err := claim.ReadCommands(buf); len(got) != 0 || !errors.Is(err, syscall.EAGAIN) {
		t.Errorf("ReadCommands() with none = %q, %v, want %v", got, err, syscall.EAGAIN)
	}
	control, err := d.OpenControl()
	if err != nil {
		t.Fatalf("OpenControl() = %v", err)
	}
	for _, commands := range [][]Command{nil, {Up, Down}, {Exit}} {
		if err := control.Send(commands); err != nil {
			t.Errorf("Send(%q) = %v", commands, err)
		}
	}
	control.Close()
	if got, err := claim.ReadCommands(buf[:2]); string(got) != "ud" || err != nil {
		t.Errorf("ReadCommands() of 2 bytes = %q, %v, want %q", got, err, "ud")
	}
	if got, err := claim.ReadCommands(buf); string(got) != "x" || err != nil {
		t.Errorf("ReadCommands() = %q, %v, want %q", got, err, "x")
	}
	// The claim itself keeps the FIFO open for writing: it never comes to its end.
	if got, err := claim.ReadCommands(buf); len(got) != 0 || !errors.Is(err, syscall.EAGAIN) {
		t.Errorf("ReadCommands() after the writer has gone = %q, %v, want %v", got, err, syscall.EAGAIN)
	}
	claim.Release()
	if _, err := d.OpenControl(); !errors.Is(err, ErrNotRunning) {
		t.Errorf("OpenControl() without a supervisor = %v, want %v", err, ErrNotRunning)
	}
}

// TestSendToNobody has the supervisor end between the opening and the writing.
func TestSendToNobody(t *testing.T) {
	t.Parallel()
	_, d := newDir(t)
	claim := claimed(t, d)
	control, err := d.OpenControl()
	if err != nil {
		t.Fatalf("OpenControl() = %v", err)
	}
	defer control.Close()
	claim.Release()
	if err := control.Send([]Command{Up}); !errors.Is(err, syscall.EPIPE) {
		t.Errorf("Send() to nobody = %v, want %v", err, syscall.EPIPE)
	}
}

// TestSendWaits has a FIFO that is full until somebody reads.
func TestSendWaits(t *testing.T) {
	t.Parallel()
	_, d := newDir(t)
	claim := claimed(t, d)
	defer claim.Release()
	control, err := d.OpenControl()
	if err != nil {
		t.Fatalf("OpenControl() = %v", err)
	}
	defer control.Close()
	const size = 200_000 // more than a FIFO holds
	sent := make(chan error, 1)
	go func() { sent <- control.Send(bytesToCommands(bytes.Repeat([]byte("l"), size))) }()
	got := 0
	buf := make([]byte, 1000)
	eventually(t, "all commands arrive", func() bool {
		for {
			b, err := claim.ReadCommands(buf)
			if err != nil {
				return got == size
			}
			got += len(b)
		}
	})
	if err := <-sent; err != nil {
		t.Errorf("Send() = %v", err)
	}
}

func bytesToCommands(b []byte) []Command {
	commands := make([]Command, len(b))
	for i := range b {
		commands[i] = Command(b[i])
	}
	return commands
}

func TestCheckRunning(t *testing.T) {
	t.Parallel()
	path, d := newDir(t)
	expect := func(when string, want error) {
		t.Helper()
		if err := d.CheckRunning(); !errors.Is(err, want) {
			t.Errorf("%s: CheckRunning() = %v, want %v", when, err, want)
		}
	}
	expect("no supervise", syscall.ENOENT)
	claim, err := d.Claim("web")
	if err != nil {
		t.Fatalf("Claim() = %v", err)
	}
	expect("claimed and not yet open", syscall.ENOENT)
	if err := claim.Open(); err != nil {
		t.Fatalf("Open() = %v", err)
	}
	expect("open", nil)
	claim.Release()
	expect("released", ErrNotRunning)

	ok := path + "/supervise/ok"
	if err := os.Remove(ok); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(ok, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	expect("a regular file", nil)
}
