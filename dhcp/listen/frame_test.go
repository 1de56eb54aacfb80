package listen

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"rackwright/dhcp"
)

func TestADatagramsChecksumsAreRight(t *testing.T) {
	from, dest := netip.MustParseAddrPort("10.0.0.1:67"), netip.MustParseAddrPort("10.0.0.11:68")
	for _, payload := range []string{"", "a", "ab", "an odd number of bytes", string(make([]byte, 1472)), "\xff\xff\xff\xff"} {
		b := datagram(nil, from, dest, []byte(payload))
		if got := fold(sum(b[:ipHeader])); got != 0xffff {
			t.Errorf("%d bytes: the header adds up to %#x", len(payload), got)
		}
		if got := fold(sum(b[12:20]) + 17 + uint32(len(b)-ipHeader) + sum(b[ipHeader:])); got != 0xffff {
			t.Errorf("%d bytes: the datagram adds up to %#x", len(payload), got)
		}
		if len(b) != 28+len(payload) || string(b[28:]) != payload {
			t.Errorf("%d bytes became %d", len(payload), len(b))
		}
	}
}

func TestABatchOfFramesArrivesAndOneThatCannotBeSentIsTold(t *testing.T) {
	fr, err := openFramer()
	if err != nil {
		t.Skipf("%v; run it as root", err)
	}
	defer fr.close()
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		t.Skip(err)
	}
	there, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, int(htons(unix.ETH_P_IP)))
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(there)
	wait := unix.NsecToTimeval(int64(10 * time.Second))
	if err := errors.Join(unix.Bind(there, &unix.SockaddrLinklayer{Protocol: htons(unix.ETH_P_IP), Ifindex: lo.Index}), unix.SetsockoptTimeval(there, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &wait)); err != nil {
		t.Fatal(err)
	}
	to, from := netip.MustParseAddrPort("192.0.2.9:68"), netip.MustParseAddrPort("192.0.2.1:67")
	f := &frames{fd: fr.fd}
	for round := range 2 { // the memory of the first is used again
		for i := range 3 {
			ifindex := lo.Index
			if i == 1 {
				ifindex = 1 << 30
			}
			f.add(&answered{arrival: arrival{ifindex: ifindex}, reply: dhcp.Swift{Bytes: []byte{byte(round), byte(i)}, Dest: to}}, from)
		}
		failed := map[int]bool{}
		f.flush(func(i int, err error) { failed[i] = err != nil })
		if len(failed) != 3 || failed[0] || !failed[1] || failed[2] {
			t.Fatalf("failed: %v", failed)
		}
		for _, want := range []byte{0, 2} {
			whole := datagram(nil, from, to, []byte{byte(round), want})
			got := false
			for b := make([]byte, 2048); !got; { // others' packets come by too
				n, _, err := unix.Recvfrom(there, b, 0)
				if err != nil {
					t.Fatalf("%d of round %d did not come: %v", want, round, err)
				}
				got = bytes.Equal(b[:n], whole)
			}
		}
	}
}
