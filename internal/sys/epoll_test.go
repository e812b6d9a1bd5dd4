// SPDX-License-Identifier: MIT

package sys

import (
	"errors"
	"slices"
	"syscall"
	"testing"
)

func newEpoll(t *testing.T) Epoll {
	t.Helper()
	e, err := NewEpoll()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.FD.Close() })
	return e
}

func add(t *testing.T, e Epoll, fds ...FD) {
	t.Helper()
	for _, fd := range fds {
		if err := e.Add(fd); err != nil {
			t.Fatalf("Add(%d) = %v", fd, err)
		}
	}
}

func expectReady(t *testing.T, when string, e Epoll, want ...FD) {
	t.Helper()
	got, err := e.Ready(nil)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) || err != nil {
		t.Errorf("%s: Ready() = %v, %v, want %v", when, got, err, want)
	}
}

// TestEdges has each change reported once, whether or not anybody reads.
func TestEdges(t *testing.T) {
	t.Parallel()
	e := newEpoll(t)
	r, w, err := Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	add(t, e, r)
	expectReady(t, "nothing written", e)
	write(t, w, "x")
	expectReady(t, "written", e, r)
	expectReady(t, "not read", e)
	write(t, w, "x")
	expectReady(t, "written again", e, r)
	write(t, w, "x")
	write(t, w, "x")
	expectReady(t, "written twice", e, r)
	expectReady(t, "not read", e)
	if got := read(t, r); got != "xxxx" {
		t.Errorf("Read() = %q, want %q", got, "xxxx")
	}
	expectReady(t, "read", e)
	w.Close()
	expectReady(t, "no writer", e, r)
	expectReady(t, "still no writer", e)
}

// TestEdgeBefore has what was there before the descriptor was added.
func TestEdgeBefore(t *testing.T) {
	t.Parallel()
	e := newEpoll(t)
	r, w := pipe(t)
	write(t, w, "x")
	add(t, e, r)
	expectReady(t, "written before", e, r)
	expectReady(t, "told", e)
}

func TestEpollRemove(t *testing.T) {
	t.Parallel()
	e := newEpoll(t)
	r, w := pipe(t)
	add(t, e, r)
	if err := e.Add(r); !errors.Is(err, syscall.EEXIST) {
		t.Errorf("Add() for the second time = %v, want %v", err, syscall.EEXIST)
	}
	write(t, w, "x")
	if err := e.Remove(r); err != nil {
		t.Errorf("Remove() = %v", err)
	}
	expectReady(t, "removed", e)
	if err := e.Remove(r); !errors.Is(err, syscall.ENOENT) {
		t.Errorf("Remove() for the second time = %v, want %v", err, syscall.ENOENT)
	}
	add(t, e, r)
	expectReady(t, "added again", e, r)
	if err := e.Add(None); !errors.Is(err, syscall.EBADF) {
		t.Errorf("Add() of nothing = %v, want %v", err, syscall.EBADF)
	}
}

// TestManyReady has more than one call reports; none is lost.
func TestManyReady(t *testing.T) {
	t.Parallel()
	e := newEpoll(t)
	const many = 300
	want := map[FD]int{}
	for range many {
		r, w := pipe(t)
		add(t, e, r)
		write(t, w, "x")
		want[r]++
	}
	got := map[FD]int{}
	for total := 0; total < many; {
		ready, err := e.Ready([]FD{None}[:0])
		if err != nil || len(ready) == 0 || len(ready) > 128 {
			t.Fatalf("Ready() = %d descriptors, %v after %d of %d", len(ready), err, total, many)
		}
		for _, fd := range ready {
			got[fd]++
		}
		total += len(ready)
	}
	for fd := range want {
		if got[fd] != 1 {
			t.Errorf("descriptor %d was reported %d times, want once", fd, got[fd])
		}
	}
	expectReady(t, "all reported", e)
}

func TestReadyAppends(t *testing.T) {
	t.Parallel()
	e := newEpoll(t)
	r, w := pipe(t)
	add(t, e, r)
	write(t, w, "x")
	if got, err := e.Ready([]FD{None}); !slices.Equal(got, []FD{None, r}) || err != nil {
		t.Errorf("Ready(%v) = %v, %v, want %v", []FD{None}, got, err, []FD{None, r})
	}
	if _, err := (Epoll{None}).Ready(nil); !errors.Is(err, syscall.EBADF) {
		t.Errorf("Ready() of nothing = %v, want %v", err, syscall.EBADF)
	}
}

// TestEpollInEpoll has an instance that is itself waited for.
func TestEpollInEpoll(t *testing.T) {
	t.Parallel()
	inner, outer := newEpoll(t), newEpoll(t)
	r, w := pipe(t)
	add(t, inner, r)
	add(t, outer, inner.FD)
	expectReady(t, "nothing written", outer)
	write(t, w, "x")
	expectReady(t, "written", outer, inner.FD)
	expectReady(t, "written", inner, r)
	write(t, w, "x")
	expectReady(t, "written again", outer, inner.FD)
}
