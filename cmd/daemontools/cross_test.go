// SPDX-License-Identifier: MIT

package main

import "testing"

// TestCross runs programs of different suites on each other's service
// directories: ours are in PATH, and the originals in the directory $C.
func TestCross(t *testing.T) {
	dir := originals(t)
	runScripts(t, suite{dir: "testdata/cross", vars: []string{"C=" + dir}, slow: true})
}
