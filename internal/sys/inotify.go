// SPDX-License-Identifier: MIT

package sys

import (
	"bytes"
	"encoding/binary"
	"strconv"

	"golang.org/x/sys/unix"
)

// What inotify says of a watched directory. Bits of Notice.Mask.
const (
	Created  = unix.IN_CREATE     // a name was made in it
	Arrived  = unix.IN_MOVED_TO   // a name was renamed into it
	Deleted  = unix.IN_DELETE     // a name was removed from it
	Departed = unix.IN_MOVED_FROM // a name was renamed out of it
	Changed  = unix.IN_ATTRIB     // a mode in it, or its own, was changed
	Modified = unix.IN_MODIFY     // a file in it was written
	Renamed  = unix.IN_MOVE_SELF  // the directory itself was renamed
	Overflow = unix.IN_Q_OVERFLOW // notices were lost
	Dropped  = unix.IN_IGNORED    // the watch is over
	OfDir    = unix.IN_ISDIR      // the name is a directory's
)

// Notice is one event: about Name in the directory of the watch, or, where
// Name is empty, about the directory itself.
type Notice struct {
	Watch int
	Mask  uint32
	Name  string
}

// NewInotify makes an inotify instance; Notices reads from it.
func NewInotify() (FD, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return None, err
	}
	return FD(fd), nil
}

// Watch watches the directory dir, and answers with the number of the watch:
// always the same one for the same directory.
func (d FD) Watch(dir FD, mask uint32) (int, error) {
	// inotify takes only paths; this one means the open directory itself.
	path := "/proc/self/fd/" + strconv.Itoa(int(dir))
	return unix.InotifyAddWatch(int(d), path, mask|unix.IN_ONLYDIR)
}

// Unwatch ends a watch.
func (d FD) Unwatch(watch int) error {
	_, err := unix.InotifyRmWatch(int(d), uint32(watch))
	return err
}

// Notices cuts what was read from an inotify descriptor into events.
func Notices(buf []byte) []Notice {
	var notices []Notice
	// struct inotify_event: watch, mask, cookie, length of the name, the name
	// with its padding; all numbers in the machine's byte order.
	for len(buf) >= unix.SizeofInotifyEvent {
		n := Notice{
			Watch: int(int32(binary.NativeEndian.Uint32(buf))),
			Mask:  binary.NativeEndian.Uint32(buf[4:]),
		}
		length := binary.NativeEndian.Uint32(buf[12:])
		buf = buf[unix.SizeofInotifyEvent:]
		if uint64(length) > uint64(len(buf)) {
			break
		}
		name, _, _ := bytes.Cut(buf[:length], []byte{0})
		n.Name = string(name)
		notices = append(notices, n)
		buf = buf[length:]
	}
	return notices
}
