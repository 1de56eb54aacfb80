package trace

import (
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

// frame puts a datagram into Ethernet (DIX), IPv4 (RFC 791) and UDP (RFC 768). A checksum of
// UDP needs the whole datagram, so there is none.
func frame(p *Packet) []byte {
	us, all := []byte{2, 0, 0, 0, 0, 0}, []byte{255, 255, 255, 255, 255, 255}
	to, from := us, p.MAC[:]
	if p.Sent {
		to, from = p.MAC[:], us
	}
	if p.To.Addr() == netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
		to = all
	}
	be := binary.BigEndian
	out := be.AppendUint16(append(append([]byte{}, to...), from...), 0x0800)
	n := min(p.Whole, 65535-28)
	ip := be.AppendUint16([]byte{0x45, 0}, uint16(20+8+n))
	ip = append(ip, 0, 0, 0, 0, 64, 17, 0, 0)
	src, dst := four(p.From.Addr()), four(p.To.Addr())
	ip = append(append(ip, src[:]...), dst[:]...)
	be.PutUint16(ip[10:], sum(ip))
	out = append(out, ip...)
	out = be.AppendUint16(be.AppendUint16(out, p.From.Port()), p.To.Port())
	out = be.AppendUint16(be.AppendUint16(out, uint16(8+n)), 0)
	return append(out, p.Message...)
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
