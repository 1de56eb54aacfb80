package v6

import (
	"net/netip"
	"reflect"
	"testing"

	"rackwright/boot"
	"rackwright/inventory"
)

// TestAnExplanationIsWhatTheMessageItselfIsAnswered asks the functions that answer real
// messages what its own test asks them by a datagram, and compares.
func TestAnExplanationIsWhatTheMessageItselfIsAnswered(t *testing.T) {
	relay := at("fd87::5")
	duid := append([]byte{0, duidLLT, 0, 1, 1, 2, 3, 4}, knownMAC[:]...)
	for name, c := range map[string]struct {
		q      Question
		change func(n *inventory.Network)
		rule   Rule
		word   string
		addr   string
		file   string
	}{
		"UEFI":               {Question{MAC: knownMAC, Class: boot.PXE, Arch: boot.ArchX64}, nil, Advertised, "ADVERTISE", known, "tftp://[fd86::1]/ipxe.efi"},
		"HTTP":               {Question{MAC: knownMAC, Class: boot.HTTP, Arch: boot.ArchX64HTTP}, nil, Advertised, "ADVERTISE", known, "http://[fd86::1]:8080/boot/ipxe.efi"},
		"iPXE":               {Question{MAC: knownMAC, Class: boot.IPXE, Arch: boot.ArchX64}, nil, Advertised, "ADVERTISE", known, "http://[fd86::1]:8080/boot/script?mac=52:54:00:77:00:01&platform=efi&uuid=" + uuid},
		"by its DUID":        {Question{DUID: duid, Arch: boot.ArchUnknown}, nil, Advertised, "ADVERTISE", known, ""},
		"by its UUID":        {Question{UUID: uuid, Arch: boot.ArchUnknown}, nil, Advertised, "ADVERTISE", known, ""},
		"requests":           {Question{MAC: knownMAC, Kind: "request", Wanted: at(known), IAID: 7}, nil, Given, "REPLY", known, ""},
		"renews":             {Question{MAC: knownMAC, Kind: "renew", Wanted: at("fd86::99")}, nil, Given, "REPLY", known, ""},
		"rebinds":            {Question{MAC: knownMAC, Kind: "rebind", Wanted: at(known)}, nil, Given, "REPLY", known, ""},
		"moved":              {Question{MAC: knownMAC, Kind: "confirm", Wanted: at("fd99::1")}, nil, NotOnLink, "REPLY", "", ""},
		"has nothing":        {Question{MAC: knownMAC, Kind: "confirm"}, nil, NothingAsked, "", "", ""},
		"inform":             {Question{MAC: knownMAC, Kind: "inform"}, nil, Informed, "REPLY", "", ""},
		"releases":           {Question{MAC: knownMAC, Kind: "release", Wanted: at(known)}, nil, Released, "REPLY", "", ""},
		"declines":           {Question{MAC: knownMAC, Kind: "decline", Wanted: at(known)}, nil, Declined, "REPLY", "", ""},
		"stranger":           {Question{MAC: strange}, nil, Stranger, "", "", ""},
		"stranger let in":    {Question{MAC: strange}, discovering, Advertised, "ADVERTISE", "fd86::5054:ff:fe99:9", ""},
		"stateless":          {Question{MAC: knownMAC}, func(n *inventory.Network) { n.DHCP6 = inventory.DHCP6Stateless }, Stateless, "", "", ""},
		"off":                {Question{MAC: knownMAC}, func(n *inventory.Network) { n.DHCP6 = "" }, SwitchedOff, "", "", ""},
		"wrong network":      {Question{MAC: farMAC}, nil, WrongNetwork, "", "", ""},
		"behind a relay":     {Question{MAC: farMAC, Relay: relay, Circuit: "ge-0/0/1", Remote: "0x00ff"}, nil, Advertised, "ADVERTISE", "fd87::13", ""},
		"relay's link":       {Question{MAC: farMAC, Relay: at("fd99::1"), Link: relay}, nil, Advertised, "ADVERTISE", "fd87::13", ""},
		"undeclared":         {Question{MAC: knownMAC, Relay: at("fd99::1")}, nil, Undeclared, "", "", ""},
		"nobody":             {Question{}, nil, Malformed, "", "", ""},
		"nobody who informs": {Question{Kind: "inform"}, discovering, Nameless, "", "", ""},
	} {
		w := newWorld(c.change)
		got, err := Explain(w.view, c.q, w.in.Addresses, w.in.Own, Settings{HTTPPort: 8080}, w.in.At)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		addr := ""
		if got.Address.IsValid() {
			addr = got.Address.String()
		}
		if got.Rule != c.rule || got.Word() != c.word || addr != c.addr || c.word != "" && c.q.Kind != "inform" && got.File != c.file || got.Why() == "" || (got.Text() == "") != (c.word == "") || (got.Lease() > 0) != (addr != "") {
			t.Errorf("%s: %s %q %q %q for %s: %s\n%s", name, got.Rule, got.Word(), addr, got.File, got.Lease(), got.Why(), got.Text())
		}
		b, err := c.q.datagram(w.view)
		if err != nil {
			t.Fatal(err)
		}
		w.in.From = netip.AddrPortFrom(c.q.source(), clientPort)
		if c.q.Relay.IsValid() {
			w.in.From, w.in.To = netip.AddrPortFrom(c.q.Relay, ServerPort), at("fd86::1")
		}
		real := w.ask(b)
		delete(real.Event.Detail, "interface")
		if real.Rule != got.Rule || string(real.Reply) != string(got.Reply) || real.Dest != got.Dest || real.Address != got.Address || real.Network != got.Network || !reflect.DeepEqual(real.Event, got.Event) {
			t.Errorf("%s: the message itself is answered %+v\nand explained %+v", name, real, got.Answer)
		}
	}
}

func TestAQuestionThatNoMessageCanAskIsRefused(t *testing.T) {
	w := newWorld(nil)
	for _, q := range []Question{{MAC: knownMAC, Kind: "discover"}, {MAC: knownMAC, UUID: "zz"}, {DUID: make([]byte, 131)}, {MAC: knownMAC, Relay: at("fd87::5"), Circuit: "0xzz"}} {
		if _, err := Explain(w.view, q, w.in.Addresses, w.in.Own, Settings{}, w.in.At); err == nil {
			t.Errorf("%+v was answered", q)
		}
	}
}
