// SPDX-License-Identifier: MIT

package main

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rogpeppe/go-internal/testscript"
)

// pollPause is how often a script looks whether what it waits for is there.
const pollPause = 10 * time.Millisecond

// patience is how long a script waits for anything. The original notices some
// things only each five seconds.
func (s *script) patience() time.Duration {
	if s.slow {
		return 15 * time.Second
	}
	return 10 * time.Second
}

// scriptCommands are the commands for scripts beyond those of testscript.
var scriptCommands = map[string]func(*testscript.TestScript, bool, []string){
	"end":    cmdEnd,
	"ended":  cmdEnded,
	"exits":  cmdExits,
	"need":   cmdNeed,
	"record": cmdRecord,
	"signal": cmdSignal,
	"start":  cmdStart,
	"sweep":  cmdSweep,
	"until":  cmdUntil,
}

// cmdNeed is "need root", or "need program": without it the script is skipped.
func cmdNeed(ts *testscript.TestScript, neg bool, args []string) {
	checkUsage(ts, !neg && len(args) == 1, "need root|program")
	need(scriptOf(ts).t, args[0])
}

// cmdUntil is "until [-stdout=regexp] program [arg ...]": it runs the program
// until it succeeds, and prints what the regexp matches; or, negated, until one
// of this is no longer so.
func cmdUntil(ts *testscript.TestScript, neg bool, args []string) {
	pattern := ""
	if len(args) > 0 {
		if re, found := strings.CutPrefix(args[0], "-stdout="); found {
			pattern, args = re, args[1:]
		}
	}
	checkUsage(ts, len(args) > 0, "until [-stdout=regexp] program [arg ...]")
	match, err := regexp.Compile("(?m)" + pattern)
	ts.Check(err)
	s := scriptOf(ts)
	var last result
	ok := s.poll(func() bool {
		last = s.run(ts, args)
		return (last.code == 0 && match.Match(last.stdout)) != neg
	})
	last.show(ts)
	if !ok {
		ts.Fatalf("gave up after %v; the last time the exit code was %d", s.patience(), last.code)
	}
}

// poll waits until done answers true, but not for ever.
func (s *script) poll(done func() bool) bool {
	deadline := time.After(s.patience())
	tick := time.NewTicker(pollPause)
	defer tick.Stop()
	for {
		if done() {
			return true
		}
		select {
		case <-deadline:
			return done()
		case <-tick.C:
		}
	}
}

// cmdExits is "exits code program [arg ...]": it runs the program, which must
// exit with the code.
func cmdExits(ts *testscript.TestScript, neg bool, args []string) {
	checkUsage(ts, !neg && len(args) >= 2, "exits code program [arg ...]")
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	r := scriptOf(ts).run(ts, args[1:])
	r.show(ts)
	if r.code != want {
		ts.Fatalf("exit code %d, want %d", r.code, want)
	}
}

// cmdStart is "start name program [arg ...]": it starts the program in the
// background. What it prints goes to $WORK/name.out and $WORK/name.err.
func cmdStart(ts *testscript.TestScript, neg bool, args []string) {
	checkUsage(ts, !neg && len(args) >= 2, "start name program [arg ...]")
	s, name := scriptOf(ts), args[0]
	cmd, err := s.command(ts, args[1:])
	ts.Check(err)
	stdout, err := os.Create(filepath.Join(s.work, name+".out"))
	ts.Check(err)
	defer stdout.Close()
	stderr, err := os.Create(filepath.Join(s.work, name+".err"))
	ts.Check(err)
	defer stderr.Close()
	cmd.Stdout, cmd.Stderr = stdout, stderr
	p := &process{cmd: cmd, gone: make(chan struct{})}
	ts.Check(cmd.Start())
	s.started[name] = p
	go func() {
		// The state says all that the error does.
		_ = cmd.Wait()
		close(p.gone)
	}()
}

// cmdSignal is "signal TERM name": it signals what start has started.
func cmdSignal(ts *testscript.TestScript, neg bool, args []string) {
	checkUsage(ts, !neg && len(args) == 2, "signal TERM name")
	sig := unix.SignalNum("SIG" + args[0])
	if sig == 0 {
		ts.Fatalf("no such signal: %s", args[0])
	}
	ts.Check(scriptOf(ts).find(ts, args[1]).cmd.Process.Signal(sig))
}

// cmdEnded is "ended name code" or "ended name TERM": it waits for the end of
// what start has started, and looks at the exit code, or at the signal that
// ended it. What it has printed can be looked at by stdout and stderr.
func cmdEnded(ts *testscript.TestScript, neg bool, args []string) {
	checkUsage(ts, !neg && len(args) == 2, "ended name code|signal")
	s := scriptOf(ts)
	got := s.wait(ts, args[0])
	_, err := ts.Stdout().Write([]byte(ts.ReadFile(filepath.Join(s.work, args[0]+".out"))))
	ts.Check(err)
	_, err = ts.Stderr().Write([]byte(ts.ReadFile(filepath.Join(s.work, args[0]+".err"))))
	ts.Check(err)
	if got != args[1] {
		ts.Fatalf("%s ended with %s, want %s", args[0], got, args[1])
	}
}

// cmdEnd is "end name": it ends a svscan or supervise and everything that it
// runs, as an init system does. Of the original nothing can be expected when it
// gets TERM but orphans, so there it is sweep.
func cmdEnd(ts *testscript.TestScript, neg bool, args []string) {
	checkUsage(ts, !neg && len(args) == 1, "end name")
	s := scriptOf(ts)
	if s.original {
		s.sweep()
		return
	}
	p := s.find(ts, args[0])
	ts.Check(p.cmd.Process.Signal(unix.SIGTERM))
	if got := s.wait(ts, args[0]); got != "0" {
		ts.Fatalf("%s ended with %s after TERM, want 0", args[0], got)
	}
}

// cmdSweep is "sweep": it kills all that runs because of the script. A script
// that is to leave something behind says so by it.
func cmdSweep(ts *testscript.TestScript, neg bool, args []string) {
	checkUsage(ts, !neg && len(args) == 0, "sweep")
	scriptOf(ts).sweep()
}

// cmdRecord is "record dir": it prints the fields of the status record, without
// the code of ours that writes and reads it.
func cmdRecord(ts *testscript.TestScript, neg bool, args []string) {
	checkUsage(ts, !neg && len(args) == 1, "record dir")
	b := []byte(ts.ReadFile(filepath.Join(args[0], "supervise", "status")))
	var out bytes.Buffer
	fmt.Fprintf(&out, "size %d\n", len(b))
	if len(b) >= 18 {
		const second = 1<<62 + 10
		age := time.Now().Unix() - int64(binary.BigEndian.Uint64(b)-second)
		fmt.Fprintf(&out, "label %s\nage %d\nnanoseconds %d\n", hex.EncodeToString(b[:12]), age, binary.BigEndian.Uint32(b[8:]))
		fmt.Fprintf(&out, "pid %d\npaused %d\nwant %q\n", binary.LittleEndian.Uint32(b[12:]), b[16], b[17])
	}
	if len(b) >= 20 {
		fmt.Fprintf(&out, "term %d\nstate %d\n", b[18], b[19])
	}
	_, err := ts.Stdout().Write(out.Bytes())
	ts.Check(err)
}

func checkUsage(ts *testscript.TestScript, right bool, usage string) {
	if !right {
		ts.Fatalf("usage: %s", usage)
	}
}
