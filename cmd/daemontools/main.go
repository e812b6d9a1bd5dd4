// SPDX-License-Identifier: MIT

// Daemontools is D. J. Bernstein's daemontools: one program that is each of
// its commands, by the name under which it is called.
package main

import "os"

func main() {
	os.Exit(run(os.Args))
}
