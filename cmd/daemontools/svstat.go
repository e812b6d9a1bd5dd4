// SPDX-License-Identifier: MIT

package main

import (
	"time"

	"daemontools-go/internal/diag"
	"daemontools-go/internal/servicedir"
	"daemontools-go/internal/sys"
)

// runSvstat is svstat: it writes a line about each directory.
// Original: it exits 0 whatever the lines say.
func runSvstat(c *call) error {
	var lines []byte
	for _, path := range c.args {
		lines = append(lines, path+": "...)
		lines = appendStatus(lines, path, time.Now())
		lines = append(lines, '\n')
	}
	_, err := c.out.Write(lines)
	return diag.Unable("write output", err)
}

// appendStatus appends what there is to say about a directory, be it why
// nothing can be said.
func appendStatus(b []byte, path string, now time.Time) []byte {
	dir, err := servicedir.Open(sys.Here, path)
	if err != nil {
		return append(b, diag.Unable("chdir", err).Error()...)
	}
	defer dir.Close()
	normallyUp, err := dir.NormallyUp()
	if err != nil {
		return append(b, diag.Unable("stat down", err).Error()...)
	}
	status, err := dir.Status()
	if err != nil {
		return append(b, err.Error()...)
	}
	return status.AppendDescription(b, now, normallyUp)
}
