// SPDX-License-Identifier: MIT

package main

import (
	"io"
	"strings"

	"daemontools-go/internal/diag"
)

// umbrella is the name of the binary itself.
const umbrella = "daemontools"

const umbrellaUsage = "daemontools: usage: daemontools [ --list | --version | command [ arg ... ] ]"

// daemontools runs the command that its first argument names, or shows which
// there are.
func daemontools(c *call) error {
	if len(c.args) == 0 {
		return showCommands(c)
	}
	switch word := c.args[0]; word {
	case "--version":
		_, err := io.WriteString(c.out, umbrella+" "+version+"\n")
		return diag.Unable("write output", err)
	case "--list":
		return listCommands(c)
	default:
		if a := find(word); a != nil {
			return runApplet(a, c)
		}
	}
	return diag.Usage(umbrellaUsage)
}

// runApplet runs an applet under the name of the binary.
func runApplet(a *applet, c *call) error {
	if code := a.call(a.name, c.args[1:]); code != 0 {
		return diag.Exit(code)
	}
	return nil
}

// listCommands prints the names of the commands, for those who make the links.
func listCommands(c *call) error {
	for _, a := range all {
		if _, err := io.WriteString(c.out, a.name+"\n"); err != nil {
			return diag.Unable("write output", err)
		}
	}
	return nil
}

// showCommands prints what there is, for people.
func showCommands(c *call) error {
	var page strings.Builder
	page.WriteString(umbrella + " " + version + "\n\n")
	for _, a := range all {
		page.WriteString("  " + a.name + strings.Repeat(" ", max(1, 11-len(a.name))) + a.purpose + "\n")
	}
	page.WriteString("\nRun a command by its own name, or as: daemontools command [ arg ... ]\n")
	_, err := io.WriteString(c.out, page.String())
	return diag.Unable("write output", err)
}
