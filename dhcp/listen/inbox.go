package listen

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"

	"rackwright/dhcp"
	"rackwright/fault"
	"rackwright/mmsg"
)

// For how long is waited for a message before it is looked whether the socket is closed, while
// strangers wait for the clerk, and while known machines ask without a pause.
const (
	restFor   = 100 * time.Millisecond
	shortRest = time.Millisecond
	instant   = 100 * time.Microsecond
)

// inbox receives what waits in a UDP socket, up to a batch, by one system call (recvmmsg(2)).
// It makes no garbage, of which a busy server would have most from here. One goroutine uses it.
type inbox struct {
	*socket
	heads [batch]mmsg.Header
	from  [batch]unix.RawSockaddrInet4
	parts [batch]unix.Iovec
	rooms [batch][dhcp.MaxMessage + 1]byte
	said  [batch][controlRoom]byte

	receive, poll, brief func(fd uintptr)

	n      int
	failed syscall.Errno
	wait   time.Duration
}

// controlRoom is for the control messages of a datagram: one, of IP_PKTINFO.
const controlRoom = 64

// socket is one for system calls of our own.
type socket struct {
	raw syscall.RawConn

	// The Go scheduler is not told of calls that wait for nothing, nor of a glance: while
	// messages come without a pause its watch over them costs more than they do. At other times
	// it must know when this thread waits, for what else there is to do.
	quiet bool
}

// socketOf is that of a connection.
func socketOf(conn *ipv4.PacketConn) (*socket, error) {
	c, ok := conn.PacketConn.(syscall.Conn)
	if !ok {
		return nil, fault.Internalf("DHCP: a socket that is none of the system's")
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, fault.Internalf("DHCP: socket: %w", err)
	}
	return &socket{raw: raw}, nil
}

func newInbox(s *socket) *inbox {
	b := &inbox{socket: s}
	for i := range b.heads {
		b.parts[i].Base = &b.rooms[i][0]
		b.parts[i].SetLen(len(b.rooms[i]))
		h := &b.heads[i]
		h.Name, h.Control, h.Iov = (*byte)(unsafe.Pointer(&b.from[i])), &b.said[i][0], &b.parts[i]
		h.SetIovlen(1)
	}
	b.receive, b.poll, b.brief = b.takeAll, b.pollOne, b.pollBriefly
	return b
}

// read takes what waits and returns how many. It waits for nothing.
func (b *inbox) read() (int, error) {
	for i := range b.heads {
		h := &b.heads[i]
		h.Namelen = unix.SizeofSockaddrInet4
		h.SetControllen(controlRoom)
	}
	b.n, b.failed = 0, 0
	if err := b.raw.Control(b.receive); err != nil {
		return 0, err
	}
	if b.failed != 0 && !errors.Is(b.failed, unix.EAGAIN) && !errors.Is(b.failed, unix.EINTR) {
		return 0, b.failed
	}
	return b.n, nil
}

func (b *inbox) takeAll(fd uintptr) { b.n, b.failed = mmsg.Receive(fd, b.heads[:], b.quiet) }

// rest waits for a message in a system call of this thread's own. Go's poller would have it
// wait for whatever else computes, up to 10 ms; the kernel lets who waited go first.
func (b *inbox) rest(short bool) error {
	b.wait = restFor
	if short {
		b.wait = shortRest
	}
	return b.raw.Control(b.poll)
}

func (b *inbox) pollOne(fd uintptr) {
	_, _ = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(b.wait.Milliseconds())) // whatever it says, the socket is read next
}

// glance takes what comes in the next instant, for which the Go scheduler waits with us.
func (b *inbox) glance() (int, error) {
	if err := b.raw.Control(b.brief); err != nil {
		return 0, err
	}
	return b.read()
}

func (b *inbox) pollBriefly(fd uintptr) { _ = mmsg.Await(fd, instant) } // whatever it says, the socket is read next

// bytes are the i-th datagram, good until the next read.
func (b *inbox) bytes(i int) []byte { return b.rooms[i][:min(int(b.heads[i].N), len(b.rooms[i]))] }

// sender is who sent the i-th datagram.
func (b *inbox) sender(i int) netip.AddrPort {
	from := &b.from[i]
	port := (*[2]byte)(unsafe.Pointer(&from.Port))
	return netip.AddrPortFrom(netip.AddrFrom4(from.Addr), binary.BigEndian.Uint16(port[:]))
}

// arrived is where the i-th datagram arrived: the interface, and the address it was sent to.
// It reports false where the kernel does not say.
func (b *inbox) arrived(i int) (ifindex int, to netip.Addr, ok bool) {
	for oob := b.said[i][:min(int(b.heads[i].Controllen), controlRoom)]; len(oob) > 0; {
		head, data, rest, err := unix.ParseOneSocketControlMessage(oob)
		if err != nil {
			return 0, to, false
		}
		if head.Level == unix.IPPROTO_IP && head.Type == unix.IP_PKTINFO && len(data) >= unix.SizeofInet4Pktinfo {
			return int(binary.NativeEndian.Uint32(data)), netip.AddrFrom4([4]byte(data[8:12])), true // struct in_pktinfo: ifindex, spec_dst, addr
		}
		oob = rest
	}
	return 0, to, false
}
