// SPDX-License-Identifier: MIT

package main

import (
	"errors"
	"syscall"

	"daemontools-go/internal/diag"
	"daemontools-go/internal/servicedir"
	"daemontools-go/internal/sys"
)

// runSvok is svok: it exits 0 when a supervisor runs on the directory, and 100 when not.
// Original: arguments after the first are ignored.
func runSvok(c *call) error {
	if len(c.args) == 0 {
		return diag.Usage("svok: usage: svok dir")
	}
	path := c.args[0]
	dir, err := servicedir.Open(sys.Here, path)
	if err != nil {
		return diag.Unable("chdir to "+path, err)
	}
	defer dir.Close()
	err = dir.CheckRunning()
	if errors.Is(err, servicedir.ErrNotRunning) || errors.Is(err, syscall.ENOENT) {
		return diag.Exit(diag.CodeUsage)
	}
	return diag.Unable("open "+path+"/supervise/ok", err)
}
