// SPDX-License-Identifier: MIT

package servicedir

import (
	"errors"
	"syscall"

	"daemontools-go/internal/sys"
)

// Command is a byte in the control FIFO. Supervisors ignore other bytes.
type Command byte

// The commands of 0.76, and three signals that runit and daemontools-encore
// have under the same bytes.
const (
	Up    Command = 'u' // start it, and again when it dies
	Down  Command = 'd' // TERM, CONT, and do not start it again
	Once  Command = 'o' // start it, and do not start it again
	Exit  Command = 'x' // end the supervisor as soon as the service is down
	Pause Command = 'p' // STOP
	Cont  Command = 'c' // CONT

	Alarm     Command = 'a' // ALRM
	Hangup    Command = 'h' // HUP
	Interrupt Command = 'i' // INT
	Kill      Command = 'k' // KILL
	Terminate Command = 't' // TERM
	Quit      Command = 'q' // QUIT
	User1     Command = '1' // USR1
	User2     Command = '2' // USR2
)

// Signal is the signal that a command sends and does nothing else, or 0.
func (c Command) Signal() syscall.Signal {
	switch c {
	case Alarm:
		return syscall.SIGALRM
	case Hangup:
		return syscall.SIGHUP
	case Interrupt:
		return syscall.SIGINT
	case Kill:
		return syscall.SIGKILL
	case Terminate:
		return syscall.SIGTERM
	case Quit:
		return syscall.SIGQUIT
	case User1:
		return syscall.SIGUSR1
	case User2:
		return syscall.SIGUSR2
	}
	return 0
}

// ErrNotRunning says that no supervisor has the FIFO open.
var ErrNotRunning = errors.New("supervise not running")

var (
	errNotExist  = syscall.ENOENT
	errNoReader  = syscall.ENXIO
	errBadFormat = errors.New("bad format")
	errPartial   = errors.New("partial write")
	errNotFIFO   = errors.New("not a FIFO")
	errReplaced  = errors.New("directory was replaced")
)

// Control is the open control FIFO of a running supervisor.
type Control struct{ fd sys.FD }

// OpenControl opens the control FIFO for writing. Without a supervisor it is
// [ErrNotRunning].
func (d Dir) OpenControl() (Control, error) {
	fd, err := d.fd.Open(superviseDir+"/"+controlFile, sys.Write, 0)
	if errors.Is(err, errNoReader) {
		err = ErrNotRunning
	}
	return Control{fd}, err
}

// Send sends all commands with one write, and waits while the FIFO is full.
func (c Control) Send(commands []Command) error {
	if len(commands) == 0 {
		return nil
	}
	if err := c.fd.SetBlocking(); err != nil {
		return err
	}
	n, err := c.fd.Write(commandBytes(commands))
	if err == nil && n < len(commands) {
		err = errPartial
	}
	return err
}

func commandBytes(commands []Command) []byte {
	b := make([]byte, len(commands))
	for i, c := range commands {
		b[i] = byte(c)
	}
	return b
}

// Close closes the FIFO.
func (c Control) Close() { c.fd.Close() }

// CheckRunning asks whether a supervisor runs: nil for yes, [ErrNotRunning]
// when nobody reads ok, otherwise the reason why it cannot be said.
// Original: a regular file named ok counts as running.
func (d Dir) CheckRunning() error {
	fd, err := d.fd.Open(superviseDir+"/"+okFile, sys.Write, 0)
	if errors.Is(err, errNoReader) {
		return ErrNotRunning
	}
	if err != nil {
		return err
	}
	return fd.Close()
}
