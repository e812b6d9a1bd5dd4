// SPDX-License-Identifier: MIT

// Package sys holds the system calls that the Go library lacks or wraps too
// heavily for a process that keeps tens of thousands of descriptors. It is the
// only room that imports golang.org/x/sys/unix.
//
// A descriptor is an [FD], a plain number without a finalizer: whoever holds
// it closes it. Calls are repeated when a signal interrupts them. Errors are
// the bare errno; the caller says what it was doing (see package diag).
package sys

import (
	"errors"

	"golang.org/x/sys/unix"
)

// FD is a file descriptor. Names given to its methods are looked up relative
// to it, so that a directory that is renamed or replaced stays the same one.
// The zero FD is standard input; None is no descriptor.
type FD int32

// None is the FD of nothing; closing it does nothing.
const None FD = -1

// Here names the current directory where a method wants a directory.
const Here FD = unix.AT_FDCWD

// Flags of Open, beside the access mode. All files are opened close-on-exec
// and, as 0.76 does, non-blocking, so that a FIFO without a peer cannot hang us.
const (
	Read     = unix.O_RDONLY
	Write    = unix.O_WRONLY
	Both     = unix.O_RDWR
	Append   = unix.O_WRONLY | unix.O_APPEND | unix.O_CREAT
	Truncate = unix.O_WRONLY | unix.O_TRUNC | unix.O_CREAT
	NoFollow = unix.O_NOFOLLOW
	Handle   = unix.O_PATH
	Dir      = unix.O_DIRECTORY
)

// Open opens name, relative to d, with the flags of this package. The mode
// counts when the file is created, and the umask applies.
func (d FD) Open(name string, flags int, mode uint32) (FD, error) {
	fd := -1
	err := retry(func() (err error) {
		fd, err = unix.Openat(int(d), name, flags|unix.O_CLOEXEC|unix.O_NONBLOCK, mode)
		return err
	})
	if err != nil {
		return None, err
	}
	return FD(fd), nil
}

// OpenHandle opens name, relative to d, as a place to start look-ups from. It
// needs no permission on name itself and works for any type of file.
func (d FD) OpenHandle(name string) (FD, error) {
	return d.Open(name, Handle, 0)
}

// Dup is another descriptor for the same open file.
func (d FD) Dup() (FD, error) {
	fd, err := unix.FcntlInt(uintptr(d), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return None, err
	}
	return FD(fd), nil
}

// Close closes the descriptor; closing None or Here does nothing.
func (d FD) Close() error {
	if d < 0 {
		return nil
	}
	// After EINTR Linux has closed it all the same.
	if err := unix.Close(int(d)); !errors.Is(err, unix.EINTR) {
		return err
	}
	return nil
}

// Read reads up to len(p) bytes.
func (d FD) Read(p []byte) (n int, err error) {
	err = retry(func() error {
		n, err = unix.Read(int(d), p)
		return err
	})
	return max(n, 0), err
}

// Write writes p with one call to the kernel, and says how much of it went out.
func (d FD) Write(p []byte) (n int, err error) {
	err = retry(func() error {
		n, err = unix.Write(int(d), p)
		return err
	})
	return max(n, 0), err
}

// SetBlocking makes reads and writes wait.
func (d FD) SetBlocking() error {
	return unix.SetNonblock(int(d), false)
}

// Mkdir makes the directory name, relative to d.
func (d FD) Mkdir(name string, mode uint32) error {
	return retry(func() error { return unix.Mkdirat(int(d), name, mode) })
}

// Mkfifo makes the FIFO name, relative to d.
func (d FD) Mkfifo(name string, mode uint32) error {
	return retry(func() error { return unix.Mkfifoat(int(d), name, mode) })
}

// Rename renames from to to, both relative to d.
func (d FD) Rename(from, to string) error {
	return retry(func() error { return unix.Renameat(int(d), from, int(d), to) })
}

// Exchange gives two names, both relative to d, each the file of the other. It
// is ENOENT when one of them is missing, EINVAL or ENOSYS where it is not to be
// had.
func (d FD) Exchange(a, b string) error {
	return retry(func() error { return unix.Renameat2(int(d), a, int(d), b, unix.RENAME_EXCHANGE) })
}

// Unlink removes the name, relative to d, of what is no directory.
func (d FD) Unlink(name string) error {
	return retry(func() error { return unix.Unlinkat(int(d), name, 0) })
}

// Readlink reads the symbolic link name, relative to d. A target that does not
// fit into limit bytes is EOVERFLOW.
func (d FD) Readlink(name string, limit int) (string, error) {
	buf := make([]byte, limit)
	n, err := unix.Readlinkat(int(d), name, buf)
	if err == nil && n == limit {
		err = unix.EOVERFLOW
	}
	if err != nil {
		return "", err
	}
	return string(buf[:n]), nil
}

// Lock takes an exclusive flock on the open file and does not wait: held by
// another open file it is EAGAIN. It lasts until every copy is closed.
func (d FD) Lock() error {
	return retry(func() error { return unix.Flock(int(d), unix.LOCK_EX|unix.LOCK_NB) })
}

// Chdir makes the directory the current one.
func (d FD) Chdir() error {
	return retry(func() error { return unix.Fchdir(int(d)) })
}

// Pipe makes a pipe; both ends are close-on-exec and blocking.
func Pipe() (r, w FD, err error) {
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC); err != nil {
		return None, None, err
	}
	return FD(p[0]), FD(p[1]), nil
}

// Buffered says how many bytes wait in a pipe.
func (d FD) Buffered() (int, error) {
	return unix.IoctlGetInt(int(d), unix.TIOCINQ)
}

// ID says which file this is, under whatever name: device and inode.
type ID struct{ Dev, Ino uint64 }

// Stat is what a file is.
type Stat struct {
	ID
	Mode uint32 // type and permission bits, as in st_mode
}

// IsDir says whether the file is a directory.
func (s Stat) IsDir() bool { return s.Mode&unix.S_IFMT == unix.S_IFDIR }

// IsFIFO says whether the file is a FIFO.
func (s Stat) IsFIFO() bool { return s.Mode&unix.S_IFMT == unix.S_IFIFO }

// IsRegular says whether the file is a regular one.
func (s Stat) IsRegular() bool { return s.Mode&unix.S_IFMT == unix.S_IFREG }

// IsLink says whether the file is a symbolic link.
func (s Stat) IsLink() bool { return s.Mode&unix.S_IFMT == unix.S_IFLNK }

// IsExecutable says whether the file is a regular one that anybody may execute.
func (s Stat) IsExecutable() bool { return s.IsRegular() && s.Mode&0o111 != 0 }

// Stat looks at name, relative to d, and follows symbolic links.
func (d FD) Stat(name string) (Stat, error) { return d.stat(name, 0) }

// Lstat looks at name, relative to d, and not through a symbolic link.
func (d FD) Lstat(name string) (Stat, error) { return d.stat(name, unix.AT_SYMLINK_NOFOLLOW) }

// StatSelf looks at the open file itself.
func (d FD) StatSelf() (Stat, error) { return d.stat("", unix.AT_EMPTY_PATH) }

func (d FD) stat(name string, flags int) (Stat, error) {
	var st unix.Stat_t
	err := retry(func() error { return unix.Fstatat(int(d), name, &st, flags) })
	return Stat{ID{uint64(st.Dev), st.Ino}, st.Mode}, err //nolint:unconvert // Some machines have a narrower dev_t.
}
