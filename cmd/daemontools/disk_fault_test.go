// SPDX-License-Identifier: MIT

package main

import (
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"
)

// Disks that are full, or hang. Not tested: a supervise directory that becomes
// read-only, which the kernel refuses while the lock is open for writing; an
// immutable one takes its place.

func TestStatusOnAFullDisk(t *testing.T) {
	t.Parallel()
	needsRoot(t)
	d := newTree(t)
	d.add("web", lives)
	d.add("db", lives)
	d.must(os.Mkdir(d.path("web/supervise"), 0o700))
	p := d.svscan(
		inUserNamespace(t, "", syscall.CLONE_NEWNS),
		suffer("mount", d.path("web/supervise"), "tmpfs", "size=16k,mode=700"))
	root := "/proc/" + strconv.Itoa(p.pid()) + "/root"
	d.awaitUp("db")
	web := root + d.path("web")
	d.await("web is up", func() bool { return pidOf(web) != 0 })
	old := pidOf(web)

	fill, err := os.Create(web + "/supervise/fill")
	d.must(err)
	defer fill.Close()
	for err == nil {
		_, err = fill.Write(make([]byte, 1024))
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	warning := "supervise: warning: unable to write web/supervise/status.new: out of disk space"
	d.checkStaleStatus(p, web, old, warning, func() { d.must(fill.Truncate(0)) })
}

func TestStatusInAnImmutableDirectory(t *testing.T) {
	t.Parallel()
	needsRoot(t)
	d := newTree(t)
	d.add("web", lives)
	d.add("db", lives)
	p := d.svscan()
	d.awaitUp("web", "db")
	setImmutable := func(flag uint32) error { return setFileFlags(d.path("web/supervise"), flag) }
	if err := setImmutable(0x10); err != nil {
		lacks(t, "a file system with immutable directories: "+err.Error())
	}
	t.Cleanup(func() { _ = setImmutable(0) })
	warning := "supervise: warning: unable to open web/supervise/status.new: permission denied"
	d.checkStaleStatus(p, d.path("web"), d.pid("web"), warning, func() { d.must(setImmutable(0)) })
}

func TestStatusInAForbiddenDirectory(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		t.Skip("root may write anywhere; see TestStatusInAnImmutableDirectory")
	}
	d := newTree(t)
	d.add("web", lives)
	d.add("db", lives)
	p := d.svscan()
	d.awaitUp("web", "db")
	d.must(os.Chmod(d.path("web/supervise"), 0o500))
	warning := "supervise: warning: unable to open web/supervise/status.new: access denied"
	d.checkStaleStatus(p, d.path("web"), d.pid("web"), warning, func() { d.must(os.Chmod(d.path("web/supervise"), 0o700)) })
}

// checkStaleStatus makes sure that web, of which the status cannot be written,
// goes on, obeys, and has the right record when it can.
func (d *tree) checkStaleStatus(p *daemon, web string, old int, warning string, heal func()) {
	d.Helper()
	svc := func(args ...string) { d.must(exec.Command("svc", append(args, web)...).Run()) }
	svc("-c")
	p.awaitSaid(warning, 1)
	d.must(syscall.Kill(old, 0))
	svc("-d")
	d.await("web is dead", func() bool { return syscall.Kill(old, 0) != nil })
	svc("-u")
	d.await("web runs again", func() bool { return len(children(p.pid())) == 2 })
	if stale := pidOf(web); stale != old {
		d.Errorf("the status record has pid %d, want the %d that was written last", stale, old)
	}
	d.checkControl("db")
	heal()
	d.await("the record is right", func() bool {
		pid := pidOf(web)
		return pid != old && pid != 0 && syscall.Kill(pid, 0) == nil
	})
	p.stop()
}

func setFileFlags(path string, flags uint32) error {
	const set = 1<<30 | unsafe.Sizeof(uintptr(0))<<16 | 'f'<<8 | 2 // FS_IOC_SETFLAGS
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), set, uintptr(unsafe.Pointer(&flags)))
	if errno != 0 {
		return errno
	}
	return nil
}

// TestDirectoryOnAFileSystemThatHangs has a file system that says hello and
// then never answers.
func TestDirectoryOnAFileSystemThatHangs(t *testing.T) {
	t.Parallel()
	needsRoot(t)
	d := newTree(t)
	d.add("web", lives, reads)
	d.add("db", lives)
	dead := []string{"dead1", "dead2", "dead3", "dead4", "dead5", "dead6"} // more than a crew
	fuse := make([]*os.File, len(dead))
	asked := make(chan struct{}, len(dead))
	changes := []func(*exec.Cmd){inUserNamespace(t, "", syscall.CLONE_NEWNS)}
	for i, name := range dead {
		d.must(os.Mkdir(d.path(name), 0o755))
		var err error
		if fuse[i], err = os.OpenFile("/dev/fuse", os.O_RDWR, 0); err != nil {
			lacks(t, "/dev/fuse: "+err.Error())
		}
		// Closing it ends the file system.
		t.Cleanup(func() { fuse[i].Close() })
		go func() {
			answerFirst(fuse[i])
			asked <- struct{}{}
		}()
		changes = append(changes, func(cmd *exec.Cmd) { cmd.ExtraFiles = append(cmd.ExtraFiles, fuse[i]) },
			suffer("mount", d.path(name), "fuse", "rootmode=40000,user_id=0,group_id=0,allow_other,fd="+strconv.Itoa(3+i)))
	}
	p := d.svscan(changes...)
	d.await("svscan waits for each of them", func() bool { return len(asked) == len(dead) })
	d.awaitUp("web", "web/log", "db")
	d.checkControl("web")
	d.add("new1", lives, reads)
	d.awaitUp("new1", "new1/log")
	p.signal(syscall.SIGHUP)
	d.checkControl("db")
	d.add("new2", lives)
	d.awaitUp("new2")
	p.stop()
}

