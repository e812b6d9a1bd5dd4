// SPDX-License-Identifier: MIT

package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

// mayImport is the plan of the house: what each room may import of the others.
// The table of internal/README.md says the same in words. A new row or a new
// arrow changes both, with the reason in the commit.
var mayImport = map[string][]string{
	"cmd/daemontools":     {anyRoom},
	"internal/scan":       {"supervise", "servicedir", "diag", "sys"},
	"internal/supervise":  {"servicedir", "diag", "sys", "poll", "spawn"},
	"internal/spawn":      {"sys"},
	"internal/poll":       {"sys"},
	"internal/servicedir": {"tai64", "flock", "diag", "sys"},
	"internal/flock":      {"diag", "sys"},
	"internal/tai64":      {},
	"internal/diag":       {},
	"internal/sys":        {},
	"internal/bench":      {"servicedir"},
}

// anyRoom stands for all rooms: it is where they meet.
const anyRoom = "*"

const (
	ourModule = "daemontools-go"
	sysRoom   = "internal/sys"
	roomsFile = "internal/README.md"

	// sysModule is the one module beyond the standard library, for sys alone.
	sysModule = "golang.org/x/sys"

	// maxLines is how long a file may be, tests apart.
	maxLines = 300
)

// badNames are names that say nothing of what a room knows.
var badNames = []string{"util", "utils", "common", "helpers", "types", "misc", "pkg"}

