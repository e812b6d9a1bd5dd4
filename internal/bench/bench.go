// SPDX-License-Identifier: MIT

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// lab is what all measurements share.
type lab struct {
	options
	ctx      context.Context
	dir      string // everything is made in here
	programs programs
	suites   []suite
	table    *table
	mark     mark
	scenes   int // how many were opened, to keep them apart
}

// bench measures what the options want and prints it.
func bench(ctx context.Context, o options) (err error) {
	dir, err := os.MkdirTemp(placeForDirs(), "daemontools-bench.")
	if err != nil {
		return err
	}
	l := &lab{options: o, ctx: ctx, dir: dir, table: newTable(o), mark: newMark(dir)}
	l.table.note("directories in %s; TMPDIR chooses another place", filepath.Dir(dir))
	defer func() {
		l.mark.kill()
		if failed := os.RemoveAll(dir); err == nil {
			err = failed
		}
	}()
	if l.programs, err = makeProgramsIn(ctx, dir, l.table); err != nil {
		return err
	}
	if l.suites, err = findSuites(o.bin, l.table); err != nil {
		return err
	}
	for _, step := range []struct {
		wanted bool
		do     func() error
	}{
		{o.wants(groupStart), l.measureStart},
		{o.wants(groupGrowth), l.measureGrowth},
		{o.wants(groupNotice) || o.wants(groupRestart) || o.wants(groupDown) || o.wants(groupIdle), l.measureLife},
		{o.wants(groupSize), l.measureSize},
	} {
		if !step.wanted {
			continue
		}
		if err := step.do(); err != nil {
			return err
		}
	}
	return l.table.print(os.Stdout)
}

// memoryDir is a file system in memory on every Linux machine.
const memoryDir = "/dev/shm"

// placeForDirs is where the directories are made unless TMPDIR says otherwise.
// On a disk the time to make files depends on the file system and on what
// anybody has deleted in the last minutes, and can be most of the whole.
func placeForDirs() string {
	const noExec = 8 // ST_NOEXEC, which package syscall lacks
	var st syscall.Statfs_t
	if os.Getenv("TMPDIR") != "" || syscall.Statfs(memoryDir, &st) != nil || st.Flags&noExec != 0 {
		return ""
	}
	return memoryDir
}

// progress says on standard error what happens.
func progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "bench: "+format+"\n", args...)
}

// pause waits, or says why not to go on.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// newDir makes a fresh directory for one scene.
func (l *lab) newDir() (string, error) {
	l.scenes++
	dir := filepath.Join(l.dir, fmt.Sprintf("scene%d", l.scenes))
	return dir, os.Mkdir(dir, 0o755)
}
