// SPDX-License-Identifier: MIT

// Package servicedir is the contract on disk between a supervisor and the
// programs that control and ask it:
//
//	/service/web/run                    the run script
//	        │   svscan   watches the scan directory, runs one supervisor for each entry
//	        ▼
//	     supervisor      command bytes, exits and the clock ─► machine ─► actions
//	        │ publishes        ▲ receives
//	        ▼                  │
//	   supervise/status   supervise/control   supervise/ok   supervise/lock
//	        │                  ▲
//	        ▼                  │
//	   svstat, svok           svc
//
// A supervisor holds supervise/lock for as long as it lives, and makes the
// files in this order: lock, control, status, ok. So whoever can write to ok
// finds a valid status. None of them is removed when the supervisor ends.
//
//	supervise/         0700   may be a symbolic link
//	supervise/lock     0600   empty; flocked by the supervisor
//	supervise/control  0600   FIFO of command bytes, see [Command]
//	supervise/status   0644   the status record, see [Status]
//	supervise/ok       0600   FIFO that has a reader while a supervisor runs
//
// Modes are before the umask. All of it is as in daemontools 0.76.
package servicedir

import (
	"errors"

	"daemontools-go/internal/sys"
)

// Names of files, relative to the service directory.
const (
	runFile  = "run"
	downFile = "down"
	logDir   = "log"

	superviseDir = "supervise"
)

// Names of files, relative to the supervise directory.
const (
	lockFile      = "lock"
	controlFile   = "control"
	okFile        = "ok"
	statusFile    = "status"
	newStatusFile = "status.new"
)

// Dir is an open service directory.
type Dir struct{ fd sys.FD }

// At is the service directory behind a descriptor; Close closes it.
func At(fd sys.FD) Dir { return Dir{fd} }

// Open opens the service directory at path, looked up from where. Being allowed
// to enter it is part of being open, as it is with chdir.
func Open(where sys.FD, path string) (Dir, error) {
	fd, err := where.Open(path, sys.Handle|sys.Dir, 0)
	if err != nil {
		return Dir{sys.None}, err
	}
	if err := (Dir{fd}).Enter(); err != nil {
		fd.Close()
		return Dir{sys.None}, err
	}
	return Dir{fd}, nil
}

// Enter says whether this process may enter the directory. A handle is given
// without looking at that.
func (d Dir) Enter() error {
	_, err := d.fd.Stat(".")
	return err
}

// FD is the descriptor of the directory; the Dir goes on owning it.
func (d Dir) FD() sys.FD { return d.fd }

// Close closes the descriptor.
func (d Dir) Close() { d.fd.Close() }

// NormallyUp says whether there is no down file: whether the service is to be
// started when its supervisor starts.
func (d Dir) NormallyUp() (bool, error) {
	exists, err := d.exists(downFile)
	return !exists, err
}

// HasLog says whether there is a log: whether the service gets a pipe to a log
// service. Original: any type of file named log counts.
func (d Dir) HasLog() (bool, error) {
	return d.exists(logDir)
}

// exists says whether there is a file of any type under the name.
func (d Dir) exists(name string) (bool, error) {
	_, err := d.fd.Stat(name)
	if errors.Is(err, errNotExist) {
		return false, nil
	}
	return err == nil, err
}

// Complete says whether the directory has all that a service needs: an
// executable run, and one in log where there is a log.
func (d Dir) Complete() bool {
	run, err := d.fd.Stat(runFile)
	if err != nil || !run.IsExecutable() {
		return false
	}
	if _, err := d.fd.Lstat(logDir); err != nil {
		return errors.Is(err, errNotExist)
	}
	run, err = d.fd.Stat(logDir + "/" + runFile)
	return err == nil && run.IsExecutable()
}
