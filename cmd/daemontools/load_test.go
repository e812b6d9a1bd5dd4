// SPDX-License-Identifier: MIT

package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"sync"
	"syscall"
	"testing"

	"daemontools-go/internal/servicedir"
)

// Many services, and many commands.

// size is that of a test, or a smaller one where everything is slower.
func size(n int) int {
	info, _ := debug.ReadBuildInfo()
	for _, setting := range info.Settings {
		if setting.Key == "-race" && setting.Value == "true" {
			return n / 4
		}
	}
	return n
}

// needsDescriptors skips where svscan would not have enough of them.
func needsDescriptors(t *testing.T, n int) {
	t.Helper()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil || limit.Max < uint64(n) {
		lacks(t, fmt.Sprintf("a hard limit of %d descriptors", n))
	}
}

// addMany adds services that share their run scripts.
func (d *tree) addMany(n int, scripts ...string) []string {
	d.Helper()
	master := d.build(scripts...)
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("s%d", i)
		d.must(os.Mkdir(d.path(names[i]), 0o755), os.Link(master+"/run", d.path(names[i]+"/run")))
		if len(scripts) > 1 {
			d.must(os.Mkdir(d.path(names[i]+"/log"), 0o755), os.Link(master+"/log/run", d.path(names[i]+"/log/run")))
		}
	}
	return names
}

func TestManyServicesWithLogs(t *testing.T) {
	t.Parallel()
	n := size(1000)
	needsDescriptors(t, 16*n+100)
	d := newTree(t)
	p := d.svscan()
	d.await("svscan watches its directory", p.watches)
	before := 0
	d.await("it has opened what it needs", func() bool {
		last := before
		before = descriptors(p.pid())
		return last == before && p.watches()
	})

	names := d.addMany(n, lives, reads)
	d.awaitUp(names...)
	for _, name := range names {
		d.awaitUp(name + "/log")
	}
	d.checkOneEach(p, 2*n)

	d.svc(append([]string{"-d"}, names...)...)
	d.awaitDown(names...)
	d.await("only the logs are children", func() bool { return len(children(p.pid())) == n })

	gone := make([]string, 0, 2*n)
	for _, name := range names {
		to := filepath.Join(d.top, name)
		d.must(os.Rename(d.path(name), to))
		gone = append(gone, to, to+"/log")
	}
	d.svc(append([]string{"-dx"}, gone...)...)
	d.await("nothing is a child", func() bool { return len(children(p.pid())) == 0 })
	d.await("as many descriptors are open as before", func() bool { return descriptors(p.pid()) <= before })

	// And some once more, to be ended by TERM.
	again := names[:n/5]
	for _, name := range again {
		d.must(os.Rename(filepath.Join(d.top, name), d.path(name)))
		d.awaitUp(name)
	}
	for _, name := range again {
		d.awaitUp(name + "/log")
	}
	d.checkOneEach(p, 2*len(again))
	p.checkSilent()
	p.stop()
}

func TestMoreThanThousandServices(t *testing.T) {
	t.Parallel()
	const n = 1200
	needsDescriptors(t, 8*n+100)
	d := newTree(t)
	names := d.addMany(n, lives)
	p := d.svscan()
	d.awaitUp(names...)
	d.checkOneEach(p, n)
	p.checkSilent()
	p.stop()
}

// checkOneEach makes sure that so many services have one process each.
func (d *tree) checkOneEach(p *daemon, n int) {
	d.Helper()
	dirs := map[string]int{}
	for _, pid := range children(p.pid()) {
		cwd, _ := os.Readlink("/proc/" + strconv.Itoa(pid) + "/cwd")
		dirs[cwd]++
	}
	if len(dirs) != n {
		d.Errorf("%d services have a process, want %d", len(dirs), n)
	}
	for dir, processes := range dirs {
		if processes != 1 {
			d.Errorf("%s has %d processes, want one", dir, processes)
		}
	}
}

// descriptors counts those that are open in any of the tables that the threads
// of a process have.
func descriptors(pid int) int {
	most := 0
	tasks, _ := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/task/*/fd")
	for _, task := range tasks {
		fds, _ := os.ReadDir(task)
		most = max(most, len(fds))
	}
	return most
}

// TestKillsInARainOfCommands kills services while others command them.
func TestKillsInARainOfCommands(t *testing.T) {
	t.Parallel()
	d := newTree(t)
	const services = 10
	names := make([]string, services)
	for i := range names {
		names[i] = fmt.Sprintf("s%d", i)
		d.add(names[i], lives)
	}
	p := d.svscan()
	d.awaitUp(names...)
	random := rand.New(rand.NewPCG(1, 2))
	over := make(chan struct{})
	var rain sync.WaitGroup
	for range 3 {
		seed := random.Uint64()
		rain.Add(1)
		go func() {
			defer rain.Done()
			random := rand.New(rand.NewPCG(seed, 0))
			for {
				select {
				case <-over:
					return
				default:
				}
				command := servicedir.Command("uuudopchaitkcqz"[random.IntN(15)])
				if err := control(d.path(names[random.IntN(services)]), []servicedir.Command{command}); err != nil {
					t.Error(err)
					return
				}
			}
		}()
	}
	killed := map[int]bool{}
	d.await("enough are killed", func() bool {
		if pids := children(p.pid()); len(pids) > 0 {
			pid := pids[random.IntN(len(pids))]
			killed[pid] = true
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		return len(killed) >= size(60)
	})
	close(over)
	rain.Wait()
	d.svc(append([]string{"-uc"}, names...)...)
	d.await("each service has one process, and its record is right", func() bool {
		for _, name := range names {
			pids := processesIn(d.path(name))
			if len(pids) != 1 || pids[0] != d.pid(name) {
				return false
			}
		}
		return len(children(p.pid())) == services
	})
	for _, name := range names {
		d.checkControl(name)
	}
	p.checkSilent()
	p.stop()
}

// TestLoneSuperviseInARainOfCommands is about one process for one service.
func TestLoneSuperviseInARainOfCommands(t *testing.T) {
	t.Parallel()
	d := newTree(t)
	d.add("web", lives)
	p := d.start(exec.Command("supervise", d.path("web")))
	d.awaitUp("web")
	for range size(400) {
		d.must(control(d.path("web"), []servicedir.Command{servicedir.Down, servicedir.Kill, servicedir.Up, servicedir.Once}))
	}
	d.svc("-u", "web")
	d.await("web has one process, and its record is right", func() bool {
		pids := children(p.pid())
		return len(pids) == 1 && pids[0] == d.pid("web")
	})
	d.checkControl("web")
	p.checkSilent()
	p.stop()
}
