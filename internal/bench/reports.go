// SPDX-License-Identifier: MIT

package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// started is the report of a service that runs.
type started struct {
	pid int
	at  time.Time
}

// name is the name of the service: that of its current directory.
func (s started) name() string {
	// A service that is dead again has none.
	dir, _ := os.Readlink(fmt.Sprintf("/proc/%d/cwd", s.pid))
	return filepath.Base(dir)
}

// reports are what the services of a scene write.
type reports struct {
	file *os.File
	come chan started
}

// readReports reads until the last writer is gone or close is called. Where
// thousands of reports come at once they are read in batches: to wake up for
// each would take time from those who are measured.
func readReports(file *os.File, batch time.Duration) *reports {
	r := &reports{file: file, come: make(chan started, 1<<14)}
	go r.read(batch)
	return r
}

func (r *reports) read(batch time.Duration) {
	defer close(r.come)
	lines := bufio.NewScanner(paced{r.file, batch})
	for lines.Scan() {
		at := time.Now()
		pid, err := strconv.Atoi(lines.Text())
		if err != nil {
			continue // words of a supervisor
		}
		select {
		case r.come <- started{pid, at}:
		default: // nobody waits for reports any more
		}
	}
}

// paced waits before each read.
type paced struct {
	file  *os.File
	batch time.Duration
}

func (p paced) Read(b []byte) (int, error) {
	if p.batch > 0 {
		<-time.After(p.batch)
	}
	return p.file.Read(b)
}

// next waits for one report.
func (r *reports) next(ctx context.Context) (started, error) {
	select {
	case s, ok := <-r.come:
		if !ok {
			return s, errAllEnded
		}
		return s, nil
	case <-ctx.Done():
		return started{}, context.Cause(ctx)
	}
}

// of waits for the report of one service and passes over others.
func (r *reports) of(ctx context.Context, name string) (started, error) {
	for {
		s, err := r.next(ctx)
		if err != nil || s.name() == name {
			return s, err
		}
	}
}
