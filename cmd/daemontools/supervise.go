// SPDX-License-Identifier: MIT

package main

import (
	"syscall"
	"time"

	"daemontools-go/internal/diag"
	"daemontools-go/internal/servicedir"
	"daemontools-go/internal/supervise"
	"daemontools-go/internal/sys"
)

// settlePause is how long after its start the process settles.
const settlePause = 2 * time.Second

// runSupervise is supervise: it looks after one service until it is told to
// exit, by svc -x or by a signal. TERM and INT bring the service down first;
// QUIT leaves it running.
func runSupervise(c *call) error {
	if len(c.args) != 1 {
		return diag.Usage("supervise: usage: supervise dir")
	}
	signals := catch(syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGHUP, syscall.SIGCHLD)
	host, err := newHost(c.voice)
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	supervisor := host.Supervise(supervise.Service{
		Name: c.args[0], Where: sys.Here, Path: c.args[0], Stdin: sys.None, Stdout: sys.None,
	}, func(err error) { ended <- err })
	settle := time.After(settlePause)
	for {
		select {
		case err := <-ended:
			return err
		case <-settle:
			host.Settle()
		case sig := <-signals:
			switch sig {
			case syscall.SIGCHLD:
				host.ChildDied()
			case syscall.SIGQUIT:
				return nil
			case syscall.SIGTERM, syscall.SIGINT:
				supervisor.Command(servicedir.Down)
				supervisor.Command(servicedir.Exit)
			}
		}
	}
}
