package dhcp

import (
	"strings"
	"testing"

	"github.com/insomniacslk/dhcp/dhcpv4"
)

func TestARelaysWordsAreShownAsTextOrInHexadecimal(t *testing.T) {
	long := append([]byte{1, 200}, []byte(strings.Repeat("x", 200))...)
	for name, c := range map[string]struct {
		option []byte
		want   Relay
	}{
		"text":            {[]byte("\x01\x08leaf-1/7\x02\x03abc"), Relay{"leaf-1/7", "abc"}},
		"a switch's form": {[]byte{1, 6, 0, 4, 0, 100, 1, 7, 2, 2, 0xff, 0xfe}, Relay{"0x000400640107", "0xfffe"}},
		"nothing":         {nil, Relay{}},
		"cut off":         {[]byte{1, 40, 'a'}, Relay{}},
		"long":            {long, Relay{Circuit: strings.Repeat("x", maxTold)}},
	} {
		m := message(discover, farMAC, via("10.9.0.1"))
		if c.option != nil {
			m.UpdateOption(dhcpv4.OptGeneric(dhcpv4.OptionRelayAgentInformation, c.option))
		}
		if got := relayOf(m); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

// FuzzRelay: whatever a relay writes, what is kept is short and printable.
func FuzzRelay(f *testing.F) {
	f.Add([]byte("\x01\x08leaf-1/7\x02\x03abc"))
	f.Add([]byte{1, 6, 0, 4, 0, 100, 1, 7})
	f.Fuzz(func(t *testing.T, option []byte) {
		m := message(discover, farMAC, dhcpv4.WithGeneric(dhcpv4.OptionRelayAgentInformation, option))
		for _, s := range []string{relayOf(m).Circuit, relayOf(m).Remote} {
			if len(s) > 2*maxTold+2 || strings.ContainsAny(s, "\x00\n\r") {
				t.Fatalf("kept %q", s)
			}
		}
	})
}
