// SPDX-License-Identifier: MIT

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// No processes, no threads, no descriptors.

const (
	// limitedUser is nobody's number, so that nobody else uses up its limit.
	limitedUser = 612345
)

func TestForkFailsByLimitOfUser(t *testing.T) {
	t.Parallel()
	needsRoot(t) // to become a user who has no other processes
	needsProgram(t, "prlimit", "util-linux")
	d := newTree(t)
	d.owner = limitedUser
	d.addForks()
	program := d.publicCopy("svscan")
	asUser := &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: limitedUser, Gid: limitedUser}}
	p := d.svscan(func(cmd *exec.Cmd) { cmd.Path, cmd.SysProcAttr = program, asUser })
	setLimit := func(n int) {
		cmd := exec.Command("prlimit", "--pid", strconv.Itoa(p.pid()), "--nproc="+strconv.Itoa(n)+":")
		cmd.SysProcAttr = asUser
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("prlimit: %v %s", err, out)
		}
	}
	d.awaitForks(p)
	d.checkForkFails(p, func() {
		setLimit(1)
	}, func() {
		setLimit(10000)
	})
}

func TestForkFailsByLimitOfCgroup(t *testing.T) {
	t.Parallel()
	d := newTree(t)
	group := d.newCgroup("pids")
	d.addForks()
	p := d.svscan(suffer("cgroup", group))
	d.awaitForks(p)
	d.checkForkFails(p, func() { d.fill(group) }, func() { d.free(group) })
}

// TestForkFailsFromTheStart is about a process that has not yet made all the
// threads that it is going to use.
func TestForkFailsFromTheStart(t *testing.T) {
	t.Parallel()
	d := newTree(t)
	group := d.newCgroup("pids")
	p := d.svscan(suffer("cgroup", group))
	d.await("svscan watches its directory", p.watches)
	d.fill(group)
	const services = 40
	for i := range services {
		d.add(fmt.Sprintf("s%d", i), lives, reads)
	}
	for i := range services {
		p.awaitSaid(fmt.Sprintf("supervise: warning: unable to fork for s%d, sleeping 60 seconds: temporary failure", i), 1)
		p.signal(syscall.SIGHUP)
	}
	p.awaitSaid("supervise: warning: unable to fork for log, sleeping 60 seconds: temporary failure", services)
	d.free(group)
	for _, name := range []string{"s0", "s0/log", "s39"} {
		d.svc("-d", name)
		d.svc("-u", name)
		d.awaitUp(name)
	}
	p.stop()
}

// fill leaves no room in a cgroup for another process, even if some end.
func (d *tree) fill(group string) {
	d.Helper()
	d.must(os.WriteFile(group+"/pids.max", []byte("1"), 0))
}

func (d *tree) free(group string) {
	d.Helper()
	d.must(os.WriteFile(group+"/pids.max", []byte("max"), 0))
}

// watches says whether the program has an inotify descriptor.
func (p *daemon) watches() bool {
	dir := "/proc/" + strconv.Itoa(p.pid()) + "/fd"
	fds, _ := os.ReadDir(dir)
	return slices.ContainsFunc(fds, func(fd os.DirEntry) bool {
		target, _ := os.Readlink(dir + "/" + fd.Name())
		return strings.Contains(target, "inotify")
	})
}

// addForks adds the services of these tests: some that run, and some that are
// not to start yet.
func (d *tree) addForks() {
	d.Helper()
	for i := range 5 {
		d.add(fmt.Sprintf("runs%d", i), lives)
		down := d.build(lives)
		d.must(os.WriteFile(down+"/down", nil, 0o644), os.Rename(down, d.path(fmt.Sprintf("waits%d", i))))
	}
}

func (d *tree) awaitForks(p *daemon) {
	d.Helper()
	for i := range 5 {
		d.awaitUp(fmt.Sprintf("runs%d", i))
		waits := d.path(fmt.Sprintf("waits%d/supervise/ok", i))
		d.await(waits+" is there", func() bool { return !isMissing(waits) })
	}
	d.await("nothing but services are children", func() bool { return len(children(p.pid())) == 5 })
}

