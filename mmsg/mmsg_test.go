package mmsg

import (
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// box is headers and the bytes they are of.
type box struct {
	heads [4]Header
	parts [4]unix.Iovec
	bytes [4][16]byte
}

func newBox(texts ...string) *box {
	b := &box{}
	for i := range b.heads {
		b.parts[i].Base = &b.bytes[i][0]
		b.parts[i].SetLen(len(b.bytes[i]))
		if i < len(texts) {
			b.parts[i].SetLen(copy(b.bytes[i][:], texts[i]))
		}
		b.heads[i].Iov = &b.parts[i]
		b.heads[i].SetIovlen(1)
	}
	return b
}

func control(t *testing.T, c *net.UDPConn, f func(fd uintptr)) {
	t.Helper()
	raw, err := c.SyscallConn()
	if err == nil {
		err = raw.Control(f)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestManyDatagramsGoAndComeByOneCall(t *testing.T) {
	to, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	from, err := net.DialUDP("udp4", nil, to.LocalAddr().(*net.UDPAddr))
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	for _, quiet := range []bool{false, true} {
		in, out := newBox(), newBox("one", "two!", "three")
		control(t, to, func(fd uintptr) {
			if n, errno := Receive(fd, in.heads[:], quiet); n != 0 || errno != unix.EAGAIN {
				t.Errorf("quiet %t: of nothing %d came, %v", quiet, n, errno)
			}
		})
		control(t, from, func(fd uintptr) {
			if n, errno := Send(fd, out.heads[:3], quiet); n != 3 || errno != 0 {
				t.Errorf("quiet %t: %d of 3 went, %v", quiet, n, errno)
			}
		})
		control(t, to, func(fd uintptr) {
			if !Await(fd, 10*time.Second) {
				t.Errorf("quiet %t: nothing is there", quiet)
			}
			if n, errno := Receive(fd, in.heads[:], quiet); n != 3 || errno != 0 {
				t.Fatalf("quiet %t: %d of 3 came, %v", quiet, n, errno)
			}
		})
		for i, want := range []string{"one", "two!", "three"} {
			if got := string(in.bytes[i][:in.heads[i].N]); got != want || out.heads[i].N != uint32(len(want)) {
				t.Errorf("quiet %t: %q came, not %q; %d bytes went", quiet, got, want, out.heads[i].N)
			}
		}
	}
}

func TestAnInstantEnds(t *testing.T) {
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	control(t, c, func(fd uintptr) {
		if Await(fd, time.Millisecond) {
			t.Error("something is there")
		}
		if n, errno := Receive(fd, newBox().heads[:], true); n != 0 || errno != unix.EAGAIN {
			t.Errorf("%d came, %v", n, errno)
		}
	})
}
