package listen

import (
	"syscall"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

// For how long is waited for a message before it is looked whether the socket is closed, and
// while strangers wait for the clerk.
const (
	restFor   = 100 * time.Millisecond
	shortRest = time.Millisecond
)

// rest waits for a message in a system call of this thread's own. Go's poller would have it
// wait for whatever else computes, up to 10 ms; the kernel lets who waited go first.
func rest(conn *ipv4.PacketConn, short bool) error {
	wait := restFor
	if short {
		wait = shortRest
	}
	c, err := conn.PacketConn.(syscall.Conn).SyscallConn()
	if err != nil {
		return err
	}
	return c.Control(func(fd uintptr) {
		_, _ = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(wait.Milliseconds())) // whatever it says, the socket is read next
	})
}
