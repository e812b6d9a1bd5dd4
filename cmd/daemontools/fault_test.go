// SPDX-License-Identifier: MIT

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// What goes wrong in a service directory, in the scan directory, and with
// services. Not tested here: limits (limits_fault_test.go), kernels and
// containers that lack something (kernel_fault_test.go), disks
// (disk_fault_test.go).

const notFIFO = "supervise: fatal: unable to read web/supervise/control: not a FIFO"

func TestControlThatIsARegularFile(t *testing.T) {
	t.Parallel()
	d := newTree(t)
	d.add("db", lives)
	web := d.build(lives)
	d.must(os.Mkdir(web+"/supervise", 0o700), os.WriteFile(web+"/supervise/control", nil, 0o600))
	d.must(os.Rename(web, d.path("web")))
	p := d.svscan()
	p.awaitSaid(notFIFO, 1)
	before := p.ticks()
	p.awaitSaid(notFIFO, 2) // five seconds later
	if used := p.ticks() - before; used > 100 {
		t.Errorf("svscan used %d ticks between two scans", used)
	}
	d.awaitUp("db")
	d.checkControl("db")
	d.must(os.Remove(d.path("web/supervise/control")))
	d.awaitUp("web")
	d.checkControl("web")
	p.stop()
}

func TestControlThatIsARegularFileOfALoneSupervise(t *testing.T) {
	t.Parallel()
	d := newTree(t)
	d.add("web", lives)
	d.must(os.Mkdir(d.path("web/supervise"), 0o700), os.WriteFile(d.path("web/supervise/control"), nil, 0o600))
	cmd := exec.Command("supervise", "web")
	cmd.Dir = d.dir
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != 111 || string(out) != notFIFO+"\n" {
		t.Errorf("supervise web: %v, %q; want 111, %q", err, out, notFIFO)
	}
}

func TestSuperviseThatIsAFile(t *testing.T) {
	t.Parallel()
	d := newTree(t)
	d.add("db", lives)
	web := d.build(lives)
	d.must(os.WriteFile(web+"/supervise", nil, 0o600), os.Rename(web, d.path("web")))
	p := d.svscan()
	p.awaitSaid("supervise: fatal: unable to acquire web/supervise/lock: not a directory", 1)
	d.awaitUp("db")
	d.must(os.Remove(d.path("web/supervise")))
	d.awaitUp("web")
	p.stop()
}

func TestSuperviseThatIsADanglingLink(t *testing.T) {
	t.Parallel()
	d := newTree(t)
	web := d.build(lives)
	d.must(os.Symlink(d.top+"/run-web", web+"/supervise"), os.Rename(web, d.path("web")))
	p := d.svscan()
	d.awaitUp("web")
	d.checkControl("web")
	st, err := os.Lstat(d.top + "/run-web")
	d.must(err)
	if st.Mode() != os.ModeDir|0o700 {
		t.Errorf("the target of the link has mode %v, want drwx------", st.Mode())
	}
	p.checkSilent()
	p.stop()
}

func TestSuperviseThatIsALinkBelowAMissingDirectory(t *testing.T) {
	t.Parallel()
	d := newTree(t)
	d.add("db", lives)
	web := d.build(lives)
	d.must(os.Symlink(d.top+"/missing/web", web+"/supervise"), os.Rename(web, d.path("web")))
	p := d.svscan()
	p.awaitSaid("supervise: fatal: unable to acquire web/supervise/lock: file does not exist", 1)
	d.awaitUp("db")
	d.must(os.Mkdir(d.top+"/missing", 0o755))
	d.awaitUp("web")
	p.stop()
}

func TestScanDirectoryThatIsRemovedAndComesBack(t *testing.T) {
	t.Parallel()
	d := newTree(t)
	d.add("web", "#!/bin/sh\necho >ready\nexec sleep 1000000\n")
	p := d.svscan()
	d.awaitUp("web")
	// It has read its run script, which is going to be removed.
	d.await("web is ready", func() bool { return !isMissing(d.path("web/ready")) })
	old := d.pid("web")
	d.must(os.RemoveAll(d.dir), os.Mkdir(d.dir, 0o755))
	d.add("new", lives)
	d.awaitUp("new")
	d.checkControl("new")
	if syscall.Kill(old, 0) != nil {
		t.Errorf("the service that ran is dead")
	}
	p.stop()
}

func TestEmptyScanDirectoryThatIsRemovedAndComesBack(t *testing.T) {
	t.Parallel()
	d := newTree(t)
	p := d.svscan()
	d.await("svscan watches its directory", p.watches)
	for _, name := range []string{"new1", "new2"} {
		d.must(os.RemoveAll(d.dir), os.Mkdir(d.dir, 0o755))
		d.add(name, lives)
		d.awaitUp(name)
		d.checkControl(name)
	}
	p.stop()
}

