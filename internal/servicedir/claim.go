// SPDX-License-Identifier: MIT

package servicedir

import (
	"errors"
	"syscall"

	"daemontools-go/internal/diag"
	"daemontools-go/internal/flock"
	"daemontools-go/internal/sys"
)

// Claim is a supervisor's hold on a service directory: the lock and the FIFOs.
// No two processes, and no two supervisors in one process, hold the same.
type Claim struct {
	name    string
	dir     sys.FD // the service directory, which the Dir owns
	id      sys.ID // of the supervise directory
	making  sys.FD // the supervise directory, until Open
	lock    sys.FD
	control sys.FD
	ok      sys.FD
}

// NoClaim is the hold on nothing.
var NoClaim = Claim{dir: sys.None, making: sys.None, lock: sys.None, control: sys.None, ok: sys.None}

// Claim makes the supervise directory if need be, locks it, and opens the
// control FIFO. Messages call the directory name. A directory that another
// supervisor holds is EAGAIN. Release ends the claim, and the Dir stays open
// until then.
func (d Dir) Claim(name string) (Claim, error) {
	c := NoClaim
	c.name, c.dir = name, d.fd
	if err := d.makeSupervise(); err != nil {
		return c, err
	}
	if err := c.take(); err != nil {
		c.Release()
		return NoClaim, err
	}
	return c, nil
}

// makeSupervise makes the supervise directory where there is none, or, as
// Debian has it, the directory that the dangling link supervise points to.
func (d Dir) makeSupervise() error {
	if err := d.fd.Mkdir(superviseDir, 0o700); err == nil {
		return nil
	}
	target, err := d.fd.Readlink(superviseDir, 4096)
	if errors.Is(err, syscall.EOVERFLOW) {
		return diag.Unable("readlink ./"+superviseDir, err)
	}
	if err == nil {
		// Original: whatever is wrong shows when the lock is taken.
		_ = d.fd.Mkdir(target, 0o700)
	}
	return nil
}

func (c *Claim) take() error {
	supervise, err := c.dir.Open(superviseDir, sys.Handle|sys.Dir, 0)
	if err != nil {
		return diag.Unable("acquire "+c.path(lockFile), err)
	}
	c.making = supervise
	st, err := supervise.StatSelf()
	if err != nil {
		return diag.Unable("acquire "+c.path(lockFile), err)
	}
	c.id = st.ID
	if c.lock, err = flock.Acquire(supervise, lockFile, sys.NoFollow); err != nil {
		return diag.Unable("acquire "+c.path(lockFile), err)
	}
	if c.control, err = openFIFO(supervise, controlFile, sys.Both); err == nil {
		err = checkFIFO(c.control)
	}
	return diag.Unable("read "+c.path(controlFile), err)
}

// openSupervise opens the supervise directory that was claimed. To keep it open
// for longer than the beginning would cost a descriptor for each service.
// Another one in its place is not ours to write to.
func (c *Claim) openSupervise() (sys.FD, error) {
	if c.making != sys.None {
		return c.making, nil
	}
	fd, err := c.dir.Open(superviseDir, sys.Handle|sys.Dir, 0)
	if err != nil {
		return sys.None, err
	}
	st, err := fd.StatSelf()
	if err == nil && st.ID != c.id {
		err = errReplaced
	}
	if err != nil {
		fd.Close()
		return sys.None, err
	}
	return fd, nil
}

// closeSupervise closes what openSupervise opened.
func (c *Claim) closeSupervise(fd sys.FD) {
	if fd != c.making {
		fd.Close()
	}
}

// path is what messages call a file in the supervise directory.
func (c *Claim) path(file string) string { return c.name + "/" + superviseDir + "/" + file }

// openFIFO opens a FIFO, and makes it if there is none. Both ends of control
// are opened, so that it never comes to its end.
func openFIFO(supervise sys.FD, name string, flags int) (sys.FD, error) {
	// Original: whatever is wrong shows when it is opened.
	_ = supervise.Mkfifo(name, 0o600)
	return supervise.Open(name, flags|sys.NoFollow, 0)
}

// checkFIFO refuses what is no FIFO.
func checkFIFO(fd sys.FD) error {
	st, err := fd.StatSelf()
	if err == nil && !st.IsFIFO() {
		err = errNotFIFO
	}
	return err
}

// Open opens ok, which tells others that a supervisor runs. The status has
// been published before.
// Original: a regular file named ok is accepted.
func (c *Claim) Open() (err error) {
	supervise, err := c.openSupervise()
	if err == nil {
		c.ok, err = openFIFO(supervise, okFile, sys.Read)
		c.making = sys.None
		supervise.Close()
	}
	return diag.Unable("read "+c.path(okFile), err)
}

// Fits says whether all descriptors of the claim are below the limit, and
// those that come after it have room.
func (c *Claim) Fits(limit sys.FD) bool { return max(c.lock, c.control, c.ok) < limit }

// Control is the reading end of the control FIFO. The claim goes on owning it.
func (c *Claim) Control() sys.FD { return c.control }

// ReadCommands reads the commands that wait in the control FIFO, at most
// len(buf) of them, and EAGAIN when there are none.
func (c *Claim) ReadCommands(buf []byte) ([]byte, error) {
	n, err := c.control.Read(buf)
	return buf[:n], err
}

// Publish replaces the status record. Readers see the old one or the new one.
func (c *Claim) Publish(s Status) error {
	path := c.path(newStatusFile)
	supervise, err := c.openSupervise()
	if err != nil {
		return diag.Unable("open "+path, err)
	}
	defer c.closeSupervise(supervise)
	fd, err := supervise.Open(newStatusFile, sys.Truncate|sys.NoFollow, 0o644)
	if err != nil {
		return diag.Unable("open "+path, err)
	}
	var record [recordSize]byte
	n, err := fd.Write(s.Append(record[:0]))
	fd.Close()
	switch {
	case err != nil:
		return diag.Unable("write "+path, err)
	case n < recordSize:
		return diag.Unable("write "+path, errPartial)
	}
	return diag.Unable("rename "+path+" to "+statusFile, replace(supervise, newStatusFile, statusFile))
}

// replace has the name mean the new file from one moment to the next.
func replace(dir sys.FD, newName, name string) error {
	// To rename over an existing file has ext4 write the new one to the disk at
	// once, which takes seven times as long as to exchange the two and remove
	// the old one. No record has to survive a power cut.
	if dir.Exchange(newName, name) != nil {
		return dir.Rename(newName, name)
	}
	err := dir.Unlink(newName)
	if err != nil {
		_ = dir.Exchange(newName, name) // the old one was no file at all
	}
	return err
}

// Release closes everything; the lock falls free. The files stay.
func (c *Claim) Release() {
	// ok goes first: whoever asks in between is told that nobody runs.
	for _, fd := range []sys.FD{c.ok, c.control, c.lock, c.making} {
		fd.Close()
	}
	*c = NoClaim
}
