package listen

import (
	"net"
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
