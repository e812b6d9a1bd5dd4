// SPDX-License-Identifier: MIT

package main

import (
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// witnessName is a service that writes down what happens to it, one word in a
// line, in the file events of its directory: "start", then the signals that it
// gets. TERM and INT end it, unless it is called with the argument stay. It is
// this binary under another name.
const witnessName = "witness"

func init() {
	if filepath.Base(os.Args[0]) == witnessName {
		if err := witness(len(os.Args) > 1 && os.Args[1] == "stay"); err != nil {
			fmt.Fprintln(os.Stderr, "witness:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
}

func witness(stay bool) error {
	events, err := os.OpenFile("events", os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o666)
	if err != nil {
		return err
	}
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, unix.SIGTERM, unix.SIGINT, unix.SIGHUP, unix.SIGALRM, unix.SIGQUIT,
		unix.SIGUSR1, unix.SIGUSR2, unix.SIGCONT)
	if _, err := fmt.Fprintln(events, "start"); err != nil {
		return err
	}
	for sig := range signals {
		name := strings.TrimPrefix(unix.SignalName(sig.(unix.Signal)), "SIG")
		if _, err := fmt.Fprintln(events, name); err != nil {
			return err
		}
		if !stay && (sig == unix.SIGTERM || sig == unix.SIGINT) {
			break
		}
	}
	return nil
}
