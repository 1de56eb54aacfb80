package listen

import (
	"net"
	"net/netip"
	"testing"
)

func TestAWatchEndsWithAPacketOrWithoutOne(t *testing.T) {
	p, err := openPort(t.Context(), "127.0.0.1", 0, false)
	if err != nil {
		t.Fatal(err)
	}
	defer p.conn.Close()
	p.watch()
	from, err := net.DialUDP("udp4", nil, p.conn.LocalAddr().(*net.UDPAddr))
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	if _, err := from.Write([]byte("here")); err != nil {
		t.Fatal(err)
	}
	p.watch()
	b := make([]byte, 16)
	if n, _, _, err := p.read(b, nil, false); err != nil || string(b[:n]) != "here" {
		t.Errorf("%q, %v", b[:n], err)
	}
}

// Loaders drop what does not come from the address that they asked.
func TestAnAnswerLeavesFromTheAddressThatWasAsked(t *testing.T) {
	for _, c := range []struct{ network, bound, asked string }{{"udp", ":0", "127.0.0.7"}, {"udp4", "0.0.0.0:0", "127.0.0.7"}, {"udp6", "[::]:0", "::1"}} {
		l, err := net.ListenPacket(c.network, c.bound)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		peer, err := net.ListenPacket("udp", net.JoinHostPort(map[bool]string{true: "127.0.0.1", false: "::1"}[c.asked != "::1"], "0"))
		if err != nil {
			t.Fatal(err)
		}
		defer peer.Close()
		conn := l.(*net.UDPConn)
		if _, _, err := conn.WriteMsgUDP([]byte("data"), (local{addr: netip.MustParseAddr(c.asked)}).from(conn), peer.LocalAddr().(*net.UDPAddr)); err != nil {
			t.Fatal(err)
		}
		_, from, err := peer.ReadFrom(make([]byte, 16))
		if err != nil || from.(*net.UDPAddr).AddrPort().Addr().Unmap() != netip.MustParseAddr(c.asked) {
			t.Errorf("%s: from %v, %v", c.network, from, err)
		}
	}
}
