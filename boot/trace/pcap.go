package trace

import (
	"cmp"
	"encoding/binary"
	"net/netip"
)

// PCAP writes packets as a capture file (draft-ietf-opsawg-pcap): microseconds, Ethernet.
// The server saw datagrams only: Ethernet, IP and UDP headers are made up from what is known
// of each, with 02:00:00:00:00:00 for the server.
func PCAP(packets []Packet) []byte {
	le := binary.LittleEndian
	out := le.AppendUint32(nil, 0xa1b2c3d4)
	out = le.AppendUint16(le.AppendUint16(out, 2), 4)
	for _, n := range []uint32{0, 0, 65535, 1} {
		out = le.AppendUint32(out, n)
	}
	for _, p := range packets {
		f := frame(&p)
		cut := max(0, p.Whole-len(p.Message))
		for _, n := range []uint32{uint32(p.At.Unix()), uint32(p.At.Nanosecond() / 1000), uint32(len(f)), uint32(len(f) + cut)} {
			out = le.AppendUint32(out, n)
		}
		out = append(out, f...)
	}
	return out
}

// frame puts a datagram into Ethernet (DIX), IP and UDP (RFC 768).
func frame(p *Packet) []byte {
	us := []byte{2, 0, 0, 0, 0, 0}
	to, from := us, p.MAC[:]
	if p.Sent {
		to, from = p.MAC[:], us
	}
	dst := p.To.Addr()
	switch last := dst.AsSlice(); {
	case dst == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		to = []byte{255, 255, 255, 255, 255, 255}
	case p.Six() && dst.IsMulticast() && len(last) == 16:
		to = append([]byte{0x33, 0x33}, last[12:]...) // RFC 2464 section 7
	}
	out := append(append([]byte{}, to...), from...)
	if p.Six() {
		return append(out, packetSix(p)...)
	}
	return append(out, packetFour(p)...)
}

// packetFour is IPv4 (RFC 791). A checksum of UDP needs the whole datagram, so there is none.
func packetFour(p *Packet) []byte {
	be := binary.BigEndian
	n := min(p.Whole, 65535-28)
	ip := be.AppendUint16([]byte{0x45, 0}, uint16(20+8+n))
	ip = append(ip, 0, 0, 0, 0, 64, 17, 0, 0)
	src, dst := four(p.From.Addr()), four(p.To.Addr())
	ip = append(append(ip, src[:]...), dst[:]...)
	be.PutUint16(ip[10:], sum(ip))
	return append(append(be.AppendUint16(nil, 0x0800), ip...), datagram(p, n)...)
}

// packetSix is IPv6 (RFC 8200), where UDP must have a checksum (section 8.1): nobody can
// check that of a datagram that was cut.
func packetSix(p *Packet) []byte {
	be := binary.BigEndian
	n := min(p.Whole, 65535-8)
	udp := datagram(p, n)
	src, dst := p.From.Addr().As16(), sixteen(p.To.Addr())
	pseudo := be.AppendUint32(append(append([]byte{}, src[:]...), dst[:]...), uint32(8+n))
	pseudo = append(append(pseudo, 0, 0, 0, 17), udp...)
	be.PutUint16(udp[6:], cmp.Or(sum(append(pseudo, make([]byte, len(udp)%2)...)), 0xffff))
	ip := append(be.AppendUint16(nil, 0x86dd), 0x60, 0, 0, 0)
	ip = append(be.AppendUint16(ip, uint16(8+n)), 17, 64)
	return append(append(append(ip, src[:]...), dst[:]...), udp...)
}

// datagram is UDP without a checksum, of so many bytes of which some may be cut.
func datagram(p *Packet, n int) []byte {
	be := binary.BigEndian
	out := be.AppendUint16(be.AppendUint16(nil, p.From.Port()), p.To.Port())
	return append(be.AppendUint16(be.AppendUint16(out, uint16(8+n)), 0), p.Message...)
}

func sixteen(a netip.Addr) [16]byte {
	if a.IsValid() {
		return a.As16()
	}
	return [16]byte{}
}

func four(a netip.Addr) [4]byte {
	if a = a.Unmap(); a.Is4() {
		return a.As4()
	}
	return [4]byte{}
}

// sum is the Internet checksum (RFC 1071) of an even number of bytes.
func sum(b []byte) uint16 {
	var n uint32
	for i := 0; i+1 < len(b); i += 2 {
		n += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	for n>>16 > 0 {
		n = n&0xffff + n>>16
	}
	return ^uint16(n)
}
