package listen

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"runtime"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"

	"rackwright/mmsg"
)

// port is one socket.
type port struct {
	conn  *net.UDPConn
	raw   syscall.RawConn
	plain atomic.Bool // no segmentation offload: each block is a system call
}

const (
	oobSize       = 128     // bytes of control messages
	receiveBuffer = 1 << 20 // bytes that wait in the kernel
)

// openPort opens a socket for both families, or for IPv4 where the host is of it or the
// kernel has no IPv6. The front one is told at which of our addresses a packet arrived,
// because the answers have to leave from there.
func openPort(ctx context.Context, host string, number uint16, front bool) (*port, error) {
	network, lc := "udp6", net.ListenConfig{Control: bothFamilies}
	if a, err := netip.ParseAddr(host); host != "" && (err != nil || a.Unmap().Is4()) {
		network, lc.Control = "udp4", nil
	}
	at := net.JoinHostPort(host, strconv.Itoa(int(number)))
	c, err := lc.ListenPacket(ctx, network, at)
	if err != nil && host == "" && errors.Is(err, unix.EAFNOSUPPORT) {
		c, err = new(net.ListenConfig).ListenPacket(ctx, "udp4", at)
	}
	if err != nil {
		return nil, err
	}
	conn := c.(*net.UDPConn)
	_ = conn.SetReadBuffer(receiveBuffer) // what the kernel grants
	raw, err := conn.SyscallConn()
	if err != nil {
		conn.Close()
		return nil, err
	}
	if !front {
		return &port{conn: conn, raw: raw}, nil
	}
	if err6 := ipv6.NewPacketConn(conn).SetControlMessage(ipv6.FlagDst|ipv6.FlagInterface, true); err6 != nil {
		err = ipv4.NewPacketConn(conn).SetControlMessage(ipv4.FlagDst, true)
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return &port{conn: conn, raw: raw}, nil
}

// bothFamilies makes a socket of IPv6 take IPv4 too. Go does so by itself where it finds IPv6
// on loopback; a namespace may have it elsewhere only.
func bothFamilies(_, _ string, c syscall.RawConn) error {
	var err error
	if cerr := c.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 0) }); cerr != nil {
		return cerr
	}
	return err
}

// prompt is how soon a machine next door acknowledges a block.
const prompt = 200 * time.Microsecond

// watch looks for a packet without going to sleep, that long at most. Without windows each block
// is a wake-up otherwise, here and at the other processor, which takes longer than all else.
// Whoever is ready to run does so in between.
func (p *port) watch() {
	_ = p.raw.Control(func(fd uintptr) {
		for began := time.Now(); !mmsg.Await(fd, 0) && time.Since(began) < prompt; {
			runtime.Gosched()
		}
	})
}

// read takes a packet; at which address it arrived is asked only of requests.
func (p *port) read(b, oob []byte, where bool) (n, noob int, from netip.AddrPort, err error) {
	if !where {
		n, from, err = p.conn.ReadFromUDPAddrPort(b)
		return n, 0, from, err
	}
	n, noob, _, from, err = p.conn.ReadMsgUDPAddrPort(b, oob)
	return n, noob, from, err
}

// local is one of our addresses, as packets arrive at it.
type local struct {
	addr netip.Addr
	link int // interface of an IPv6 address that is good on one link only, else 0
}

// localOf reads it from the control messages that came with a packet.
func localOf(oob []byte) (l local) {
	var m6 ipv6.ControlMessage
	if m6.Parse(oob) == nil && m6.Dst != nil {
		l.addr, _ = netip.AddrFromSlice(m6.Dst)
		if l.addr = l.addr.Unmap(); l.addr.IsLinkLocalUnicast() && l.addr.Is6() {
			l.link = m6.IfIndex
		}
		return l
	}
	var m4 ipv4.ControlMessage
	if m4.Parse(oob) == nil && m4.Dst != nil {
		l.addr, _ = netip.AddrFromSlice(m4.Dst.To4())
	}
	return l
}

// from is the control message that makes a packet leave from there. A multicast or
// broadcast address is not ours to send from.
func (l local) from(conn *net.UDPConn) []byte {
	if !l.addr.IsValid() || l.addr.IsMulticast() || l.addr == netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
		return nil
	}
	if own, ok := conn.LocalAddr().(*net.UDPAddr); ok && own.IP.To4() != nil && !own.IP.IsUnspecified() {
		return nil // bound to it
	}
	if l.addr.Is4() { // of a socket of both families too
		return (&ipv4.ControlMessage{Src: l.addr.AsSlice()}).Marshal()
	}
	return (&ipv6.ControlMessage{Src: l.addr.AsSlice(), IfIndex: l.link}).Marshal()
}

// pathMTU is the largest packet that gets to a peer whole, as the kernel knows it.
func pathMTU(peer netip.AddrPort) (int, error) {
	family, level, option := unix.AF_INET6, unix.IPPROTO_IPV6, unix.IPV6_MTU
	var to unix.Sockaddr = &unix.SockaddrInet6{Port: int(peer.Port()), Addr: peer.Addr().As16(), ZoneId: zoneOf(peer.Addr())}
	if peer.Addr().Is4() {
		family, level, option = unix.AF_INET, unix.IPPROTO_IP, unix.IP_MTU
		to = &unix.SockaddrInet4{Port: int(peer.Port()), Addr: peer.Addr().As4()}
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	if err := unix.Connect(fd, to); err != nil {
		return 0, err
	}
	return unix.GetsockoptInt(fd, level, option)
}

func zoneOf(a netip.Addr) uint32 {
	if a.Zone() == "" {
		return 0
	}
	if n, err := strconv.Atoi(a.Zone()); err == nil {
		return uint32(n)
	}
	i, err := net.InterfaceByName(a.Zone())
	if err != nil {
		return 0
	}
	return uint32(i.Index)
}

// mostBlock is the largest block that gets to a peer in one packet: what is left of the
// path's MTU behind the headers of IP, UDP and TFTP.
func mostBlock(peer netip.AddrPort, asked int) int {
	headers := 40 + 8 + 4
	if peer.Addr().Is4() {
		headers -= 20
	}
	const everywhere = 1280 // bytes, the least MTU of IPv6; IPv4's is lower and seen nowhere
	if asked <= everywhere-headers {
		return asked
	}
	mtu, err := pathMTU(peer)
	if err != nil {
		mtu = 1500
	}
	return max(plainBlock, mtu-headers)
}

// plainBlock is what goes without an option (RFC 1350).
const plainBlock = 512