func TestLayout(t *testing.T) {
	t.Parallel()
	faults, err := checkLayout(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range faults {
		t.Error(fault)
	}
}

// checkLayout answers with what is at odds with the plan.
func checkLayout(tree fs.FS) (faults []string, err error) {
	words, err := fs.ReadFile(tree, roomsFile)
	if err != nil {
		return nil, err
	}
	rooms, err := findRooms(tree)
	if err != nil {
		return nil, err
	}
	for _, room := range rooms {
		if slices.Contains(badNames, path.Base(room)) {
			faults = append(faults, room+": this name says nothing of what is known there")
		}
		if _, known := mayImport[room]; !known {
			faults = append(faults, room+": unknown room: add it to mayImport in cmd/daemontools/layout_test.go and to "+roomsFile)
		}
		more, err := checkRoom(tree, room)
		if err != nil {
			return nil, err
		}
		faults = append(faults, more...)
	}
	for room := range mayImport {
		if !slices.Contains(rooms, room) {
			faults = append(faults, room+": there is no such room any more: take it out of mayImport")
		}
	}
	return append(faults, checkReadme(words, rooms)...), nil
}

// findRooms lists the directories with Go files under cmd and internal, and
// those right under internal, whatever is in them.
func findRooms(tree fs.FS) (rooms []string, err error) {
	for _, top := range []string{"cmd", "internal"} {
		err := fs.WalkDir(tree, top, func(name string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && d.Name() == "testdata":
				return fs.SkipDir
			case d.IsDir() && path.Dir(name) == "internal":
				rooms = append(rooms, name)
			case path.Ext(name) == ".go" && !slices.Contains(rooms, path.Dir(name)):
				rooms = append(rooms, path.Dir(name))
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return rooms, nil
}

// checkRoom looks at the files of a room, whatever they are built for.
func checkRoom(tree fs.FS, room string) (faults []string, err error) {
	files, err := fs.Glob(tree, room+"/*.go")
	if err != nil {
		return nil, err
	}
	documented := false
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		content, err := fs.ReadFile(tree, name)
		if err != nil {
			return nil, err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, content, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			return nil, err
		}
		documented = documented || strings.TrimSpace(file.Doc.Text()) != ""
		if lines := bytes.Count(content, []byte("\n")); lines > maxLines {
			faults = append(faults, fmt.Sprintf("%s: has %d lines, more than %d", name, lines, maxLines))
		}
		faults = append(faults, checkImports(room, name, file.Imports)...)
	}
	if !documented {
		faults = append(faults, room+": no file has a doc comment of the package")
	}
	return faults, nil
}

func checkImports(room, name string, imports []*ast.ImportSpec) (faults []string) {
	for _, spec := range imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil || !isAllowed(room, imported) {
			faults = append(faults, fmt.Sprintf("%s: %s may not import %s", name, room, spec.Path.Value))
		}
	}
	return faults
}

// isAllowed says whether a room may import a package.
func isAllowed(room, imported string) bool {
	if other, ours := strings.CutPrefix(imported, ourModule+"/"); ours {
		other, internal := strings.CutPrefix(other, "internal/")
		allowed := mayImport[room]
		return internal && (slices.Contains(allowed, anyRoom) || slices.Contains(allowed, other))
	}
	if imported == sysModule || strings.HasPrefix(imported, sysModule+"/") {
		return room == sysRoom
	}
	// Only in the standard library does the first element have no dot. C is cgo.
	first, _, _ := strings.Cut(imported, "/")
	return !strings.Contains(first, ".") && imported != "C"
}

// roomRow begins a line of the table in internal/README.md.
var roomRow = regexp.MustCompile("(?m)^\\| `([^`]+)` *\\|")

// checkReadme compares the rooms with the table for people.
func checkReadme(words []byte, rooms []string) (faults []string) {
	var written []string
	for _, match := range roomRow.FindAllSubmatch(words, -1) {
		room := string(match[1])
		if !strings.HasPrefix(room, "cmd/") {
			room = "internal/" + room
		}
		written = append(written, room)
		if !slices.Contains(rooms, room) {
			faults = append(faults, fmt.Sprintf("%s: there is no room %s", roomsFile, match[1]))
		}
	}
	for _, room := range rooms {
		if !slices.Contains(written, room) {
			faults = append(faults, fmt.Sprintf("%s: no row for %s", roomsFile, room))
		}
	}
	return faults
}

// TestLayoutFaults has trees that are wrong in one way each.
func TestLayoutFaults(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		add   map[string]string // to a tree that is right
		fault string            // the only one, or none
	}{
		{"right", nil, ""},
		{"tests may import", map[string]string{"internal/tai64/x_test.go": "package tai64\nimport _ \"example.org/x\"\n"}, ""},
		{"an arrow of the plan", map[string]string{"internal/flock/x.go": importing("flock", "daemontools-go/internal/sys")}, ""},
		{"the door meets all", map[string]string{"cmd/daemontools/x.go": importing("main", "daemontools-go/internal/tai64")}, ""},
		{"sys has its module", map[string]string{"internal/sys/x.go": importing("sys", "golang.org/x/sys/unix")}, ""},
		{"a package of the library", map[string]string{"internal/tai64/x.go": importing("tai64", "encoding/binary")}, ""},
		{"300 lines", map[string]string{"internal/diag/x.go": "package diag\n" + strings.Repeat("\n", 299)}, ""},
		{"300 lines of a test", map[string]string{"internal/diag/x_test.go": "package diag\n" + strings.Repeat("\n", 300)}, ""},
		{"test data", map[string]string{"internal/diag/testdata/x/x.go": "package x\n"}, ""},
		{
			"an arrow upwards",
			map[string]string{"internal/sys/x.go": importing("sys", "daemontools-go/internal/diag")},
			`internal/sys/x.go: internal/sys may not import "daemontools-go/internal/diag"`,
		},
		{
			"an arrow on another system",
			map[string]string{
				"internal/tai64/x_plan9.go": "//go:build plan9\n\n" + importing("tai64", "daemontools-go/internal/sys"),
			},
			`internal/tai64/x_plan9.go: internal/tai64 may not import "daemontools-go/internal/sys"`,
		},
		{
			"the door is nobody's",
			map[string]string{"internal/scan/x.go": importing("scan", "daemontools-go/cmd/daemontools")},
			`internal/scan/x.go: internal/scan may not import "daemontools-go/cmd/daemontools"`,
		},
		{
			"another module",
			map[string]string{"internal/diag/x.go": importing("diag", "example.org/x")},
			`internal/diag/x.go: internal/diag may not import "example.org/x"`,
		},
		{
			"the module of sys",
			map[string]string{"cmd/daemontools/x.go": importing("main", "golang.org/x/sys/unix")},
			`cmd/daemontools/x.go: cmd/daemontools may not import "golang.org/x/sys/unix"`,
		},
		{
			"cgo",
			map[string]string{"internal/sys/x.go": importing("sys", "C")},
			`internal/sys/x.go: internal/sys may not import "C"`,
		},
		{
			"301 lines",
			map[string]string{"internal/diag/x.go": "package diag\n" + strings.Repeat("\n", 300)},
			"internal/diag/x.go: has 301 lines, more than 300",
		},
		{
			"no doc",
			map[string]string{"internal/tai64/tai64.go": "package tai64\n"},
			"internal/tai64: no file has a doc comment of the package",
		},
		{
			"only the licence",
			map[string]string{"internal/tai64/tai64.go": "// SPDX-License-Identifier: MIT\n\npackage tai64\n"},
			"internal/tai64: no file has a doc comment of the package",
		},
		{
			"a room in a room",
			map[string]string{"internal/sys/deep/x.go": "// Package deep is.\npackage deep\n", roomsFile: roomTable("sys/deep")},
			"internal/sys/deep: unknown room: add it to mayImport in cmd/daemontools/layout_test.go and to internal/README.md",
		},
		{
			"no row",
			map[string]string{roomsFile: strings.Replace(roomTable(), "| `poll` |", "| poll |", 1)},
			"internal/README.md: no row for internal/poll",
		},
		{
			"a row too many",
			map[string]string{roomsFile: roomTable("gone")},
			"internal/README.md: there is no room gone",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			expectFaults(t, test.add, test.fault)
		})
	}
	for _, name := range badNames {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			expectFaults(
				t, map[string]string{"internal/" + name + "/x.go": "// Package x is.\npackage x\n", roomsFile: roomTable(name)},
				"internal/"+name+": this name says nothing of what is known there",
				"internal/"+name+": unknown room: add it to mayImport in cmd/daemontools/layout_test.go and to internal/README.md",
			)
		})
	}
}

