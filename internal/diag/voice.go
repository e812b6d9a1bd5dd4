// SPDX-License-Identifier: MIT

// Package diag words the messages of daemontools, which administrators grep
// for, and the exit codes. A message is one line:
//
//	svc: warning: unable to control web: supervise not running
//	who  how bad  the deed               the reason
//
// The room that does a deed words it, with [Unable] or [Because]; callers
// above return the error untouched, and a [Voice] says it.
package diag

import (
	"errors"
	"io"
)

// Voice says messages under a program's name, each with one write.
type Voice struct {
	Prog string
	Out  io.Writer
}

// Warn says that something failed and the program goes on.
func (v Voice) Warn(err error) { v.Say("warning: " + err.Error()) }

// Fatal says that something failed for good. It does not end the program.
func (v Voice) Fatal(err error) { v.Say("fatal: " + err.Error()) }

// Say writes a line under the program's name.
func (v Voice) Say(line string) {
	// Where standard error is gone there is nobody left to tell.
	_, _ = io.WriteString(v.Out, v.Prog+": "+line+"\n")
}

// failure is a deed and the reason why it failed.
type failure struct {
	deed string
	err  error
}

func (f *failure) Error() string { return f.deed + ": " + Reason(f.err) }
func (f *failure) Unwrap() error { return f.err }

// Unable says "unable to DEED: REASON". It answers nil for a nil err.
func Unable(deed string, err error) error { return Because("unable to "+deed, err) }

// Because says "TEXT: REASON", for the few messages that are not of the form
// of [Unable]. It answers nil for a nil err.
func Because(text string, err error) error {
	if err == nil {
		return nil
	}
	return &failure{text, err}
}

// Exit codes of the suite.
const (
	CodeUsage   = 100 // wrong arguments; also svok's "no"
	CodeTrouble = 111 // the system refused something
)

// Exit ends the program with a code and no message of its own.
type Exit int

func (Exit) Error() string { return "exit" }

// Usage ends the program with 100 and prints the text on a line of its own.
type Usage string

func (u Usage) Error() string { return string(u) }

// Code says what a program that ends with err exits with, and prints the last
// message: none for nil and [Exit], the text for [Usage], "fatal" for others.
func (v Voice) Code(err error) int {
	var exit Exit
	var usage Usage
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return int(exit)
	case errors.As(err, &usage):
		_, _ = io.WriteString(v.Out, string(usage)+"\n")
		return CodeUsage
	}
	v.Fatal(err)
	return CodeTrouble
}
