// SPDX-License-Identifier: MIT

package servicedir

import (
	"encoding/binary"
	"errors"
	"strconv"
	"time"

	"daemontools-go/internal/diag"
	"daemontools-go/internal/sys"
	"daemontools-go/internal/tai64"
)

// Want is what the administrator asked of a service, as it stands in the
// status record.
type Want byte

// What can be asked.
const (
	WantUp   Want = 'u' // run it, start it again when it dies
	WantDown Want = 'd' // leave it down
	WantOnce Want = 0   // run it, leave it down when it dies
)

// State is runit's word for what a service does.
type State byte

// The states that runit has. Finish is never published: daemontools has no
// finish script.
const (
	StateDown   State = 0
	StateRun    State = 1
	StateFinish State = 2
)

// Status is the status record. On disk it has 20 bytes: those of 0.76, and two
// that runit added and its tools read.
//
//	0-11   since: when the pid last changed (TAI64N)
//	12-15  pid, little endian; 0 is down
//	16     1 while paused, else 0
//	17     want: 'u', 'd' or 0
//	18     1 after TERM was sent and until it died, else 0
//	19     state: 0 down, 1 run, 2 finish
type Status struct {
	Since  time.Time
	PID    int
	Paused bool
	Want   Want
	Termed bool
	State  State
}

const (
	recordSize    = 20
	recordSize076 = 18
)

// Append appends the record to b.
func (s Status) Append(b []byte) []byte {
	b = tai64.Append(b, s.Since)
	b = binary.LittleEndian.AppendUint32(b, uint32(s.PID))
	return append(b, bit(s.Paused), byte(s.Want), bit(s.Termed), byte(s.State))
}

func bit(set bool) byte {
	if set {
		return 1
	}
	return 0
}

// ParseStatus reads a record of 18 bytes or more, as 0.76 and its descendants
// write them. What stands in bytes 18 and 19 of another suite is not looked at
// beyond runit's meaning.
func ParseStatus(b []byte) (Status, error) {
	if len(b) < recordSize076 {
		return Status{}, errBadFormat
	}
	s := Status{
		Since:  tai64.Unpack(b),
		PID:    int(binary.LittleEndian.Uint32(b[12:])),
		Paused: b[16] != 0,
		Want:   Want(b[17]),
	}
	switch {
	case len(b) >= recordSize:
		s.Termed, s.State = b[18] != 0, State(b[19])
	case s.PID != 0:
		s.State = StateRun
	}
	return s, nil
}

// Status reads the record of a running supervisor. Without one it is
// [ErrNotRunning]; other errors say what could not be opened or read.
func (d Dir) Status() (Status, error) {
	err := d.CheckRunning()
	if errors.Is(err, ErrNotRunning) {
		return Status{}, err
	}
	if err != nil {
		return Status{}, diag.Unable("open "+superviseDir+"/"+okFile, err)
	}
	const path = superviseDir + "/" + statusFile
	fd, err := d.fd.Open(path, sys.Read, 0)
	if err != nil {
		return Status{}, diag.Unable("open "+path, err)
	}
	defer fd.Close()
	var b [recordSize]byte
	n, err := fd.Read(b[:])
	if err != nil {
		return Status{}, diag.Unable("read "+path, err)
	}
	s, err := ParseStatus(b[:n])
	return s, diag.Unable("read "+path, err)
}

// AppendDescription appends svstat's words for the record: whether up or down,
// for how many seconds until now, and in what it differs from the usual.
func (s Status) AppendDescription(b []byte, now time.Time, normallyUp bool) []byte {
	if s.PID != 0 {
		b = append(b, "up (pid "...)
		b = strconv.AppendUint(b, uint64(uint32(s.PID)), 10)
		b = append(b, ") "...)
	} else {
		b = append(b, "down "...)
	}
	b = strconv.AppendInt(b, age(s.Since, now), 10)
	b = append(b, " seconds"...)
	for _, flag := range s.unusual(normallyUp) {
		b = append(b, ", "...)
		b = append(b, flag...)
	}
	return b
}

// age is how many seconds now is after since.
// Original: whole seconds of both times are compared, as unsigned labels, and
// what is in the future is 0 seconds old.
func age(since, now time.Time) int64 {
	const label0 = -(1<<62 + 10) // what a label of 0 means in Unix seconds
	if since.Unix() < label0 {
		return 0
	}
	return max(now.Unix()-since.Unix(), 0)
}

func (s Status) unusual(normallyUp bool) (flags []string) {
	up := s.PID != 0
	switch {
	case up && !normallyUp:
		flags = append(flags, "normally down")
	case !up && normallyUp:
		flags = append(flags, "normally up")
	}
	if up && s.Paused {
		flags = append(flags, "paused")
	}
	switch {
	case !up && s.Want == WantUp:
		flags = append(flags, "want up")
	case up && s.Want == WantDown:
		flags = append(flags, "want down")
	}
	return flags
}
