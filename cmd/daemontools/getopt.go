// SPDX-License-Identifier: MIT

package main

import (
	"strings"

	"daemontools-go/internal/diag"
)

// letters reads options without arguments as 0.76 does: bundles of letters,
// until an argument that is no option, "-" alone, or after one that begins with
// "--". It answers
// with the letters in their order and with the other arguments.
func (c *call) letters(allowed, usage string) (letters []byte, rest []string, err error) {
	for i, arg := range c.args {
		switch {
		// Original: whatever begins with "--" ends the options, and is dropped.
		case strings.HasPrefix(arg, "--"):
			return letters, c.args[i+1:], nil
		case len(arg) < 2 || arg[0] != '-':
			return letters, c.args[i:], nil
		}
		for _, letter := range []byte(arg[1:]) {
			if strings.IndexByte(allowed, letter) < 0 {
				complaint := c.prog + ": illegal option -- " + string([]byte{letter})
				return nil, nil, diag.Usage(complaint + "\n" + usage)
			}
			letters = append(letters, letter)
		}
	}
	return letters, nil, nil
}