func TestScanDirectoryThatIsRenamed(t *testing.T) {
	t.Parallel()
	d := newTree(t)
	d.add("web", lives)
	p := d.svscan()
	d.awaitUp("web")
	old := d.pid("web")
	d.must(os.Rename(d.dir, d.top+"/elsewhere"))
	d.dir = d.top + "/elsewhere"
	for _, name := range []string{"new1", "new2"} {
		d.add(name, lives)
		d.awaitUp(name)
	}
	d.checkControl("new1")
	if now := d.pid("web"); now != old {
		t.Errorf("web has pid %d, want %d as before", now, old)
	}
	p.checkSilent()
	p.stop()
}

func TestServiceDirectoryThatIsReplaced(t *testing.T) {
	t.Parallel()
	d := newTree(t)
	d.add("web", lives, reads)
	p := d.svscan()
	d.awaitUp("web", "web/log")
	old := d.pid("web")
	gone := filepath.Join(d.top, "old-web")
	d.must(os.Rename(d.path("web"), gone))
	d.add("web", lives, reads)
	d.awaitUp("web", "web/log")
	if now := d.pid("web"); now == old || pidOf(gone) != old {
		t.Fatalf("the new web has pid %d, the old one %d, which had %d", now, pidOf(gone), old)
	}
	d.must(exec.Command("svc", "-t", gone).Run())
	d.await("the old web was started again", func() bool { now := pidOf(gone); return now != 0 && now != old })
	d.must(exec.Command("svc", "-dx", gone, gone+"/log").Run())
	d.await("only the new web and its log run", func() bool { return len(children(p.pid())) == 2 })
	// Three scans later it has still nothing to complain about.
	for _, name := range []string{"a", "b", "c"} {
		p.signal(syscall.SIGHUP)
		d.add(name, lives)
		d.awaitUp(name)
	}
	p.checkSilent()
	p.stop()
}

func TestStandardErrorThatIsABrokenPipe(t *testing.T) {
	t.Parallel()
	d := newTree(t)
	d.add("web", lives)
	d.add("mute", "#!/no/such/interpreter\n")
	r, w, err := os.Pipe()
	d.must(err, r.Close())
	p := d.svscan(func(cmd *exec.Cmd) { cmd.Stderr = w })
	w.Close()
	d.awaitUp("web")
	d.must(os.Symlink("nowhere", d.path("dangling")))
	for range 3 {
		p.signal(syscall.SIGHUP) // and so it wants to say something
		d.checkControl("web")
	}
	p.stop()
}

func TestServiceThatIsStopped(t *testing.T) {
	t.Parallel()
	d := newTree(t)
	d.add("web", lives)
	d.add("deaf", "#!/bin/sh\ntrap '' TERM HUP\necho >ready\nexec sleep 1000000\n")
	d.add("db", lives)
	p := d.svscan()
	d.awaitUp("web", "db", "deaf")
	d.must(syscall.Kill(d.pid("web"), syscall.SIGSTOP))
	d.await("deaf is ready", func() bool { return !isMissing(d.path("deaf/ready")) })
	d.svc("-dth", "deaf")
	d.checkControl("db")
	d.svc("-d", "web")
	d.awaitDown("web")
	if d.pid("deaf") == 0 {
		t.Errorf("a service that ignores TERM is said to be down")
	}
	d.svc("-k", "deaf")
	d.awaitDown("deaf")
	p.stop()
}

func TestFloodOfCommands(t *testing.T) {
	t.Parallel()
	together(t, map[string]func(*testing.T){
		"unknown": func(t *testing.T) { testFlood(t, "z") },
		"known":   func(t *testing.T) { testFlood(t, "c") },
	})
}

func testFlood(t *testing.T, letter string) {
	d := newTree(t)
	d.add("web", lives)
	d.add("db", lives)
	p := d.svscan()
	d.awaitUp("web", "db")
	fifo, err := os.OpenFile(d.path("web/supervise/control"), os.O_WRONLY, 0)
	d.must(err)
	// What waits in the FIFO is obeyed in the end; let it not be much.
	fcntl(t, fifo, setPipeSize, 4096)
	dry := make(chan struct{})
	over := make(chan struct{})
	go func() {
		defer close(over)
		flood := []byte(strings.Repeat(letter, 4096))
		for {
			select {
			case <-dry:
				return
			default:
				_, _ = fifo.Write(flood)
			}
		}
	}()
	for range 5 {
		d.checkControl("db")
	}
	d.add("new", lives)
	d.awaitUp("new")
	close(dry)
	fifo.Close()
	<-over
	d.checkControl("web")
	p.stop()
}

func TestLogThatDoesNotEnd(t *testing.T) {
	t.Parallel()
	together(t, map[string]func(*testing.T){
		"never reads": func(t *testing.T) { testEndlessLog(t, lives) },
		"ignores EOF": func(t *testing.T) { testEndlessLog(t, "#!/bin/sh\ncat >/dev/null\nexec sleep 1000000\n") },
	})
}

func testEndlessLog(t *testing.T, log string) {
	d := newTree(t)
	d.add("web", "#!/bin/sh\nwhile :; do echo line; done\n", log)
	d.add("db", lives, reads)
	p := d.svscan()
	d.awaitUp("web", "web/log", "db", "db/log")
	p.stop()
}