func (d *tree) checkForkFails(p *daemon, full, free func()) {
	d.Helper()
	full()
	for i := range 5 {
		name := fmt.Sprintf("waits%d", i)
		d.svc("-u", name)
		p.awaitSaid("supervise: warning: unable to fork for "+name+", sleeping 60 seconds: temporary failure", 1)
	}
	// All goes on, and whatever that takes it has no thread to be made for.
	for range 20 {
		p.signal(syscall.SIGHUP)
		for i := range 5 {
			name := fmt.Sprintf("runs%d", i)
			d.svc("-p", name)
			d.svc("-c", name)
		}
	}
	d.add("new", lives)
	p.awaitSaid("supervise: warning: unable to fork for new, sleeping 60 seconds: temporary failure", 1)
	d.svc("-d", "waits0", "runs0")
	d.awaitDown("waits0", "runs0")

	free()
	for _, name := range []string{"waits0", "waits1", "runs0", "new"} {
		d.svc("-d", name)
		d.svc("-u", name)
		d.awaitUp(name)
	}
	for i := range 5 {
		if d.pid(fmt.Sprintf("runs%d", i)) == 0 {
			d.Errorf("runs%d does not run any more", i)
		}
	}
	p.stop()
}

// publicCopy is a copy of a program where anybody may execute it.
func (d *tree) publicCopy(name string) string {
	d.Helper()
	from, err := exec.LookPath(name)
	d.must(err)
	program, err := os.ReadFile(from)
	d.must(err)
	d.must(os.MkdirAll(d.top+"/bin", 0o755))
	to := filepath.Join(d.top, "bin", name)
	d.must(os.WriteFile(to, program, 0o755))
	return to
}

// newCgroup makes a cgroup with the controller.
func (d *tree) newCgroup(controller string) string {
	d.Helper()
	text, _ := os.ReadFile("/proc/self/cgroup")
	for line := range strings.Lines(string(text)) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(fields) < 3 {
			continue
		}
		mine := "/sys/fs/cgroup" + fields[2]
		if fields[1] != "" {
			if !slices.Contains(strings.Split(fields[1], ","), controller) {
				continue
			}
			mine = "/sys/fs/cgroup/" + fields[1] + fields[2]
		}
		group, err := os.MkdirTemp(mine, "daemontools-test")
		if err != nil {
			continue
		}
		d.Cleanup(func() {
			// Before the tree's own cleanup: so it ends what is left here.
			d.endDaemons()
			if err := os.Remove(group); err != nil {
				d.Error(err)
			}
		})
		if !isMissing(group + "/" + controller + ".max") {
			return group
		}
	}
	lacks(d.T, "a cgroup of ours with the controller "+controller)
	return ""
}

func TestDescriptorsRunOut(t *testing.T) {
	t.Parallel()
	d := newTree(t)
	d.add("first", lives, reads)
	p := d.svscan(limit(syscall.RLIMIT_NOFILE, 64, 64))
	d.awaitUp("first", "first/log")
	first := d.pid("first")
	var names []string
	for i := range 30 {
		name := fmt.Sprintf("s%d", i)
		names = append(names, name)
		d.add(name, lives, reads)
	}
	d.await("the table is full", func() bool {
		return strings.Contains(p.stderr(), ": process cannot open more files\n")
	})
	before := strings.Count(p.stderr(), ": process cannot open more files\n")
	d.await("the next scan complains", func() bool {
		return strings.Count(p.stderr(), ": process cannot open more files\n") > before
	})
	if now := d.pid("first"); now != first {
		t.Errorf("the first service has pid %d, want %d as before", now, first)
	}
	d.svc("-d", "first", "first/log")
	d.awaitDown("first", "first/log")
	// There is room again, for some.
	for _, name := range names[2:] {
		d.must(os.Rename(d.path(name), filepath.Join(d.top, name)))
		d.must(exec.Command("svc", "-dx", filepath.Join(d.top, name, "log")).Run())
		d.must(exec.Command("svc", "-dx", filepath.Join(d.top, name)).Run())
	}
	d.svc("-u", "first", "first/log")
	d.awaitUp("first", "first/log")
	for _, name := range names[:2] {
		d.await(name+" is up", func() bool {
			d.svc("-u", "first") // keeps the services from waiting a minute for room
			return d.pid(name) != 0 || p.said("supervise: warning: unable to fork for "+name+", sleeping 60 seconds: process cannot open more files") > 0
		})
	}
	p.stop()
}

func TestLimitOfDescriptorsIsThatOfSvscan(t *testing.T) {
	t.Parallel()
	d := newTree(t)
	d.add("web", "#!/bin/sh\nulimit -Sn >limits\nulimit -Hn >>limits\nexec sleep 1000000\n")
	p := d.svscan(limit(syscall.RLIMIT_NOFILE, 123, 234))
	d.await("web has written its limits", func() bool {
		text, _ := os.ReadFile(d.path("web/limits"))
		return strings.Count(string(text), "\n") == 2
	})
	text, err := os.ReadFile(d.path("web/limits"))
	d.must(err)
	if string(text) != "123\n234\n" {
		t.Errorf("the limits of the service are %q, want 123 and 234", text)
	}
	p.stop()
}
