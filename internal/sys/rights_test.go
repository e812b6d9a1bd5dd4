// SPDX-License-Identifier: MIT

package sys

import (
	"errors"
	"fmt"
	"syscall"
	"testing"
)

func newRights(t *testing.T) Rights {
	t.Helper()
	r, err := NewRights()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.from.Close()
		r.to.Close()
	})
	return r
}

func TestRights(t *testing.T) {
	t.Parallel()
	rights := newRights(t)
	var pipes [MaxRights][2]FD
	for i := range pipes {
		pipes[i][0], pipes[i][1] = pipe(t)
	}
	// All messages are under way at once; each arrives by itself and in order.
	for n := range MaxRights + 1 {
		var fds []FD
		for _, p := range pipes[:n] {
			fds = append(fds, p[0])
		}
		if err := rights.Send(fds...); err != nil {
			t.Fatalf("Send() of %d = %v", n, err)
		}
	}
	for n := range MaxRights + 1 {
		got, err := rights.Receive()
		if err != nil || len(got) != n {
			t.Fatalf("Receive() = %v, %v, want %d descriptors", got, err, n)
		}
		for i, fd := range got {
			text := fmt.Sprintf("%d of %d", i, n)
			write(t, pipes[i][1], text)
			if got := read(t, fd); got != text {
				t.Errorf("descriptor %d of %d leads to %q, want %q", i, n, got, text)
			}
			if err := fd.Close(); err != nil {
				t.Errorf("Close() of a received descriptor = %v", err)
			}
		}
	}
}

func TestTooManyRights(t *testing.T) {
	t.Parallel()
	rights := newRights(t)
	r, _ := pipe(t)
	if err := rights.Send(r, r, r, r, r); err != nil {
		t.Fatalf("Send() = %v", err)
	}
	got, err := rights.Receive()
	if !errors.Is(err, syscall.EMFILE) || len(got) != MaxRights {
		t.Errorf("Receive() of %d = %v, %v, want %d of them and %v", MaxRights+1, got, err, MaxRights, syscall.EMFILE)
	}
	for _, fd := range got {
		fd.Close()
	}
	// What did not fit does not spoil the next message.
	if err := rights.Send(r); err != nil {
		t.Fatalf("Send() = %v", err)
	}
	got, err = rights.Receive()
	if err != nil || len(got) != 1 {
		t.Fatalf("Receive() = %v, %v, want 1 descriptor", got, err)
	}
	got[0].Close()
}

func TestSendNothing(t *testing.T) {
	t.Parallel()
	rights := newRights(t)
	if err := rights.Send(None); !errors.Is(err, syscall.EBADF) {
		t.Errorf("Send(%d) = %v, want %v", None, err, syscall.EBADF)
	}
}
