package listen

import (
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"

	"rackwright/mmsg"
)

// frames is a batch of datagrams in frames of our own, sent by one system call.
type frames struct {
	fd      int
	n       int
	heads   [batch]mmsg.Header
	to      [batch]unix.RawSockaddrLinklayer
	parts   [batch]unix.Iovec
	packets [batch][]byte
	of      [batch]*answered
}

// add puts a reply into the batch, which has room, and returns where its message is then.
func (f *frames) add(a *answered, from netip.AddrPort) []byte {
	i := f.n
	f.n++
	f.packets[i] = datagram(f.packets[i][:0], from, a.reply.Dest, a.reply.Bytes)
	f.to[i] = unix.RawSockaddrLinklayer{Family: unix.AF_PACKET, Protocol: htons(unix.ETH_P_IP), Ifindex: int32(a.ifindex), Halen: 6}
	copy(f.to[i].Addr[:], a.reply.Frame[:])
	f.parts[i].Base = &f.packets[i][0]
	f.parts[i].SetLen(len(f.packets[i]))
	h := &f.heads[i]
	h.Name, h.Namelen, h.Iov = (*byte)(unsafe.Pointer(&f.to[i])), unix.SizeofSockaddrLinklayer, &f.parts[i]
	h.SetIovlen(1)
	f.of[i] = a
	return f.payload(i)
}

// flush sends the batch. It tells of each what became of it.
func (f *frames) flush(done func(i int, err error)) {
	sendAll(uintptr(f.fd), f.heads[:f.n], false, done)
	f.n = 0
}

// payload is the DHCP message of a frame of the batch.
func (f *frames) payload(i int) []byte { return f.packets[i][ipHeader+udpHeader:] }
