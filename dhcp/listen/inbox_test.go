package listen

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/net/ipv4"

	"rackwright/dhcp"
)

// opened is a port of the server's.
func opened(t *testing.T) (*ipv4.PacketConn, *socket) {
	t.Helper()
	conn, err := openPort(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	sock, err := socketOf(conn)
	if err != nil {
		t.Fatal(err)
	}
	return conn, sock
}

// receiving is an inbox on all addresses, and a socket that sends to it over loopback.
func receiving(t *testing.T) (*inbox, *net.UDPConn, func() error) {
	t.Helper()
	conn, sock := opened(t)
	in := newInbox(sock)
	to := conn.LocalAddr().(*net.UDPAddr)
	c, err := net.DialUDP("udp4", nil, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: to.Port})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return in, c, conn.Close
}

func TestWhatWaitsIsReceivedAtOnceWithItsSenderAndPlace(t *testing.T) {
	in, c, _ := receiving(t)
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		t.Fatal(err)
	}
	if n, err := in.read(); n != 0 || err != nil {
		t.Errorf("%d datagrams of none, %v", n, err)
	}
	for turn := range 2 {
		for i := range 5 {
			if _, err := c.Write(bytes.Repeat([]byte{byte(i)}, 300+turn+i)); err != nil {
				t.Fatal(err)
			}
		}
		n, err := in.read()
		if n != 5 || err != nil {
			t.Fatalf("%d datagrams, %v", n, err)
		}
		for i := range n {
			ifindex, to, ok := in.arrived(i)
			if b := in.bytes(i); len(b) != 300+turn+i || b[0] != byte(i) || in.sender(i) != c.LocalAddr().(*net.UDPAddr).AddrPort() ||
				!ok || ifindex != lo.Index || to != netip.MustParseAddr("127.0.0.1") {
				t.Errorf("datagram %d: %d bytes from %s to %s by %d %t", i, len(b), in.sender(i), to, ifindex, ok)
			}
		}
	}
}

func TestADatagramThatIsTooLongIsSeenToBe(t *testing.T) {
	in, c, _ := receiving(t)
	if _, err := c.Write(make([]byte, 9000)); err != nil {
		t.Fatal(err)
	}
	if n, err := in.read(); n != 1 || err != nil || len(in.bytes(0)) != dhcp.MaxMessage+1 {
		t.Errorf("%d datagrams, %d bytes, %v", n, len(in.bytes(0)), err)
	}
}

func TestAClosedSocketEndsTheWait(t *testing.T) {
	in, _, end := receiving(t)
	closed := make(chan error, 1)
	time.AfterFunc(20*time.Millisecond, func() { closed <- end() })
	for range 100 {
		if err := in.rest(false); err != nil {
			if !errors.Is(err, net.ErrClosed) {
				t.Error(err)
			}
			if _, err := in.read(); !errors.Is(err, net.ErrClosed) {
				t.Error(err)
			}
			if err := <-closed; err != nil {
				t.Error(err)
			}
			return
		}
	}
	t.Error("it waits on")
}
