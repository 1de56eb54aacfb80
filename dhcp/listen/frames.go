package listen

import (
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"

	"rackwright/inventory"
)

// frames is a batch of datagrams in frames of our own, sent by one system call
// (sendmmsg(2)).
type frames struct {
	fd      int
	n       int
	heads   [batch]mmsghdr
	to      [batch]unix.RawSockaddrLinklayer
	parts   [batch]unix.Iovec
	packets [batch][]byte
	notes   [batch]*note // nil where none is written
}

// mmsghdr is the kernel's struct.
type mmsghdr struct {
	head unix.Msghdr
	sent uint32 // or received, bytes
}

// add puts a datagram into the batch, which has room.
func (f *frames) add(ifindex int, to inventory.MAC, from, dest netip.AddrPort, payload []byte, n *note) {
	i := f.n
	f.n++
	f.packets[i] = datagram(f.packets[i][:0], from, dest, payload)
	f.to[i] = unix.RawSockaddrLinklayer{Family: unix.AF_PACKET, Protocol: htons(unix.ETH_P_IP), Ifindex: int32(ifindex), Halen: 6}
	copy(f.to[i].Addr[:], to[:])
	f.parts[i].Base = &f.packets[i][0]
	f.parts[i].SetLen(len(f.packets[i]))
	h := &f.heads[i].head
	h.Name, h.Namelen, h.Iov = (*byte)(unsafe.Pointer(&f.to[i])), unix.SizeofSockaddrLinklayer, &f.parts[i]
	h.SetIovlen(1)
	f.notes[i] = n
}

// flush sends the batch. It tells of each what became of it.
func (f *frames) flush(done func(i int, err error)) {
	for i := 0; i < f.n; {
		sent, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(f.fd), uintptr(unsafe.Pointer(&f.heads[i])), uintptr(f.n-i), 0, 0, 0)
		if errno != 0 || sent == 0 {
			done(i, errno)
			i++
			continue
		}
		for range sent {
			done(i, nil)
			i++
		}
	}
	f.n = 0
}

// payload is the DHCP message of a frame of the batch.
func (f *frames) payload(i int) []byte { return f.packets[i][ipHeader+udpHeader:] }
