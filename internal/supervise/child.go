// SPDX-License-Identifier: MIT

package supervise

import (
	"bytes"

	"daemontools-go/internal/spawn"
	"daemontools-go/internal/sys"
)

// runScript is the program of a service, in its directory.
const runScript = "./run"

// startRun starts the run script.
func (s *service) startRun() (int, error) {
	touchProgram(s.dir.FD(), runScript)
	return s.host.spawner.Start(spawn.Child{
		Dir:    s.dir.FD(),
		Stdin:  s.Stdin,
		Stdout: s.Stdout,
		Path:   runScript,
	})
}

// headSize is how much of a program the kernel reads to see what it is.
const headSize = 256

// touchProgram reads what the exec is going to read. While a fork waits for its
// exec no other service can be started; a dead file system shall rather hang
// the goroutine of the one service that lies on it. What is wrong with the
// program is for the exec to say.
func touchProgram(dir sys.FD, path string) {
	head := readHead(dir, path)
	if interpreter := parseInterpreter(head); interpreter != "" {
		readHead(dir, interpreter)
	}
}

func readHead(dir sys.FD, path string) []byte {
	// Opening anything but a regular file may have consequences.
	if st, err := dir.Stat(path); err != nil || !st.IsRegular() {
		return nil
	}
	fd, err := dir.Open(path, sys.Read, 0)
	if err != nil {
		return nil
	}
	defer fd.Close()
	head := make([]byte, headSize)
	n, _ := fd.Read(head)
	return head[:n]
}

// parseInterpreter finds the interpreter in the first line of a script, as the
// kernel does, or answers with nothing. A name that does not end within the
// head is cut off, and for the kernel none.
func parseInterpreter(head []byte) string {
	line, isScript := bytes.CutPrefix(head, []byte("#!"))
	if !isScript {
		return ""
	}
	line, _, ended := bytes.Cut(line, []byte("\n"))
	line = bytes.TrimLeft(line, " \t")
	end := bytes.IndexAny(line, " \t\x00")
	switch {
	case end >= 0:
		return string(line[:end])
	case ended || len(head) < headSize:
		return string(line)
	}
	return ""
}
