// SPDX-License-Identifier: MIT

package scan

import (
	"os"

	"daemontools-go/internal/sys"
)

// ofNames are the changes of the names in a directory.
const ofNames = sys.Created | sys.Arrived | sys.Deleted | sys.Departed

// watcher watches directories.
type watcher struct {
	inotify sys.FD
	file    *os.File // the same descriptor, for the library's own poller
}

// newWatcher makes a watcher. The notices go to the channel until Close.
func newWatcher(notices chan<- []sys.Notice) (*watcher, error) {
	inotify, err := sys.NewInotify()
	if err != nil {
		return nil, err
	}
	w := &watcher{inotify: inotify, file: os.NewFile(uintptr(inotify), "inotify")}
	go w.read(notices)
	return w, nil
}

func (w *watcher) read(notices chan<- []sys.Notice) {
	buf := make([]byte, 4096)
	for {
		n, err := w.file.Read(buf)
		if err != nil {
			return
		}
		notices <- sys.Notices(buf[:n])
	}
}

// add watches a directory for changes that are made on this machine.
func (w *watcher) add(dir sys.FD, mask uint32) (int, error) {
	return w.inotify.Watch(dir, mask)
}

// remove ends a watch, or, for 0, nothing.
func (w *watcher) remove(watch int) {
	if watch != 0 {
		// It is gone already when the directory is.
		_ = w.inotify.Unwatch(watch)
	}
}
