package listen

import (
	"encoding/binary"
	"unsafe"

	"golang.org/x/sys/unix"

	"rackwright/mmsg"
	"rackwright/segment"
)

// wire sends a batch of messages from a UDP socket by one system call. One goroutine uses it.
type wire struct {
	*socket
	n     int // messages,
	used  int // and their parts
	heads [batch]mmsg.Header
	to    [batch]unix.RawSockaddrInet4
	parts [batch]unix.Iovec
	said  [batch][controlRoom]byte
}

// clear begins the next batch.
func (w *wire) clear() { w.n, w.used = 0, 0 }

// add puts a train into the batch, which has room. A train of several replies is cut into datagrams
// of size bytes.
func (w *wire) add(t train, size int) {
	i, h := w.n, &w.heads[w.n]
	w.n++
	w.to[i] = unix.RawSockaddrInet4{Family: unix.AF_INET, Addr: t[0].dest.Addr().As4()}
	binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(&w.to[i].Port))[:], t[0].dest.Port())
	parts := w.parts[w.used : w.used+len(t)]
	w.used += len(t)
	for i, p := range t {
		parts[i].Base = &p.bytes[0]
		parts[i].SetLen(len(p.bytes))
	}
	h.Name, h.Namelen, h.Iov, h.Control = (*byte)(unsafe.Pointer(&w.to[i])), unix.SizeofSockaddrInet4, &parts[0], nil
	h.SetIovlen(len(t))
	said := w.said[i][:0]
	switch {
	case len(t) > 1:
		said = segment.Control(said, size)
	case t[0].by != 0:
		said = outOf(said, t[0].by)
	}
	if h.SetControllen(len(said)); len(said) > 0 {
		h.Control = &said[0]
	}
}

// outOf appends the control message that has a datagram go out by an interface (IP_PKTINFO, ip(7)).
func outOf(oob []byte, ifindex int) []byte {
	at := len(oob)
	oob = append(oob, make([]byte, unix.CmsgSpace(unix.SizeofInet4Pktinfo))...)
	h := (*unix.Cmsghdr)(unsafe.Pointer(&oob[at]))
	h.Level, h.Type = unix.IPPROTO_IP, unix.IP_PKTINFO
	h.SetLen(unix.CmsgLen(unix.SizeofInet4Pktinfo))
	binary.NativeEndian.PutUint32(oob[at+unix.CmsgLen(0):], uint32(ifindex))
	return oob
}

// flush sends the batch. It tells of each message what became of it.
func (w *wire) flush(done func(i int, err error)) {
	if w.n == 0 {
		return
	}
	err := w.raw.Control(func(fd uintptr) { sendAll(fd, w.heads[:w.n], w.quiet, done) })
	if err != nil {
		for i := range w.n {
			done(i, err)
		}
	}
}

// patience is for how long is waited until a socket takes a message, ms.
const patience = 20

// sendAll sends messages (sendmmsg(2)) and tells of each what became of it.
func sendAll(fd uintptr, heads []mmsg.Header, quiet bool, done func(i int, err error)) {
	for i, waited := 0, false; i < len(heads); {
		sent, errno := mmsg.Send(fd, heads[i:], quiet)
		if errno == unix.EAGAIN && !waited {
			_, _ = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}, patience) // whatever it says, it is tried once more
			waited = true
			continue
		}
		if waited = false; errno != 0 || sent == 0 {
			done(i, errno)
			i++
			continue
		}
		for range sent {
			done(i, nil)
			i++
		}
	}
}
