// SPDX-License-Identifier: MIT

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

// TestBuilt runs those scripts for which it matters that the programs are
// built as we ship them, and are not copies of the test binary.
func TestBuilt(t *testing.T) {
	need(t, "go")
	var files []string
	for _, pattern := range []string{"*_inherit.txtar", "*_signals.txtar"} {
		found, err := filepath.Glob(filepath.Join("testdata", "script", pattern))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	runScripts(t, suite{files: files, path: build(t)})
}

// build builds the programs as the Makefile does, into a directory of symbolic
// links to the one binary.
func build(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.Command("go", "build", "-buildvcs=false", "-ldflags", "-E "+entryPoint(t), "-o", filepath.Join(dir, umbrella), ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, out)
	}
	for _, a := range all {
		if err := os.Symlink(umbrella, filepath.Join(dir, a.name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// entryPoint is where the Makefile has the programs begin.
func entryPoint(t *testing.T) string {
	t.Helper()
	makefile, err := os.ReadFile(filepath.Join("..", "..", "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^LDFLAGS.* -E (\S+)`).FindSubmatch(makefile)
	if found == nil {
		t.Fatal("no flag -E in the LDFLAGS of the Makefile")
	}
	return string(found[1])
}
