package dhcp

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"rackwright/inventory"
)

// codesOf lists the options of a message in the order they stand in behind the header.
func codesOf(t *testing.T, b []byte) (out []byte) {
	t.Helper()
	for rest := b[optionAt:]; len(rest) > 1 && rest[0] != 255; {
		out = append(out, rest[0])
		rest = rest[2+int(rest[1]):]
	}
	return out
}

func TestOptionsStandInTheOrderTheClientAskedForThem(t *testing.T) {
	w := newWorld(nil)
	ans := w.ask(message(discover, knownMAC, dhcpv4.WithRequestedOptions(dhcpv4.OptionNTPServers, dhcpv4.OptionRouter, dhcpv4.OptionSubnetMask, dhcpv4.OptionDomainNameServer),
		dhcpv4.WithGeneric(dhcpv4.OptionRelayAgentInformation, []byte{1, 1, 'p'}), dhcpv4.WithOption(dhcpv4.OptClientIdentifier([]byte{1, 2, 3}))))
	if got := codesOf(t, ans.Bytes()); !slices.Equal(got, []byte{53, 54, 51, 1, 42, 3, 6, 58, 59, 61, 82}) {
		t.Errorf("options stand as %v", got)
	}
	if id := ans.Reply.Options.Get(dhcpv4.OptionClientIdentifier); !bytes.Equal(id, []byte{1, 2, 3}) {
		t.Errorf("client identifier is %v: RFC 6842", id)
	}
}

func TestALeaseIsRenewedAtHalfItsTime(t *testing.T) {
	r := newWorld(nil).ask(message(request, knownMAC, wants("10.0.0.11"), chose("10.0.0.1"))).Reply
	if r.IPAddressLeaseTime(0).Seconds() != 3600 || r.IPAddressRenewalTime(0).Seconds() != 1800 || r.IPAddressRebindingTime(0).Seconds() != 3150 {
		t.Errorf("reply is\n%s", r.Summary())
	}
	for name, ans := range map[string]Answer{
		"INFORM": newWorld(nil).ask(message(inform, knownMAC, has("10.0.0.11"))),
		"NAK":    newWorld(authoritative).ask(message(request, knownMAC, wants("10.0.0.77"))),
	} {
		for _, code := range []uint8{51, 58, 59} {
			if _, ok := ans.Reply.Options[code]; ok {
				t.Errorf("%s: option %d", name, code)
			}
		}
	}
}

func TestABOOTPClientGets300BytesAndNothingOfDHCP(t *testing.T) {
	w := newWorld(func(prov, _ *inventory.Network) { prov.Domain = strings.Repeat("a.", 40) })
	b := w.ask(message(dhcpv4.MessageTypeNone, knownMAC)).Bytes()
	if len(b) != 300 {
		t.Errorf("%d bytes", len(b))
	}
	for _, code := range codesOf(t, b) {
		if slices.Contains([]byte{51, 53, 54, 58, 59, 52, 15}, code) {
			t.Errorf("option %d", code)
		}
	}
}

func TestABOOTPMessageWithoutACookieIsRead(t *testing.T) {
	m := message(dhcpv4.MessageTypeNone, knownMAC).ToBytes()
	clear(m[vendAt:])
	got, reason := Parse(m[:300])
	if got == nil {
		t.Fatal(reason)
	}
	expect(t, newWorld(nil).ask(got), Booted, "BOOTP", "10.0.0.11", "10.0.0.11:68")
}

// overloaded is a DISCOVER with the halves of its class identifier in file and sname.
func overloaded() []byte {
	b := message(discover, knownMAC, dhcpv4.WithGeneric(dhcpv4.OptionOptionOverload, []byte{3})).ToBytes()
	copy(b[fileAt:], "\x3c\x03PXE\xff")
	copy(b[snameAt:], "\x3c\x06Client\x37\x01\x06\xff")
	return b
}

func TestOptionsInFileAndSnameAreReadAndPutTogether(t *testing.T) {
	m, reason := Parse(overloaded())
	if m == nil {
		t.Fatal(reason)
	}
	if m.ClassIdentifier() != "PXEClient" || m.BootFileName != "" || m.ServerHostName != "" || !bytes.Equal(m.Options[55], []byte{6}) {
		t.Errorf("read as\n%s", m.Summary())
	}
	bad := overloaded()
	copy(bad[fileAt:], "\x3c\xff")
	for i := range 126 {
		bad[fileAt+2+i] = 'x'
	}
	if m, _ := Parse(bad); m != nil {
		t.Error("an option that runs out of its field is taken")
	}
}

