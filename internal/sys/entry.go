// SPDX-License-Identifier: MIT

//go:build amd64 || arm64 || 386 || arm || riscv64

package sys

// entry is where the process begins: it asks the kernel with rt_sigaction what
// is done about each signal, sets ignoredAtStart, leaves the stack as it found
// it, and jumps to the runtime's entry point. Nothing of Go is set up yet.
//
//lint:ignore U1000 The linker is told to begin here.
func entry()
