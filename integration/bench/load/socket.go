package load

import (
	"fmt"
	"net"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"rackwright/mmsg"
	"rackwright/segment"
)

// socket sends and receives batches over a connected UDP socket, by system calls of which the
// Go scheduler is not told: its watch over them would take a quarter of the processor that the
// clients have. They take microseconds, but for a wait, which is bounded. What is sent goes to
// the kernel as one message, which it cuts into datagrams of one size.
type socket struct {
	fd    uintptr
	size  int // of what is sent
	in    [batch]mmsg.Header
	parts [batch]unix.Iovec
	rooms [batch][1500]byte
	out   []byte
}

// within has f use the socket of a connection for sending datagrams of a size.
func within(conn *net.UDPConn, size int, f func(*socket) error) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	s := &socket{size: size, out: make([]byte, 0, min(segment.Most, segment.Bytes/size)*size)}
	for i := range s.in {
		s.parts[i].Base = &s.rooms[i][0]
		s.parts[i].SetLen(len(s.rooms[i]))
		s.in[i].Iov = &s.parts[i]
		s.in[i].SetIovlen(1)
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		s.fd = fd
		if failed = unix.SetsockoptInt(int(fd), unix.IPPROTO_UDP, unix.UDP_SEGMENT, size); failed == nil {
			failed = f(s)
		}
	})
	if failed != nil {
		return failed
	}
	return err
}

// receive returns how many datagrams have come, after a wait when there are none.
func (s *socket) receive(wait time.Duration) (int, error) {
	n, err := s.read()
	if n > 0 || err != nil {
		return n, err
	}
	_ = mmsg.Await(s.fd, wait) // whatever it says, the socket is read next
	return s.read()
}

func (s *socket) read() (int, error) {
	n, errno := mmsg.Receive(s.fd, s.in[:], true)
	switch errno {
	case 0:
		return n, nil
	case unix.EAGAIN, unix.EINTR, unix.ECONNREFUSED:
		return 0, nil
	}
	return 0, fmt.Errorf("receive: %w", errno)
}

// got is the i-th datagram that was received last.
func (s *socket) got(i int) []byte { return s.rooms[i][:s.in[i].N] }

// room is for one more datagram to be sent.
func (s *socket) room() ([]byte, error) {
	if len(s.out)+s.size > cap(s.out) {
		if err := s.flush(); err != nil {
			return nil, err
		}
	}
	s.out = s.out[:len(s.out)+s.size]
	return s.out[len(s.out)-s.size:], nil
}

// flush sends what there is.
func (s *socket) flush() error {
	for len(s.out) > 0 {
		_, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, s.fd, uintptr(unsafe.Pointer(&s.out[0])), uintptr(len(s.out)), 0, 0, 0)
		switch errno {
		case 0, unix.ECONNREFUSED: // there is no server yet: its host said so to an earlier message
			s.out = s.out[:0]
		case unix.EINTR, unix.EAGAIN:
		default:
			return fmt.Errorf("send: %w", errno)
		}
	}
	return nil
}
