// SPDX-License-Identifier: MIT

package main

import (
	"bytes"

	"daemontools-go/internal/diag"
	"daemontools-go/internal/servicedir"
	"daemontools-go/internal/sys"
)

// Original: 0.76 does not know q, 1 and 2, and its usage line is kept to the
// byte.
const (
	svcLetters = "udopchaitkxq12"
	svcUsage   = "svc options: u up, d down, o once, x exit, p pause, c continue, h hup, a alarm, i interrupt, t term, k kill"
)

// runSvc is svc: it sends commands to services, in the order of its options, each once. It
// does not wait until they are carried out.
// Original: it exits 0 even if no service could be controlled.
func runSvc(c *call) error {
	letters, dirs, err := c.letters(svcLetters, svcUsage)
	if err != nil {
		return err
	}
	var commands []servicedir.Command
	for i, letter := range letters {
		if bytes.IndexByte(letters[:i], letter) < 0 {
			commands = append(commands, servicedir.Command(letter))
		}
	}
	for _, dir := range dirs {
		if err := control(dir, commands); err != nil {
			c.voice.Warn(err)
		}
	}
	return nil
}

// control sends the commands to one service.
func control(path string, commands []servicedir.Command) error {
	dir, err := servicedir.Open(sys.Here, path)
	if err != nil {
		return diag.Unable("chdir to "+path, err)
	}
	defer dir.Close()
	fifo, err := dir.OpenControl()
	if err != nil {
		return diag.Unable("control "+path, err)
	}
	defer fifo.Close()
	return diag.Because("error writing commands to "+path, fifo.Send(commands))
}
