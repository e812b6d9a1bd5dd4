// SPDX-License-Identifier: MIT

package sys

import "golang.org/x/sys/unix"

// Epoll is an epoll instance. Its descriptor can itself be waited for.
type Epoll struct{ FD FD }

// NewEpoll makes an epoll instance.
func NewEpoll() (Epoll, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return Epoll{None}, err
	}
	return Epoll{FD(fd)}, unix.SetNonblock(fd, true)
}

// Add reports fd each time it becomes readable: once for each change, so
// whoever is told reads until EAGAIN.
func (e Epoll) Add(fd FD) error {
	return unix.EpollCtl(int(e.FD), unix.EPOLL_CTL_ADD, int(fd), &unix.EpollEvent{
		Events: unix.EPOLLIN | unix.EPOLLET,
		Fd:     int32(fd),
	})
}

// Remove stops reporting fd.
func (e Epoll) Remove(fd FD) error {
	return unix.EpollCtl(int(e.FD), unix.EPOLL_CTL_DEL, int(fd), nil)
}

// Ready appends the descriptors that became readable to ready, at most cap of
// it at a time, without waiting.
func (e Epoll) Ready(ready []FD) ([]FD, error) {
	var events [128]unix.EpollEvent
	n := 0
	err := retry(func() (err error) {
		n, err = unix.EpollWait(int(e.FD), events[:], 0)
		return err
	})
	for _, event := range events[:max(n, 0)] {
		ready = append(ready, FD(event.Fd))
	}
	return ready, err
}
