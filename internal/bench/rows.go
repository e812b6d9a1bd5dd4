// SPDX-License-Identifier: MIT

package main

import (
	"fmt"
	"math"
)

// Groups are what -only can choose: rows that are measured together.
const (
	groupStart   = "start"
	groupGrowth  = "growth"
	groupNotice  = "notice"
	groupRestart = "restart"
	groupDown    = "down"
	groupIdle    = "idle"
	groupSize    = "size"
)

var groups = []string{groupStart, groupGrowth, groupNotice, groupRestart, groupDown, groupIdle, groupSize}

// Keys of rows.
const (
	rowMemory       = "memory"
	rowMemoryEach   = "memory-each"
	rowStart        = "start"
	rowStartRatio   = "start-ratio"
	rowGrowth       = "growth"
	rowGrowthRatio  = "growth-ratio"
	rowGrowthMemory = "growth-memory"
	rowNotice       = "notice"
	rowRestart      = "restart"
	rowDown         = "down"
	rowIdle         = "idle"
	rowSize         = "size"
)

// Columns of the limits, which stand below the table.
const (
	limitC  = "limit-c"
	limitGo = "limit-go"
)

// row is what one line of the table says.
type row struct {
	key   string
	title string
	unit  unit
	goal  float64 // for ours, at most; noGoal for none
}

const noGoal = -1

// rowsOf are the rows in the order of the table. The goals are those of the
// design.
func rowsOf(services int) []row {
	return []row{
		{rowMemory, fmt.Sprintf("memory (PSS), %d services", services), size, noGoal},
		{rowMemoryEach, "  for each", size, 4 << 10},
		{rowStart, fmt.Sprintf("%d services started", services), seconds, noGoal},
		{rowStartRatio, "  times the limit", times, 1.3},
		{rowGrowthMemory, fmt.Sprintf("memory, %d services", grown), size, 5 << 20},
		{rowGrowth, fmt.Sprintf("%d services started", grown), seconds, noGoal},
		{rowGrowthRatio, "  times the limit", times, 1.3},
		{rowNotice, "new service runs", seconds, 0.020},
		{rowRestart, "killed service runs again", seconds, 0.003},
		{rowDown, "down right after a start", seconds, 0.010},
		{rowIdle, "switches a minute, idle", count, 0},
		{rowSize, "size of the programs", size, 4 << 20},
	}
}

// unit is how numbers are written.
type unit func(float64) string

func seconds(v float64) string {
	if v < 0.9995 {
		return digits(v*1000) + " ms"
	}
	return digits(v) + " s"
}

func size(v float64) string {
	if v < 1000<<10 {
		return digits(v/(1<<10)) + " KB"
	}
	return digits(v/(1<<20)) + " MB"
}

func times(v float64) string { return fmt.Sprintf("%.2f", v) }

func count(v float64) string { return fmt.Sprintf("%.0f", math.Ceil(v)) }

// digits writes two or three digits, as far as a median of few samples has a
// meaning.
func digits(v float64) string {
	switch {
	case v >= 99.5:
		return fmt.Sprintf("%.0f", v)
	case v >= 9.95:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}
