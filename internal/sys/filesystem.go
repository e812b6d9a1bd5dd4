// SPDX-License-Identifier: MIT

package sys

import (
	"math"

	"golang.org/x/sys/unix"
)

// remote are the file systems on which another machine can change a directory
// without this kernel's inotify seeing it.
var remote = map[uint32]bool{
	unix.NFS_SUPER_MAGIC:  true,
	unix.SMB_SUPER_MAGIC:  true,
	unix.CIFS_SUPER_MAGIC: true,
	unix.SMB2_SUPER_MAGIC: true,
	unix.AFS_SUPER_MAGIC:  true,
	unix.CODA_SUPER_MAGIC: true,
	unix.V9FS_MAGIC:       true,
	unix.CEPH_SUPER_MAGIC: true,
	unix.FUSE_SUPER_MAGIC: true,
}

// IsRemote says whether the directory lies on a file system that others can
// change unseen.
func (d FD) IsRemote() bool {
	var st unix.Statfs_t
	err := retry(func() error { return unix.Fstatfs(int(d), &st) })
	return err == nil && remote[uint32(st.Type)]
}

// ListNames answers with the names in the directory in the order in which the
// kernel lists them, without "." and "..".
func (d FD) ListNames() ([]string, error) {
	dir, err := d.Open(".", Read|Dir, 0)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	var names []string
	buf := make([]byte, 32<<10)
	for {
		n := 0
		err := retry(func() (err error) {
			n, err = unix.Getdents(int(dir), buf)
			return err
		})
		if err != nil || n == 0 {
			return names, err
		}
		_, _, names = unix.ParseDirent(buf[:n], -1, names)
	}
}

// OpenFileLimit is the number from which on this process gets no descriptors.
func OpenFileLimit() FD {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil || limit.Cur > math.MaxInt32 {
		return math.MaxInt32
	}
	return FD(limit.Cur)
}