// answerFirst answers the first request that a FUSE file system makes, and
// takes the second one.
func answerFirst(fuse *os.File) {
	request := make([]byte, 1<<16)
	n, err := fuse.Read(request)
	const header, hello = 40, 26 // FUSE_INIT
	if err != nil || n < header+8 || binary.NativeEndian.Uint32(request[4:]) != hello {
		return
	}
	// The header: length, error, the number of the request. The answer: version,
	// read ahead, flags, limits.
	answer := make([]byte, 16+64)
	binary.NativeEndian.PutUint32(answer, uint32(len(answer)))
	copy(answer[8:16], request[8:16])
	binary.NativeEndian.PutUint32(answer[16:], 7)
	binary.NativeEndian.PutUint32(answer[20:], 31)
	binary.NativeEndian.PutUint32(answer[36:], 4096) // max_write
	_, _ = fuse.Write(answer)
	_, _ = fuse.Read(request)
}

// TestServiceOnADiskThatIsFrozen has a service whose disk stops to take writes,
// as one does that is gone.
func TestServiceOnADiskThatIsFrozen(t *testing.T) {
	t.Parallel()
	needsRoot(t)
	needsProgram(t, "mkfs.ext2", "e2fsprogs")
	needsProgram(t, "fsfreeze", "util-linux")
	d := newTree(t)
	d.add("db", lives, reads)
	image := d.top + "/disk"
	d.must(os.WriteFile(image, nil, 0o600), os.Truncate(image, 4<<20))
	if out, err := exec.Command("mkfs.ext2", "-q", "-F", image).CombinedOutput(); err != nil {
		t.Fatalf("mkfs.ext2: %v %s", err, out)
	}
	disk := d.top + "/mnt"
	d.must(os.Mkdir(disk, 0o755))
	if out, err := exec.Command("mount", "-o", "loop", image, disk).CombinedOutput(); err != nil {
		lacks(t, "loop devices: "+err.Error()+string(out))
	}
	frozen := false
	freeze := func(how string) {
		frozen = how == "-f"
		if out, err := exec.Command("fsfreeze", how, disk).CombinedOutput(); err != nil {
			t.Fatalf("fsfreeze: %v %s", err, out)
		}
	}
	t.Cleanup(func() {
		if frozen {
			freeze("-u")
		}
		d.endDaemons()
		if err := exec.Command("umount", "-l", disk).Run(); err != nil {
			t.Error(err)
		}
	})
	names := []string{"web1", "web2", "web3", "web4", "web5", "web6"} // more than a crew
	for _, name := range names {
		d.must(os.MkdirAll(disk+"/"+name, 0o755), writeProgram(disk+"/"+name+"/run", lives))
		d.must(os.Symlink(disk+"/"+name, d.path(name)))
	}
	p := d.svscan()
	d.awaitUp(names...)
	d.awaitUp("db", "db/log")

	freeze("-f")
	for _, name := range names {
		d.svc("-c", name) // which writes the status record
	}
	d.await("svscan waits for each of them", func() bool { return hanging(p.pid()) == len(names) })
	d.checkControl("db")
	d.add("new", lives)
	d.awaitUp("new")
	others := []int{d.pid("db"), d.pid("db/log"), d.pid("new")}
	p.signal(syscall.SIGTERM)
	for _, pid := range others {
		d.await("the others are dead", func() bool { return syscall.Kill(pid, 0) != nil })
	}
	freeze("-u")
	p.awaitEnd()
	if left := d.processes(); len(left) > 0 {
		t.Errorf("the processes %v are left", left)
	}
	if text := p.stderr(); strings.Contains(text, "fatal") {
		t.Errorf("it said:\n%s", text)
	}
}

// hanging counts the threads of a process that cannot be interrupted.
func hanging(pid int) (n int) {
	dir := "/proc/" + strconv.Itoa(pid) + "/task"
	tasks, _ := os.ReadDir(dir)
	for _, task := range tasks {
		if fields := statFields(dir + "/" + task.Name()); len(fields) > 0 && fields[0] == "D" {
			n++
		}
	}
	return n
}
