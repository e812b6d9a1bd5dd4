// SPDX-License-Identifier: MIT

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// Kernels and containers that lack something. A user who is not root gets what
// these tests need in a user namespace, where the machine lets him have one.

const watchWarning = "svscan: warning: unable to watch directory, reading it every 5 seconds: "

// checkService makes sure that a service with a log runs in its directory, is
// started again, obeys, and feeds its log.
func (d *tree) checkService(name string) {
	d.Helper()
	d.awaitUp(name, name+"/log")
	pid := d.pid(name)
	if len(processesIn(d.path(name))) == 0 {
		d.Errorf("%s does not run in its directory", name)
	}
	d.svc("-t", name)
	d.await(name+" was started again", func() bool { now := d.pid(name); return now != 0 && now != pid })
	d.checkControl(name)
	d.await(name+" feeds its log", func() bool {
		text, _ := os.ReadFile(d.path(name + "/log/text"))
		return strings.Contains(string(text), "started in "+d.path(name)+"\n")
	})
}

const (
	tells = "#!/bin/sh\necho started in \"$(pwd -P)\"\nexec sleep 1000000\n"
	keeps = "#!/bin/sh\nexec cat >>text\n"
)

func TestForbiddenSystemCalls(t *testing.T) {
	t.Parallel()
	tests := map[string]func(*testing.T){}
	for name, calls := range map[string][]int{
		"unshare":            {syscall.SYS_UNSHARE},
		"pidfd_open":         {pidfdOpen},
		"unshare and pidfd*": {syscall.SYS_UNSHARE, pidfdOpen, pidfdSendSignal, pidfdGetfd},
	} {
		tests[name+" EPERM"] = func(t *testing.T) { testForbidden(t, syscall.EPERM, calls) }
		tests[name+" ENOSYS"] = func(t *testing.T) { testForbidden(t, syscall.ENOSYS, calls) }
	}
	together(t, tests)
}

func testForbidden(t *testing.T, errno syscall.Errno, calls []int) {
	d := newTree(t)
	d.add("web", tells, keeps)
	d.add("db", tells, keeps)
	p := d.svscan(forbid(errno, calls...))
	d.checkService("web")
	d.checkService("db")
	d.add("new", tells, keeps)
	d.checkService("new")
	for range 3 {
		pid := d.pid("db")
		d.must(syscall.Kill(pid, syscall.SIGKILL))
		d.await("db was started again", func() bool { now := d.pid("db"); return now != 0 && now != pid })
	}
	p.checkSilent()
	p.stop()
}

func TestWithoutNotices(t *testing.T) {
	t.Parallel()
	together(t, map[string]func(*testing.T){
		"no inotify": func(t *testing.T) {
			testBlind(t, inUserNamespace(t, noInotify, 0), "process cannot open more files")
		},
		"no proc": func(t *testing.T) {
			testBlind(t, inUserNamespace(t, noProc, syscall.CLONE_NEWNS), "file does not exist")
		},
	})
}

func testBlind(t *testing.T, change func(*exec.Cmd), reason string) {
	d := newTree(t)
	d.add("web", tells, keeps)
	p := d.svscan(change)
	d.checkService("web")
	for _, name := range []string{"new1", "new2"} {
		d.add(name, tells, keeps)
		d.checkService(name)
	}
	said := 0
	for line := range strings.Lines(p.stderr()) {
		// Without /proc the race detector has a complaint of its own.
		if !strings.HasPrefix(line, "==") {
			said++
		}
	}
	if said != 1 || p.said(watchWarning+reason) != 1 {
		t.Errorf("it said:\n%swant one warning", p.stderr())
	}
	p.stop()
}

func TestStrangersOfPid1(t *testing.T) {
	t.Parallel()
	d := newTree(t)
	const orphans = 20
	d.add("web", "#!/bin/sh\ni=0\nwhile [ $i -lt "+strconv.Itoa(orphans)+" ]; do\n"+
		"\ti=$((i + 1))\n\t(sh -c \"exec >gone.$i\" &)\ndone\nexec sleep 1000000\n")
	d.add("db", tells, keeps)
	p := d.svscan(inUserNamespace(t, "", syscall.CLONE_NEWPID))
	d.checkService("db")
	d.await("all strangers were there", func() bool {
		gone, _ := filepath.Glob(d.path("web/gone.*"))
		return len(gone) == orphans
	})
	d.await("only web, db and its log are children", func() bool { return len(children(p.pid())) == 3 })
	// Not one of the services was taken for a stranger.
	for _, name := range []string{"web", "db"} {
		d.checkControl(name)
	}
	p.checkSilent()
	p.stop()
}

func TestStrangersOfPid1WhileServicesDie(t *testing.T) {
	t.Parallel()
	d := newTree(t)
	names := []string{"a", "b", "c", "d", "e"}
	for _, name := range names {
		d.add(name, "#!/bin/sh\n(sh -c : &)\n(sh -c : &)\nexec sleep 1000000\n")
	}
	p := d.svscan(inUserNamespace(t, "", syscall.CLONE_NEWPID))
	d.awaitUp(names...)
	for range 3 {
		d.svc(append([]string{"-k"}, names...)...)
		d.svc(append([]string{"-d"}, names...)...)
		d.awaitDown(names...)
		d.svc(append([]string{"-u"}, names...)...)
		d.awaitUp(names...)
	}
	d.await("only the services are children", func() bool { return len(children(p.pid())) == len(names) })
	p.stop()
}

// inUserNamespace puts the program into new namespaces, with the fault, and
// into a user namespace where that takes one.
func inUserNamespace(t *testing.T, fault string, namespaces uintptr) func(*exec.Cmd) {
	t.Helper()
	attr := &syscall.SysProcAttr{Cloneflags: namespaces}
	if os.Geteuid() != 0 || fault == noInotify {
		attr.Cloneflags |= syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	}
	try := exec.Command("true")
	try.SysProcAttr = attr
	if err := try.Run(); err != nil {
		lacks(t, "namespaces: "+err.Error())
	}
	return func(cmd *exec.Cmd) {
		cmd.SysProcAttr = attr
		suffer(fault)(cmd)
	}
}
