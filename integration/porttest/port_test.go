package porttest

import (
	"net"
	"strconv"
	"testing"
)

func TestAPortThatSomebodyListensOnIsNotFree(t *testing.T) {
	stream, datagrams, neither := Free(t), Free(t), Free(t)
	l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(stream))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.ListenPacket("udp", "127.0.0.1:"+strconv.Itoa(datagrams))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for port, want := range map[int]bool{stream: false, datagrams: false, neither: true} {
		if got := free(port); got != want {
			t.Errorf("%d is free: %t, want %t", port, got, want)
		}
	}
	if stream == datagrams || datagrams == neither {
		t.Error("one port was found twice")
	}
}
