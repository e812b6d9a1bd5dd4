// SPDX-License-Identifier: MIT

package sys

import "syscall"

// ignoredAtStart has bit N-1 set if signal N (1 to 31) was ignored when the
// process began. The entry point fills it; see there.
var ignoredAtStart uint32

// IgnoredAtStart lists the signals that this process was started to ignore.
//
// Programs inherit what is ignored and pass it on: a shell has its background
// jobs ignore INT and QUIT, systemd has services ignore PIPE. The Go runtime
// catches all signals before the first line of Go runs, and remembers nothing
// but HUP and INT. So the build has the program begin at an entry point of our
// own (the linker's flag -E), which looks first and then goes on to the
// runtime's. A binary built without that flag lists none.
func IgnoredAtStart() []syscall.Signal {
	var ignored []syscall.Signal
	for sig := syscall.Signal(1); sig < 32; sig++ {
		if ignoredAtStart>>(sig-1)&1 == 1 {
			ignored = append(ignored, sig)
		}
	}
	return ignored
}
