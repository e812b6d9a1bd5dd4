// SPDX-License-Identifier: MIT

package main

import (
	"path/filepath"
	"strconv"
	"time"
)

const (
	// grown is how many services there are when there are many.
	grown = 4000
	// batchPause is how often reports are read while thousands come.
	batchPause = time.Millisecond
	// settlePause is how long after the start the memory is looked at: every
	// suite has finished what it does at the start by then.
	settlePause = 3 * time.Second
)

// startRows are the rows into which starting a number of services goes.
type startRows struct {
	services           int
	elapsed, ratio     string
	total, each        string
	suites             func(*suite) bool
	roundsFull, rounds int
}

// measureStart starts services with each suite.
func (l *lab) measureStart() error {
	for _, s := range l.suites {
		if !s.takes(l.services) {
			l.table.note("left out of starting %d services: %s takes %d", l.services, s.name, s.max)
		}
	}
	return l.measureStarts(startRows{
		services: l.services,
		elapsed:  rowStart, ratio: rowStartRatio, total: rowMemory, each: rowMemoryEach,
		suites:     func(s *suite) bool { return s.takes(l.services) },
		roundsFull: 3, rounds: 1,
	})
}

// measureGrowth starts many services, with this program alone: others have a
// limit, or a process for each.
func (l *lab) measureGrowth() error {
	return l.measureStarts(startRows{
		services: grown,
		elapsed:  rowGrowth, ratio: rowGrowthRatio, total: rowGrowthMemory,
		suites:     func(s *suite) bool { return s.name == ours },
		roundsFull: 3, rounds: 1,
	})
}

// measureStarts lets the limit and the suites take turns. A ratio is that of
// one round: what else the machine does in it slows both.
func (l *lab) measureStarts(rows startRows) error {
	rounds := l.times(rows.roundsFull, rows.rounds)
	failed := map[string]bool{} // what failed once takes too long to fail again
	for round := range rounds {
		progress("starting %d services, round %d of %d", rows.services, round+1, rounds)
		limit, err := l.measureLimits(rows)
		if err != nil {
			return err
		}
		for i := range l.suites {
			s := &l.suites[i]
			if !rows.suites(s) || failed[s.name] {
				continue
			}
			elapsed, err := l.measureOneStart(s, rows)
			if err != nil {
				if l.ctx.Err() != nil {
					return err
				}
				failed[s.name] = true
				progress("%s: %v", s.name, err)
				l.table.note("failed: %s, %d services: %v", s.name, rows.services, err)
				l.table.fail(s.name, rows.elapsed, rows.ratio, rows.total, rows.each)
				continue
			}
			l.table.add(rows.ratio, s.name, elapsed.Seconds()/limit.Seconds())
		}
	}
	return nil
}

// measureOneStart starts a suite, and looks at its memory when it has settled.
func (l *lab) measureOneStart(s *suite, rows startRows) (time.Duration, error) {
	dir, err := l.makeServices(rows.services)
	if err != nil {
		return 0, err
	}
	scene, err := l.open(s, dir, rows.services, batchPause)
	if err != nil {
		return 0, err
	}
	defer scene.close()
	elapsed, err := scene.awaitAll(rows.services)
	if err != nil {
		return 0, err
	}
	l.table.add(rows.elapsed, s.name, elapsed.Seconds())
	if err := pause(l.ctx, settlePause); err != nil {
		return 0, err
	}
	bytes, err := memory(scene.supervisors())
	if err != nil {
		return 0, err
	}
	progress("%s: %v, %.1f MB", s.name, elapsed.Round(time.Millisecond), bytes/(1<<20))
	l.table.add(rows.total, s.name, bytes)
	l.table.add(rows.each, s.name, bytes/float64(rows.services))
	return elapsed, nil
}

// measureLimits runs the loops that do nothing but start services, and answers
// with the limit that counts: that in C where there is a compiler.
func (l *lab) measureLimits(rows startRows) (time.Duration, error) {
	inGo, err := l.measureLimit(rows, l.programs.self, loopCommand)
	if err != nil {
		return 0, err
	}
	l.table.add(rows.elapsed, limitGo, inGo.Seconds())
	if l.programs.cLoop == "" {
		return inGo, nil
	}
	inC, err := l.measureLimit(rows, l.programs.cLoop)
	if err != nil {
		return 0, err
	}
	l.table.add(rows.elapsed, limitC, inC.Seconds())
	progress("limit: %v in C, %v in Go", inC.Round(time.Millisecond), inGo.Round(time.Millisecond))
	return inC, nil
}

func (l *lab) measureLimit(rows startRows, program string, first ...string) (time.Duration, error) {
	dir, err := l.makeServices(rows.services)
	if err != nil {
		return 0, err
	}
	args := append(first, dir, strconv.Itoa(rows.services))
	scene, err := l.start(dir, filepath.Dir(program), program, args, batchPause)
	if err != nil {
		return 0, err
	}
	defer scene.close()
	return scene.awaitAll(rows.services)
}
