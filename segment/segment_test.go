package segment

import (
	"bytes"
	"errors"
	"net"
	"os"
	"syscall"
	"testing"
	"time"
)

func TestAMessageIsCutIntoDatagrams(t *testing.T) {
	to, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	from, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	message := append(bytes.Repeat([]byte{1}, 300), append(bytes.Repeat([]byte{2}, 300), 3, 3, 3)...)
	if _, _, err := from.WriteMsgUDP(message, Control(nil, 300), to.LocalAddr().(*net.UDPAddr)); err != nil {
		if Refused(err) {
			t.Skipf("this kernel does not cut: %v", err)
		}
		t.Fatal(err)
	}
	_ = to.SetReadDeadline(time.Now().Add(10 * time.Second))
	for _, want := range [][]byte{message[:300], message[300:600], message[600:]} {
		b := make([]byte, 1000)
		n, err := to.Read(b)
		if err != nil || !bytes.Equal(b[:n], want) {
			t.Errorf("%d bytes, %v", n, err)
		}
	}
}

func TestOnlyARefusalIsOne(t *testing.T) {
	if !Refused(os.NewSyscallError("sendmsg", syscall.EIO)) || Refused(nil) || Refused(errors.New("closed")) || Refused(syscall.EPERM) {
		t.Error("what is refused is mistaken")
	}
}
