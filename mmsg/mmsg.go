// Package mmsg receives and sends many datagrams by one system call (recvmmsg(2),
// sendmmsg(2)), without garbage. It waits for nothing but in Await.
package mmsg

import (
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Header is the kernel's struct mmsghdr.
type Header struct {
	unix.Msghdr
	N uint32 // bytes that were received or sent
}

// Receive takes what waits in a socket, a datagram for each header, and returns how many came.
// quiet: the Go scheduler is not told of the call. Its watch over calls costs more than they do
// where they come without a pause, and it has nobody else use the processor meanwhile.
func Receive(fd uintptr, in []Header, quiet bool) (int, syscall.Errno) {
	return call(unix.SYS_RECVMMSG, fd, in, quiet)
}

// Send gives a socket a message for each header, and returns how many it took.
func Send(fd uintptr, out []Header, quiet bool) (int, syscall.Errno) {
	return call(unix.SYS_SENDMMSG, fd, out, quiet)
}

func call(trap, fd uintptr, heads []Header, quiet bool) (int, syscall.Errno) {
	at, most := unsafe.Pointer(unsafe.SliceData(heads)), uintptr(len(heads))
	var n uintptr
	var errno syscall.Errno
	if quiet {
		n, _, errno = unix.RawSyscall6(trap, fd, uintptr(at), most, unix.MSG_DONTWAIT, 0, 0)
	} else {
		n, _, errno = unix.Syscall6(trap, fd, uintptr(at), most, unix.MSG_DONTWAIT, 0, 0)
	}
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}

// Await waits until a datagram comes, so long at most, and reports whether one is there. The Go
// scheduler is not told: it is for instants.
func Await(fd uintptr, limit time.Duration) bool {
	fds, left := unix.PollFd{Fd: int32(fd), Events: unix.POLLIN}, unix.NsecToTimespec(limit.Nanoseconds())
	n, _, errno := unix.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&fds)), 1, uintptr(unsafe.Pointer(&left)), 0, 0, 0)
	return errno == 0 && n > 0
}
