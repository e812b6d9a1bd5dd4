// SPDX-License-Identifier: MIT

package servicedir

import (
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// stamp is that of the records in interface.md.
var stamp = time.Unix(0x6b02ce1e-10, 0x0532c9a4)

// records are what is on disk and what it means, field by field.
var records = []struct {
	name   string
	record string // in hex
	status Status
}{
	{
		"down", "400000006b02ce1e0532c9a4 00000000 00 64 00 00",
		Status{Since: stamp, Want: WantDown},
	},
	{
		"up", "400000006b02ce1e0532c9a4 06110000 00 75 00 01",
		Status{Since: stamp, PID: 0x1106, Want: WantUp, State: StateRun},
	},
	{
		"paused", "400000006b02ce1e0532c9a4 06110000 01 75 00 01",
		Status{Since: stamp, PID: 0x1106, Paused: true, Want: WantUp, State: StateRun},
	},
	{
		"once", "400000006b02ce1e0532c9a4 06110000 00 00 00 01",
		Status{Since: stamp, PID: 0x1106, Want: WantOnce, State: StateRun},
	},
	{
		"told to end", "400000006b02ce1e0532c9a4 06110000 00 64 01 01",
		Status{Since: stamp, PID: 0x1106, Want: WantDown, Termed: true, State: StateRun},
	},
	{
		"the largest pid of Linux", "400000006b02ce1e0532c9a4 00004000 00 75 00 01",
		Status{Since: stamp, PID: 1 << 22, Want: WantUp, State: StateRun},
	},
	{
		"runit's finish", "400000006b02ce1e0532c9a4 06110000 00 75 00 02",
		Status{Since: stamp, PID: 0x1106, Want: WantUp, State: StateFinish},
	},
}

func decode(t testing.TB, record string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(record, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func sameStatus(a, b Status) bool {
	same := a.Since.Equal(b.Since)
	a.Since, b.Since = time.Time{}, time.Time{}
	return same && a == b
}

func TestStatusAppend(t *testing.T) {
	t.Parallel()
	for _, test := range records {
		want := append([]byte("x"), decode(t, test.record)...)
		if got := test.status.Append([]byte("x")); !bytes.Equal(got, want) {
			t.Errorf("%s: Append(%q) = %x, want %x", test.name, "x", got, want)
		}
	}
}

func TestParseStatus(t *testing.T) {
	t.Parallel()
	for _, test := range records {
		record := decode(t, test.record)
		// Original: what follows is ignored; daemontools-encore has 40 bytes.
		for _, b := range [][]byte{record, append(bytes.Clone(record), bytes.Repeat([]byte{0xff}, 20)...)} {
			got, err := ParseStatus(b)
			if err != nil || !sameStatus(got, test.status) {
				t.Errorf("%s: ParseStatus(%x) = %+v, %v, want %+v", test.name, b, got, err, test.status)
			}
		}
	}
}

// TestParseStatus076 has records of 0.76, in which nothing stands of the state.
func TestParseStatus076(t *testing.T) {
	t.Parallel()
	for _, test := range records {
		want := test.status
		want.Termed, want.State = false, StateDown
		if want.PID != 0 {
			want.State = StateRun
		}
		for size := recordSize076; size < recordSize; size++ {
			b := decode(t, test.record)[:size]
			if got, err := ParseStatus(b); err != nil || !sameStatus(got, want) {
				t.Errorf("%s: ParseStatus(%x) = %+v, %v, want %+v", test.name, b, got, err, want)
			}
		}
	}
}

func TestParseStatusTooShort(t *testing.T) {
	t.Parallel()
	record := decode(t, records[1].record)
	for size := range recordSize076 {
		if got, err := ParseStatus(record[:size]); err == nil || err.Error() != "bad format" || got != (Status{}) {
			t.Errorf("ParseStatus of %d bytes = %+v, %v, want nothing and %q", size, got, err, "bad format")
		}
	}
	if _, err := ParseStatus(nil); err == nil {
		t.Errorf("ParseStatus(nil) = nil, want an error")
	}
}

func FuzzStatus(f *testing.F) {
	for _, test := range records {
		b := decode(f, test.record)
		f.Add(b)
		f.Add(b[:recordSize076])
	}
	f.Add([]byte{})
	f.Add(bytes.Repeat([]byte{0xff}, recordSize))
	f.Add(make([]byte, 40))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := ParseStatus(b)
		if short := len(b) < recordSize076; short != (err != nil) {
			t.Fatalf("ParseStatus(%x) = %v with %d bytes", b, err, len(b))
		}
		if err != nil {
			return
		}
		record := s.Append(nil)
		if len(record) != recordSize {
			t.Fatalf("Append(nil) has %d bytes, want %d", len(record), recordSize)
		}
		again, err := ParseStatus(record)
		if err != nil || !sameStatus(again, s) {
			t.Errorf("ParseStatus(%x) = %+v, %v, want %+v", record, again, err, s)
		}
		line := string(s.AppendDescription(nil, stamp, true))
		if !strings.HasPrefix(line, "up (pid ") && !strings.HasPrefix(line, "down ") || strings.Contains(line, "-") {
			t.Errorf("AppendDescription of %x = %q", b, line)
		}
	})
}

// TestDescription has every combination of what svstat shows.
func TestDescription(t *testing.T) {
	t.Parallel()
	const up, down = "up (pid 4358) 7 seconds", "down 7 seconds"
	tests := []struct {
		pid        int
		normallyUp bool
		paused     bool
		want       Want
		line       string
	}{
		{4358, true, false, WantUp, up},
		{4358, true, false, WantDown, up + ", want down"},
		{4358, true, false, WantOnce, up},
		{4358, true, true, WantUp, up + ", paused"},
		{4358, true, true, WantDown, up + ", paused, want down"},
		{4358, true, true, WantOnce, up + ", paused"},
		{4358, false, false, WantUp, up + ", normally down"},
		{4358, false, false, WantDown, up + ", normally down, want down"},
		{4358, false, false, WantOnce, up + ", normally down"},
		{4358, false, true, WantUp, up + ", normally down, paused"},
		{4358, false, true, WantDown, up + ", normally down, paused, want down"},
		{4358, false, true, WantOnce, up + ", normally down, paused"},
		{0, true, false, WantUp, down + ", normally up, want up"},
		{0, true, false, WantDown, down + ", normally up"},
		{0, true, false, WantOnce, down + ", normally up"},
		{0, true, true, WantUp, down + ", normally up, want up"},
		{0, true, true, WantDown, down + ", normally up"},
		{0, true, true, WantOnce, down + ", normally up"},
		{0, false, false, WantUp, down + ", want up"},
		{0, false, false, WantDown, down},
		{0, false, false, WantOnce, down},
		{0, false, true, WantUp, down + ", want up"},
		{0, false, true, WantDown, down},
		{0, false, true, WantOnce, down},
		// Another suite's wish is no flag.
		{4358, true, false, 'x', up},
		{0, true, false, 'x', down + ", normally up"},
	}
	for _, test := range tests {
		s := Status{Since: stamp, PID: test.pid, Paused: test.paused, Want: test.want}
		for _, state := range []State{StateDown, StateRun, StateFinish} {
			for _, s.Termed = range []bool{false, true} {
				s.State = state
				got := string(s.AppendDescription([]byte("web: "), stamp.Add(7*time.Second), test.normallyUp))
				if want := "web: " + test.line; got != want {
					t.Errorf("AppendDescription(%+v, normally up %v) = %q, want %q", s, test.normallyUp, got, want)
				}
			}
		}
	}
}

func TestDescriptionSeconds(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 900_000_000)
	allOnes, err := ParseStatus(bytes.Repeat([]byte{0xff}, recordSize))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name  string
		since time.Time
		want  string
	}{
		{"now", now, "down 0 seconds"},
		{"within the second", time.Unix(1_800_000_000, 0), "down 0 seconds"},
		{"across the second", time.Unix(1_799_999_999, 999_999_999), "down 1 seconds"},
		{"the epoch", time.Unix(0, 0), "down 1800000000 seconds"},
		{"later this second", time.Unix(1_800_000_000, 999_999_999), "down 0 seconds"},
		{"the future", time.Unix(1_800_000_001, 0), "down 0 seconds"},
		{"the far future", time.Unix(1<<62, 0), "down 0 seconds"},
		// As an unsigned number, which labels are, the last of all times.
		{"all ones", allOnes.Since, "down 0 seconds"},
	}
	for _, test := range tests {
		s := Status{Since: test.since, Want: WantDown}
		if got := string(s.AppendDescription(nil, now, false)); got != test.want {
			t.Errorf("%s: AppendDescription = %q, want %q", test.name, got, test.want)
		}
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	path, d := newDir(t)
	if _, err := d.Status(); err == nil || err.Error() != "unable to open supervise/ok: file does not exist" {
		t.Errorf("Status() without supervise = %v", err)
	}
	claim := claimed(t, d)
	expectStatus(t, d, Status{Since: stamp, Want: WantDown})

	want := Status{Since: stamp.Add(time.Hour), PID: 4358, Want: WantUp, State: StateRun}
	if err := claim.Publish(want); err != nil {
		t.Fatalf("Publish() = %v", err)
	}
	expectStatus(t, d, want)

	status := path + "/supervise/status"
	for _, test := range []struct {
		name   string
		change func() error
		want   string
	}{
		{"17 bytes", func() error { return os.Truncate(status, 17) }, "unable to read supervise/status: bad format"},
		{"0 bytes", func() error { return os.Truncate(status, 0) }, "unable to read supervise/status: bad format"},
		{"none", func() error { return os.Remove(status) }, "unable to open supervise/status: file does not exist"},
		{"a directory", func() error { return os.Mkdir(status, 0o700) }, "unable to read supervise/status: is a directory"},
	} {
		if err := test.change(); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Status(); err == nil || err.Error() != test.want {
			t.Errorf("%s: Status() = %v, want %q", test.name, err, test.want)
		}
	}

	claim.Release()
	if _, err := d.Status(); !errors.Is(err, ErrNotRunning) || err.Error() != "supervise not running" {
		t.Errorf("Status() without a supervisor = %v, want %v", err, ErrNotRunning)
	}
	if err := os.Remove(path + "/supervise/ok"); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path+"/supervise/ok", 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Status(); !errors.Is(err, syscall.EISDIR) || err.Error() != "unable to open supervise/ok: is a directory" {
		t.Errorf("Status() with a directory named ok = %v", err)
	}
}

func expectStatus(t *testing.T, d Dir, want Status) {
	t.Helper()
	if got, err := d.Status(); err != nil || !sameStatus(got, want) {
		t.Errorf("Status() = %+v, %v, want %+v", got, err, want)
	}
}
