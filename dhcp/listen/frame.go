package listen

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/sys/unix"

	"rackwright/fault"
	"rackwright/inventory"
)

// framer sends datagrams to clients that cannot answer ARP yet (RFC 2131 section 4.1): in
// frames of its own, so that the kernel's neighbours stay as they are
// (docs/decisions/0047).
type framer struct{ fd int }

// openFramer needs CAP_NET_RAW.
func openFramer() (*framer, error) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0) // protocol 0: receives nothing
	if err != nil {
		return nil, fault.Deniedf("DHCP: no packet socket: %w", err).WithHint("grant CAP_NET_RAW; until then clients without an address are answered by broadcast")
	}
	return &framer{fd}, nil
}

func (f *framer) close() { _ = unix.Close(f.fd) }

// send sends a UDP datagram out of an interface to a MAC.
func (f *framer) send(ifindex int, to inventory.MAC, from, dest netip.AddrPort, payload []byte) error {
	ll := &unix.SockaddrLinklayer{Protocol: htons(unix.ETH_P_IP), Ifindex: ifindex, Halen: 6}
	copy(ll.Addr[:], to[:])
	return unix.Sendto(f.fd, datagram(nil, from, dest, payload), 0, ll)
}

func htons(n uint16) uint16 { return n<<8 | n>>8 }

// Lengths of the headers, bytes.
const (
	ipHeader  = 20
	udpHeader = 8
)

// datagram writes an IPv4 packet (RFC 791) with a UDP datagram (RFC 768) into room.
func datagram(room []byte, from, dest netip.AddrPort, payload []byte) []byte {
	b := append(room[:0], make([]byte, ipHeader+udpHeader)...)
	src, dst := from.Addr().As4(), dest.Addr().As4()
	b[0], b[8], b[9] = 0x45, 64, unix.IPPROTO_UDP
	binary.BigEndian.PutUint16(b[2:], uint16(ipHeader+udpHeader+len(payload)))
	b[6] = 0x40 // do not fragment
	copy(b[12:], src[:])
	copy(b[16:], dst[:])
	binary.BigEndian.PutUint16(b[10:], ^fold(sum(b[:ipHeader])))
	udp := b[ipHeader:]
	binary.BigEndian.PutUint16(udp, from.Port())
	binary.BigEndian.PutUint16(udp[2:], dest.Port())
	binary.BigEndian.PutUint16(udp[4:], uint16(udpHeader+len(payload)))
	b = append(b, payload...)
	pseudo := sum(b[12:20]) + unix.IPPROTO_UDP + uint32(udpHeader+len(payload))
	check := ^fold(pseudo + sum(b[ipHeader:]))
	if check == 0 {
		check = 0xffff // 0 says that there is none
	}
	binary.BigEndian.PutUint16(b[ipHeader+6:], check)
	return b
}

// sum adds 16-bit words (RFC 1071); a message is too short for it to overflow.
func sum(b []byte) (n uint32) {
	for ; len(b) > 1; b = b[2:] {
		n += uint32(binary.BigEndian.Uint16(b))
	}
	if len(b) == 1 {
		n += uint32(b[0]) << 8
	}
	return n
}

func fold(n uint32) uint16 {
	for n > 0xffff {
		n = n>>16 + n&0xffff
	}
	return uint16(n)
}
