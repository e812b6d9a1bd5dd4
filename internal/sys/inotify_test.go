// SPDX-License-Identifier: MIT

package sys

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"slices"
	"syscall"
	"testing"
)

// event is a struct inotify_event with a length that need not be right.
func event(watch int32, mask, length uint32, name string) []byte {
	b := binary.NativeEndian.AppendUint32(nil, uint32(watch))
	b = binary.NativeEndian.AppendUint32(b, mask)
	b = binary.NativeEndian.AppendUint32(b, 0xdeadbeef) // the cookie
	b = binary.NativeEndian.AppendUint32(b, length)
	return append(b, name...)
}

// cuts are what may be read and what it means.
var cuts = []struct {
	name string
	buf  []byte
	want []Notice
}{
	{"nothing", nil, nil},
	{"no name", event(1, Renamed, 0, ""), []Notice{{1, Renamed, ""}}},
	{"a name", event(7, Created|OfDir, 16, "web\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"), []Notice{{7, Created | OfDir, "web"}}},
	{"a name that fills its room", event(7, Deleted, 4, "mail"), []Notice{{7, Deleted, "mail"}}},
	{"lost notices", event(-1, Overflow, 0, ""), []Notice{{-1, Overflow, ""}}},
	{
		"three", slices.Concat(event(1, Created, 4, "a\x00\x00\x00"), event(2, Dropped, 0, ""), event(1, Arrived, 4, "b\x00\x00\x00")),
		[]Notice{{1, Created, "a"}, {2, Dropped, ""}, {1, Arrived, "b"}},
	},
	{"the beginning of one", event(1, Created, 0, "")[:15], nil},
	{"one without its name", event(1, Created, 16, "web"), nil},
	{"one, and one without its name", append(event(1, Created, 4, "a\x00\x00\x00"), event(1, Created, 16, "web")...), []Notice{{1, Created, "a"}}},
	{"a length that is no int32", event(1, Created, 1<<31, "web\x00"), nil},
	{"a length of all ones", event(1, Created, 0xffffffff, "web\x00"), nil},
	{"a length that wraps to nothing", event(1, Created, 0xfffffff0, "web\x00"), nil},
}

func TestNotices(t *testing.T) {
	t.Parallel()
	for _, test := range cuts {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := Notices(test.buf); !slices.Equal(got, test.want) {
				t.Errorf("Notices(%x) = %+v, want %+v", test.buf, got, test.want)
			}
		})
	}
}

func FuzzNotices(f *testing.F) {
	for _, test := range cuts {
		f.Add(test.buf)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		notices := Notices(b)
		if len(notices) > len(b)/16 {
			t.Errorf("Notices(%x) = %d notices from %d bytes", b, len(notices), len(b))
		}
		for _, n := range notices {
			if bytes.IndexByte([]byte(n.Name), 0) >= 0 || !bytes.Contains(b, []byte(n.Name)) {
				t.Errorf("Notices(%x) has the name %q", b, n.Name)
			}
		}
	})
}

// readNotices reads until there are as many as wanted.
func expectNotices(t *testing.T, inotify FD, want ...Notice) {
	t.Helper()
	var got []Notice
	buf := make([]byte, 4096)
	eventually(t, "enough notices", func() bool {
		n, err := inotify.Read(buf)
		if err != nil && !errors.Is(err, syscall.EAGAIN) {
			t.Fatalf("Read() = %v", err)
		}
		got = append(got, Notices(buf[:n])...)
		return len(got) >= len(want)
	})
	if !slices.Equal(got, want) {
		t.Errorf("notices are %+v, want %+v", got, want)
	}
}

func TestWatch(t *testing.T) {
	t.Parallel()
	path, dir := openDir(t)
	inotify, err := NewInotify()
	if err != nil {
		t.Fatal(err)
	}
	defer inotify.Close()
	watch, err := inotify.Watch(dir, Created|Arrived|Deleted|Departed|Renamed)
	if err != nil {
		t.Fatalf("Watch() = %v", err)
	}
	again, err := Here.OpenHandle(path)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if got, err := inotify.Watch(again, Created|Arrived|Deleted|Departed|Renamed); got != watch || err != nil {
		t.Errorf("Watch() of the same directory = %d, %v, want %d", got, err, watch)
	}
	if _, err := inotify.Read(make([]byte, 4096)); !errors.Is(err, syscall.EAGAIN) {
		t.Errorf("Read() when nothing has changed = %v, want %v", err, syscall.EAGAIN)
	}
	if err := errors.Join(
		os.Mkdir(path+"/web", 0o700), os.WriteFile(path+"/x", nil, 0o600),
		os.Rename(path+"/x", path+"/y"), os.Remove(path+"/web"),
	); err != nil {
		t.Fatal(err)
	}
	expectNotices(
		t, inotify,
		Notice{watch, Created | OfDir, "web"}, Notice{watch, Created, "x"},
		Notice{watch, Departed, "x"}, Notice{watch, Arrived, "y"}, Notice{watch, Deleted | OfDir, "web"},
	)
	if err := inotify.Unwatch(watch); err != nil {
		t.Errorf("Unwatch() = %v", err)
	}
	expectNotices(t, inotify, Notice{watch, Dropped, ""})
	if err := inotify.Unwatch(watch); !errors.Is(err, syscall.EINVAL) {
		t.Errorf("Unwatch() for the second time = %v, want %v", err, syscall.EINVAL)
	}
}

func TestWatchOnlyDirectories(t *testing.T) {
	t.Parallel()
	_, dir := openDir(t)
	inotify, err := NewInotify()
	if err != nil {
		t.Fatal(err)
	}
	defer inotify.Close()
	file, err := dir.Open("file", Truncate, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := inotify.Watch(file, Modified); !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("Watch() of a file = %v, want %v", err, syscall.ENOTDIR)
	}
	if _, err := inotify.Watch(None, Modified); !errors.Is(err, syscall.ENOENT) {
		t.Errorf("Watch() of nothing = %v, want %v", err, syscall.ENOENT)
	}
}
