// SPDX-License-Identifier: MIT

package main

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain puts every command into PATH, as a copy of the test binary that
// looks at the name under which it is called, as the binary that we ship does.
func TestMain(m *testing.M) {
	commands := map[string]func(){umbrella: call0}
	for _, a := range all {
		commands[a.name] = call0
	}
	testscript.Main(m, commands)
}

func call0() { os.Exit(run(os.Args)) }
