// SPDX-License-Identifier: MIT

package main

import (
	"os"
	"path/filepath"
)

// measureSize adds up the programs of each suite. Links take no room; shared
// libraries are not counted.
func (l *lab) measureSize() error {
	for _, s := range l.suites {
		sum := int64(0)
		for _, pattern := range s.size {
			paths, err := filepath.Glob(filepath.Join(s.bin, pattern))
			if err != nil {
				return err
			}
			for _, path := range paths {
				if info, err := os.Lstat(path); err == nil && info.Mode().IsRegular() {
					sum += info.Size()
				}
			}
		}
		l.table.add(rowSize, s.name, float64(sum))
	}
	return nil
}
