// SPDX-License-Identifier: MIT

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
)

// noter takes lines that stand below the table.
type noter interface {
	note(format string, args ...any)
}

// table collects the samples. Its methods may be called from any goroutine,
// print when all is done.
type table struct {
	options options
	rows    []row

	mu      sync.Mutex
	samples map[string]map[string][]float64 // by row and column
	failed  map[[2]string]bool              // by row and column
	notes   []string
}

func newTable(o options) *table {
	return &table{options: o, rows: rowsOf(o.services), samples: map[string]map[string][]float64{}, failed: map[[2]string]bool{}}
}

// fail says that a column has failed in some rows, whatever else it did there.
func (t *table) fail(column string, rows ...string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, row := range rows {
		t.failed[[2]string{row, column}] = true
	}
}

// empty says whether there is nothing to say in a row.
func (t *table) empty(r row) bool {
	return len(t.samples[r.key]) == 0 && !t.failed[[2]string{r.key, ours}]
}

// add adds a sample. An empty row is for what nobody asks for.
func (t *table) add(row, column string, value float64) {
	if row == "" {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.samples[row] == nil {
		t.samples[row] = map[string][]float64{}
	}
	t.samples[row][column] = append(t.samples[row][column], value)
}

// note adds a line below the table, once.
func (t *table) note(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	line := fmt.Sprintf(format, args...)
	if !slices.Contains(t.notes, line) {
		t.notes = append(t.notes, line)
	}
}

// median answers with the median of a cell, if it has samples.
func (t *table) median(row, column string) (float64, bool) {
	samples := slices.Sorted(slices.Values(t.samples[row][column]))
	n := len(samples)
	if n == 0 {
		return 0, false
	}
	return (samples[(n-1)/2] + samples[n/2]) / 2, true
}

func (t *table) print(to io.Writer) error {
	out := bufio.NewWriter(to)
	if t.options.json {
		if err := t.printJSON(out); err != nil {
			return err
		}
		return out.Flush()
	}
	const line = "%-26s %8s %11s %8s %8s  %-14s\n"
	fmt.Fprintln(out, strings.TrimRight(fmt.Sprintf(line, "median", ours, daemontools, runit, s6, "goal for ours"), " \n"))
	for _, r := range t.rows {
		if t.empty(r) {
			continue
		}
		cells := []any{r.title}
		for _, column := range []string{ours, daemontools, runit, s6} {
			cells = append(cells, t.cell(r, column))
		}
		text := fmt.Sprintf(line, append(cells, t.verdict(r))...)
		fmt.Fprintln(out, strings.TrimRight(text, " \n"))
	}
	for _, n := range append(t.limits(), t.notes...) {
		fmt.Fprintln(out, wrap(n))
	}
	fmt.Fprintf(out, "again: %s\n", t.again())
	return out.Flush()
}

func (t *table) cell(r row, column string) string {
	v, ok := t.median(r.key, column)
	switch {
	case t.failed[[2]string{r.key, column}]:
		return "failed"
	case !ok:
		return "-"
	}
	return r.unit(v)
}

// verdict is the goal, and whether it was reached.
func (t *table) verdict(r row) string {
	v, ok := t.median(r.key, ours)
	switch {
	case r.goal == noGoal:
		return ""
	case ok && v <= r.goal && !t.failed[[2]string{r.key, ours}]:
		return "<= " + r.unit(r.goal) + " yes"
	}
	return "<= " + r.unit(r.goal) + " NO"
}

// wrap breaks a line at 80 columns.
func wrap(line string) string {
	var b strings.Builder
	width := 0
	for word := range strings.FieldsSeq(line) {
		switch {
		case width == 0:
		case width+1+len(word) > 80:
			b.WriteString("\n  ")
			width = 2
		default:
			b.WriteByte(' ')
			width++
		}
		b.WriteString(word)
		width += len(word)
	}
	return b.String()
}

// limits are the lines about what starting takes at least.
func (t *table) limits() []string {
	var lines []string
	for _, r := range []struct {
		key      string
		services int
	}{{rowStart, t.options.services}, {rowGrowth, grown}} {
		inGo, ok := t.median(r.key, limitGo)
		if !ok {
			continue
		}
		text := fmt.Sprintf("limit, %d: %s by ForkExec in Go", r.services, seconds(inGo))
		if inC, ok := t.median(r.key, limitC); ok {
			text += fmt.Sprintf(", %s by posix_spawn in C (which counts)", seconds(inC))
		}
		lines = append(lines, text)
	}
	return lines
}

// again is how to repeat this.
func (t *table) again() string {
	flags := strings.Join(os.Args[1:], " ")
	if flags == "" {
		return "make bench"
	}
	return "make bench BENCHFLAGS='" + flags + "'"
}

// jsonRow is a row with all its samples, in seconds, bytes, or a number.
type jsonRow struct {
	Row     string               `json:"row"`
	Goal    *float64             `json:"goal,omitempty"`
	Reached *bool                `json:"reached,omitempty"`
	Medians map[string]float64   `json:"medians"`
	Samples map[string][]float64 `json:"samples"`
}

func (t *table) printJSON(out io.Writer) error {
	rows := []jsonRow{}
	for _, r := range t.rows {
		if t.empty(r) {
			continue
		}
		j := jsonRow{Row: r.key, Medians: map[string]float64{}, Samples: t.samples[r.key]}
		for column := range j.Samples {
			j.Medians[column], _ = t.median(r.key, column)
		}
		if r.goal != noGoal {
			v, ok := j.Medians[ours]
			reached := ok && v <= r.goal && !t.failed[[2]string{r.key, ours}]
			j.Goal, j.Reached = &r.goal, &reached
		}
		rows = append(rows, j)
	}
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(map[string]any{
		"rows": rows, "notes": t.notes, "services": t.options.services, "grown": grown,
	})
}
