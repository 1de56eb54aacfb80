package listen

import (
	"context"
	"errors"
	"net"
	"strconv"
	"syscall"

	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"

	"rackwright/fault"
)

// backlog is how much may wait in a socket, bytes as the kernel counts them: a whole row powers on at once.
const backlog = 8 << 20

// openPort binds the UDP port on all addresses with broadcast allowed and with the
// interface and destination of each datagram told.
func openPort(ctx context.Context, port uint16) (*ipv4.PacketConn, error) {
	lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var opt error
		err := c.Control(func(fd uintptr) {
			opt = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_BROADCAST, 1)
			if unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, backlog) != nil { // past the system's limit, with CAP_NET_ADMIN
				_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, backlog)
			}
		})
		return errors.Join(err, opt)
	}}
	c, err := lc.ListenPacket(ctx, "udp4", ":"+strconv.Itoa(int(port)))
	if err != nil {
		return nil, portFault(port, err)
	}
	conn := ipv4.NewPacketConn(c)
	if err := conn.SetControlMessage(ipv4.FlagInterface|ipv4.FlagDst, true); err != nil {
		return nil, errors.Join(fault.Internalf("DHCP: the system does not tell the interface of a datagram: %w", err), c.Close())
	}
	return conn, nil
}

// portFault says why a port cannot be had and what to do about it.
func portFault(port uint16, err error) error {
	switch {
	case errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPERM):
		return fault.Deniedf("DHCP: may not open UDP port %d: %w", port, err).WithHint(
			"run as root, or give the program the right: setcap cap_net_bind_service,cap_net_raw,cap_net_admin+ep $(command -v rackwright); under systemd AmbientCapabilities=CAP_NET_BIND_SERVICE CAP_NET_RAW CAP_NET_ADMIN")
	case errors.Is(err, unix.EADDRINUSE):
		return fault.Conflictf("DHCP: UDP port %d is in use by another program, most likely another DHCP server: %w", port, err).WithHint(
			"see which: ss -ulpn 'sport = :%d'; stop it, or switch DHCP off here in the configuration", port)
	}
	return fault.Internalf("DHCP: open UDP port %d: %w", port, err)
}