func TestWhatDoesNotFitStandsInFileAndSname(t *testing.T) {
	w := newWorld(func(prov, _ *inventory.Network) {
		prov.Options = []inventory.Option{{Code: 224, Type: inventory.OptionText, Value: strings.Repeat("x", 200), Always: true},
			{Code: 225, Type: inventory.OptionText, Value: strings.Repeat("y", 100), Always: true}, {Code: 226, Type: inventory.OptionText, Value: strings.Repeat("z", 40), Always: true}}
	})
	b := w.ask(message(discover, knownMAC)).Bytes()
	if len(b)+ipUDP > minMessage || !slices.Contains(codesOf(t, b), 52) {
		t.Errorf("%d bytes, options %v", len(b), codesOf(t, b))
	}
	m, err := read(b)
	if err != nil {
		t.Fatal(err)
	}
	for code, want := range map[uint8]int{224: 200, 225: 100, 226: 40, 1: 4, 3: 4, 6: 4} {
		if len(m.Options[code]) != want {
			t.Errorf("option %d has %d bytes", code, len(m.Options[code]))
		}
	}
	if b := w.ask(message(discover, knownMAC, dhcpv4.WithOption(dhcpv4.OptMaxMessageSize(1400)))).Bytes(); slices.Contains(codesOf(t, b), 52) || len(b) < 600 {
		t.Errorf("a client that takes 1400 bytes gets %d, options %v", len(b), codesOf(t, b))
	}
}

func TestALongOptionIsCutInPieces(t *testing.T) {
	w := newWorld(func(prov, _ *inventory.Network) {
		prov.Options = []inventory.Option{{Code: 224, Type: inventory.OptionText, Value: strings.Repeat("x", 300), Always: true}}
	})
	b := w.ask(message(discover, knownMAC, dhcpv4.WithOption(dhcpv4.OptMaxMessageSize(1400)))).Bytes()
	if n := bytes.Count(codesOf(t, b), []byte{224}); n != 2 {
		t.Errorf("%d pieces", n)
	}
	if m, err := read(b); err != nil || len(m.Options[224]) != 300 {
		t.Errorf("read back: %v", err)
	}
}

func TestPlannedOptionsAreSentToWhoAsksAndAModelsComeFirst(t *testing.T) {
	w := newWorld(func(prov, _ *inventory.Network) {
		prov.Options = []inventory.Option{{Code: 209, Type: inventory.OptionText, Value: "of-network"}, {Code: 210, Type: inventory.OptionText, Value: "/lab/", Always: true},
			{Code: 121, Type: inventory.OptionRoutes, Value: "10.17.0.0/16 via 10.0.0.253"}}
	})
	w.view = w.view.With(modelled("blade", inventory.Option{Code: 209, Type: inventory.OptionText, Value: "of-model"}))
	r := w.ask(message(discover, knownMAC, dhcpv4.WithRequestedOptions(dhcpv4.GenericOptionCode(209), dhcpv4.GenericOptionCode(121)))).Reply
	if got := string(r.Options[209]) + " " + string(r.Options[210]); got != "of-model /lab/" {
		t.Errorf("options 209 and 210 are %q", got)
	}
	if want := []byte{16, 10, 17, 10, 0, 0, 253, 0, 10, 0, 0, 254}; !bytes.Equal(r.Options[121], want) {
		t.Errorf("routes are %v, want the default route among them", r.Options[121])
	}
	r = w.ask(message(discover, knownMAC, dhcpv4.WithRequestedOptions(dhcpv4.OptionSubnetMask))).Reply
	if r.Options[209] != nil || r.Options[121] != nil || r.Options[210] == nil {
		t.Errorf("who does not ask is sent\n%s", r.Summary())
	}
}

// FuzzWrite: what is laid out is read back as it was, whatever the sizes.
func FuzzWrite(f *testing.F) {
	f.Add([]byte("abc"), 10, 300, 576, true)
	f.Fuzz(func(t *testing.T, order []byte, first, second, size int, file bool) {
		m := message(discover, knownMAC, dhcpv4.WithGeneric(dhcpv4.OptionParameterRequestList, order), dhcpv4.WithOption(dhcpv4.OptMaxMessageSize(uint16(size))))
		r := &dhcpv4.DHCPv4{ClientHWAddr: m.ClientHWAddr, Options: dhcpv4.Options{224: make([]byte, first&0x1ff), 225: make([]byte, second&0x1ff), 82: {1, 1, 1}}}
		if file {
			r.BootFileName = "loader"
		}
		s := shapeOf(m)
		if _, ok := s.lay(r); !ok {
			return
		}
		b := Answer{Reply: r, shape: s}.Bytes()
		back, err := read(b)
		if err != nil || len(b) > max(s.room, minBOOTP) {
			t.Fatalf("%d of %d bytes: %v", len(b), s.room, err)
		}
		for code, v := range r.Options {
			if !bytes.Equal(back.Options[code], v) {
				t.Errorf("option %d has %d bytes, had %d", code, len(back.Options[code]), len(v))
			}
		}
	})
}
