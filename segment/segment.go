// Package segment has the kernel cut a message into datagrams (UDP_SEGMENT, udp(7)): most of
// what a datagram costs to send is then paid once for all of them.
package segment

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"
)

// What a kernel takes at once.
const (
	Most  = 64     // datagrams
	Bytes = 65_000 // of UDP's 65,507
)

// Control appends to oob the control message by which a message is cut into datagrams of
// size bytes; the last may be shorter.
func Control(oob []byte, size int) []byte {
	at := len(oob)
	oob = append(oob, make([]byte, unix.CmsgSpace(2))...)
	h := (*unix.Cmsghdr)(unsafe.Pointer(&oob[at]))
	h.Level, h.Type = unix.IPPROTO_UDP, unix.UDP_SEGMENT
	h.SetLen(unix.CmsgLen(2))
	*(*uint16)(unsafe.Pointer(&oob[at+unix.CmsgLen(0)])) = uint16(size)
	return oob
}

// Refused reports that the kernel, the interface or the path does not cut messages: the
// datagrams must go one by one.
func Refused(err error) bool {
	return errors.Is(err, unix.EIO) || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EMSGSIZE) || errors.Is(err, unix.ENOPROTOOPT)
}
