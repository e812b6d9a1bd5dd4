// SPDX-License-Identifier: MIT

package main

import (
	"os"
	"syscall"

	"daemontools-go/internal/scan"
	"daemontools-go/internal/supervise"
)

// runSvscan is svscan: it runs the services in a scan directory, by default the
// current one, until a signal ends it. TERM and INT bring all services down
// first; QUIT leaves them running; HUP has the directory read at once.
// Original: arguments after the first are ignored.
func runSvscan(c *call) error {
	path := "."
	if len(c.args) > 0 {
		path = c.args[0]
	}
	signals := catch(syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGHUP, syscall.SIGCHLD)
	voice := c.voice
	voice.Prog = "supervise"
	host, err := newHost(voice)
	if err != nil {
		return err
	}
	scanner, err := scan.New(path, host, c.voice, voice)
	if err != nil {
		return err
	}
	orders := make(chan scan.Order)
	go relay(signals, orders, host)
	scanner.Run(orders)
	return nil
}

// relay makes orders of signals.
func relay(signals <-chan os.Signal, orders chan<- scan.Order, host *supervise.Host) {
	for sig := range signals {
		switch sig {
		case syscall.SIGCHLD:
			host.ChildDied()
		case syscall.SIGHUP:
			orders <- scan.Rescan
		case syscall.SIGQUIT:
			orders <- scan.Abandon
		default:
			orders <- scan.Stop
		}
	}
}