func importing(name, imported string) string {
	return "package " + name + "\n\nimport _ \"" + imported + "\"\n"
}

// roomTable is a table with a row for each room of the plan, and more.
func roomTable(more ...string) string {
	var b strings.Builder
	for room := range mayImport {
		more = append(more, strings.TrimPrefix(room, "internal/"))
	}
	for _, room := range more {
		b.WriteString("| `" + room + "` | knows a thing |\n")
	}
	return b.String()
}

// expectFaults looks at a tree that is right but for the files added to it.
func expectFaults(t *testing.T, add map[string]string, want ...string) {
	t.Helper()
	tree := fstest.MapFS{roomsFile: {Data: []byte(roomTable())}}
	for room := range mayImport {
		name := path.Base(room)
		tree[room+"/"+name+".go"] = &fstest.MapFile{Data: []byte("// Package " + name + " is.\npackage " + name + "\n")}
	}
	for name, content := range add {
		tree[name] = &fstest.MapFile{Data: []byte(content)}
	}
	faults, err := checkLayout(tree)
	if err != nil {
		t.Fatal(err)
	}
	want = slices.DeleteFunc(want, func(fault string) bool { return fault == "" })
	if !slices.Equal(faults, want) {
		t.Errorf("faults are %q, want %q", faults, want)
	}
}

// TestEmptyRoom has a directory without Go files under internal.
func TestEmptyRoom(t *testing.T) {
	t.Parallel()
	expectFaults(
		t, map[string]string{"internal/types/x.md": "", roomsFile: roomTable("types")},
		"internal/types: this name says nothing of what is known there",
		"internal/types: unknown room: add it to mayImport in cmd/daemontools/layout_test.go and to internal/README.md",
		"internal/types: no file has a doc comment of the package",
	)
}
