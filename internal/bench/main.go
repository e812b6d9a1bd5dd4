// SPDX-License-Identifier: MIT

// Bench measures this program beside daemontools, runit and s6 in one run, and
// prints one table with the goal of each row.
//
// Absolute numbers depend on the machine and on what else it does. So the
// suites take turns, each number is a median, and starting is compared with
// the limit of the machine: a loop that starts the same services and does
// nothing else.
//
// Every service is one tiny program that writes its pid to standard output and
// then pauses (programs.go). All suites hand their standard output down to
// services without a log, so one pipe tells, for every suite alike and at the
// cost of one write, which service runs since when (reports.go).
//
// All processes carry a mark in their environment, by which they are found
// again and killed, however they have moved between sessions, groups and
// parents (mark.go).
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

func main() {
	os.Exit(run(os.Args[1:]))
}

// wholePause is how long a run may take at most; it is then cut short.
const wholePause = 8 * time.Minute

func run(args []string) int {
	if len(args) > 0 && args[0] == loopCommand {
		return report(runLoop(args[1:]))
	}
	opts, err := parseOptions(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, wholePause)
	defer cancel()
	return report(bench(ctx, opts))
}

func report(err error) int {
	if err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		return 1
	}
	return 0
}

// options are what the command line says.
type options struct {
	quick    bool
	json     bool
	services int
	idle     time.Duration
	bin      string
	only     map[string]bool // keys of groups; empty for all
}

func parseOptions(args []string) (options, error) {
	var o options
	var only string
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.BoolVar(&o.quick, "quick", false, "one round and few tries")
	flags.BoolVar(&o.json, "json", false, "print JSON, with all samples")
	flags.IntVar(&o.services, "services", 990, "how many services to start; daemontools and runit take 1000")
	flags.DurationVar(&o.idle, "idle", 15*time.Second, "for how long to count wake-ups")
	flags.StringVar(&o.bin, "bin", "build/bin", "where our commands are")
	flags.StringVar(&only, "only", "", "what to measure, of "+strings.Join(groups, ","))
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	o.only = map[string]bool{}
	for word := range strings.SplitSeq(only, ",") {
		if word != "" {
			o.only[word] = true
		}
	}
	err := o.check(flags.Args())
	report(err)
	return o, err
}

// check refuses what makes no sense.
func (o options) check(rest []string) error {
	if len(rest) > 0 {
		return fmt.Errorf("unexpected argument %q", rest[0])
	}
	if o.services < 1 || o.idle < time.Second {
		return errors.New("-services must be 1 or more, and -idle 1s or more")
	}
	for word := range o.only {
		known := false
		for _, group := range groups {
			known = known || group == word
		}
		if !known {
			return fmt.Errorf("-only: nothing is called %q", word)
		}
	}
	return nil
}

// wants says whether a group is to be measured.
func (o options) wants(group string) bool { return len(o.only) == 0 || o.only[group] }

// times is how often to do something: fully, or with -quick.
func (o options) times(full, quick int) int {
	if o.quick {
		return quick
	}
	return full
}
