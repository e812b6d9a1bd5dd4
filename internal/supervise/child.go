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
// kernel does, or answers with nothing.
func parseInterpreter(head []byte) string {
	line, isScript := bytes.CutPrefix(head, []byte("#!"))
	if !isScript {
		return ""
	}
	line, _, _ = bytes.Cut(line, []byte("\n"))
	words := bytes.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == '\t' || r == 0 })
	if len(words) == 0 {
		return ""
	}
	return string(words[0])
}
