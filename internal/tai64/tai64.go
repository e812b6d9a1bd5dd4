// SPDX-License-Identifier: MIT

// Package tai64 packs and unpacks TAI64N labels as daemontools 0.76 writes
// them: no leap-second table, UTC is always ten seconds behind.
//
// A packed label has Size bytes:
//
//	0-7   2^62 + 10 + seconds since 1970, big endian
//	8-11  nanoseconds, big endian
package tai64

import (
	"encoding/binary"
	"time"
)

// Size is the length of a packed label in bytes.
const Size = 12

// epoch is the label of 1970-01-01 00:00:00 UTC.
const epoch = 1<<62 + 10

// Append appends the packed label of t to b.
func Append(b []byte, t time.Time) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(epoch+t.Unix()))
	return binary.BigEndian.AppendUint32(b, uint32(t.Nanosecond()))
}

// Unpack reads a packed label, which is the first Size bytes of b. Nanoseconds
// beyond a second, which no program writes, are cut to it.
func Unpack(b []byte) time.Time {
	seconds := int64(binary.BigEndian.Uint64(b) - epoch)
	nanoseconds := min(binary.BigEndian.Uint32(b[8:]), 999_999_999)
	return time.Unix(seconds, int64(nanoseconds))
}
