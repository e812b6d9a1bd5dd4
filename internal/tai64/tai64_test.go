// SPDX-License-Identifier: MIT

package tai64

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"testing"
	"time"
)

// labels are times and their labels as the original writes them.
var labels = []struct {
	name  string
	time  time.Time
	label string
}{
	{"the epoch", time.Unix(0, 0), "400000000000000a00000000"},
	{"a second before it", time.Unix(-1, 0), "400000000000000900000000"},
	{"the first label of 2^62", time.Unix(-10, 0), "400000000000000000000000"},
	{"before that", time.Unix(-11, 5), "3fffffffffffffff00000005"},
	{"the last nanosecond", time.Unix(0, 999999999), "400000000000000a3b9ac9ff"},
	{"of interface.md", time.Unix(0x6b02ce1e-10, 0x0532c9a4), "400000006b02ce1e0532c9a4"},
	{"after 2038", time.Unix(1<<31, 0), "400000008000000a00000000"},
	{"another time zone", time.Unix(0, 0).In(time.FixedZone("", 3600)), "400000000000000a00000000"},
}

func TestAppend(t *testing.T) {
	t.Parallel()
	for _, test := range labels {
		if got := hex.EncodeToString(Append(nil, test.time)); got != test.label {
			t.Errorf("%s: Append(nil, %v) = %s, want %s", test.name, test.time, got, test.label)
		}
	}
	if got, want := Append([]byte("x"), time.Unix(0, 0)), "x@\x00\x00\x00\x00\x00\x00\x0a\x00\x00\x00\x00"; string(got) != want {
		t.Errorf("Append(%q, the epoch) = %q, want %q", "x", got, want)
	}
}

func TestUnpack(t *testing.T) {
	t.Parallel()
	for _, test := range labels {
		label, err := hex.DecodeString(test.label)
		if err != nil {
			t.Fatal(err)
		}
		if got := Unpack(append(label, "what follows"...)); !got.Equal(test.time) {
			t.Errorf("%s: Unpack(%s) = %v, want %v", test.name, test.label, got, test.time)
		}
	}
}

// TestUnpackCuts has nanoseconds that no program writes.
func TestUnpackCuts(t *testing.T) {
	t.Parallel()
	for _, nanoseconds := range []uint32{1_000_000_000, 3_000_000_007, 1<<32 - 1} {
		label := binary.BigEndian.AppendUint64(nil, epoch)
		label = binary.BigEndian.AppendUint32(label, nanoseconds)
		if got, want := Unpack(label), time.Unix(0, 999_999_999); !got.Equal(want) {
			t.Errorf("Unpack(%x) = %v, want %v", label, got, want)
		}
	}
}

// TestNow has Append and Unpack agree on a time with a monotonic clock.
func TestNow(t *testing.T) {
	t.Parallel()
	now := time.Now()
	if got := Unpack(Append(nil, now)); !got.Equal(now) {
		t.Errorf("Unpack(Append(nil, %v)) = %v", now, got)
	}
}

func FuzzUnpack(f *testing.F) {
	for _, test := range labels {
		label, err := hex.DecodeString(test.label)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(label)
	}
	f.Add(bytes.Repeat([]byte{0}, Size))
	f.Add(append(bytes.Repeat([]byte{0xff}, 8), 0, 0, 0, 0))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < Size || binary.BigEndian.Uint32(b[8:]) >= 1e9 {
			return
		}
		if got := Append(nil, Unpack(b)); !bytes.Equal(got, b[:Size]) {
			t.Errorf("Append(nil, Unpack(%x)) = %x", b[:Size], got)
		}
	})
}
