// SPDX-License-Identifier: MIT

package supervise

import (
	"runtime"
	"runtime/debug"

	"daemontools-go/internal/sys"
)

const (
	// startPercent is by how much the heap may grow before it is collected while
	// services start: there is garbage, and what it takes is not needed later.
	startPercent = 20
	// idleBytes is how much garbage may gather after that.
	idleBytes = 2 << 20
)

// Settle gives the memory back that starting took, if that is over, and says
// whether it was. It is called some time after the last start.
func (h *Host) Settle() bool {
	if !h.crew.Idle() {
		return false
	}
	debug.FreeOSMemory()
	sys.ForgetProgram()
	// A collector that goes by percentage also runs every two minutes, and wakes
	// a process that has nothing to do. So from now on it goes by a limit.
	var now runtime.MemStats
	runtime.ReadMemStats(&now)
	debug.SetMemoryLimit(int64(now.Sys-now.HeapReleased) + idleBytes)
	debug.SetGCPercent(-1)
	return true
}
