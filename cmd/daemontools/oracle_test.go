// SPDX-License-Identifier: MIT

package main

import (
	"debug/buildinfo"
	"os"
	"path/filepath"
	"testing"
)

// TestOracle runs the scripts with the original programs: what a script says
// is true of them too, but where it says why not.
func TestOracle(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes its time: the original looks only each five seconds")
	}
	runScripts(t, suite{
		dir: "testdata/script", path: originals(t), original: true, slow: true, atOnce: 2 * scriptsAtOnce,
	})
}

// originals makes a directory of links to the original programs.
func originals(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, a := range all {
		path := findOriginal(a.name)
		if path == "" {
			skip(t, "needs the original "+a.name+" (package daemontools)")
		}
		if err := os.Symlink(path, filepath.Join(dir, a.name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// findOriginal finds the original of a program, or answers with nothing.
func findOriginal(name string) string {
	dirs := append(filepath.SplitList(os.Getenv("PATH")), "/command", "/usr/local/bin", "/usr/bin")
	for _, dir := range dirs {
		path := filepath.Join(dir, name)
		if st, err := os.Stat(path); err != nil || !st.Mode().IsRegular() {
			continue
		}
		// Ours is written in Go, and may have been installed over the original.
		if _, err := buildinfo.ReadFile(path); err != nil {
			return path
		}
	}
	return ""
}
