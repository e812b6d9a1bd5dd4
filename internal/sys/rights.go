// SPDX-License-Identifier: MIT

package sys

import "golang.org/x/sys/unix"

// A thread with a descriptor table of its own gets descriptors as another
// process would: by a message on a socket pair made before the tables parted.

// Rights is one direction of handing over descriptors. Messages arrive in the
// order in which they were sent.
type Rights struct{ from, to FD }

// MaxRights is how many descriptors one message carries at most.
const MaxRights = 4

// NewRights makes the socket pair.
func NewRights() (Rights, error) {
	p, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return Rights{None, None}, err
	}
	return Rights{from: FD(p[0]), to: FD(p[1])}, nil
}

// Send sends copies of fds.
func (r Rights) Send(fds ...FD) error {
	numbers := make([]int, len(fds))
	for i, fd := range fds {
		numbers[i] = int(fd)
	}
	return retry(func() error {
		return unix.Sendmsg(int(r.from), []byte{0}, unix.UnixRights(numbers...), nil, 0)
	})
}

// Receive waits for the next message. The receiver closes what it gets; a
// message that could not be taken whole (the table is full) is EMFILE, with
// what did arrive.
func (r Rights) Receive() ([]FD, error) {
	var data [1]byte
	control := make([]byte, unix.CmsgSpace(MaxRights*4))
	n, flags := 0, 0
	err := retry(func() (err error) {
		_, n, flags, _, err = unix.Recvmsg(int(r.to), data[:], control, unix.MSG_CMSG_CLOEXEC)
		return err
	})
	if err != nil {
		return nil, err
	}
	fds, err := parseRights(control[:n])
	if err == nil && flags&unix.MSG_CTRUNC != 0 {
		err = unix.EMFILE
	}
	return fds, err
}

func parseRights(control []byte) ([]FD, error) {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return nil, err
	}
	var fds []FD
	for i := range messages {
		numbers, err := unix.ParseUnixRights(&messages[i])
		if err != nil {
			return fds, err
		}
		for _, fd := range numbers {
			fds = append(fds, FD(fd))
		}
	}
	return fds, nil
}
