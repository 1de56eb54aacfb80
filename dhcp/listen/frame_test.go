package listen

import (
	"net/netip"
	"testing"
)

func TestADatagramsChecksumsAreRight(t *testing.T) {
	from, dest := netip.MustParseAddrPort("10.0.0.1:67"), netip.MustParseAddrPort("10.0.0.11:68")
	for _, payload := range []string{"", "a", "ab", "an odd number of bytes", string(make([]byte, 1472)), "\xff\xff\xff\xff"} {
		b := datagram(from, dest, []byte(payload))
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
