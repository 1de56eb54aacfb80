package v6

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/insomniacslk/dhcp/dhcpv6"

	"rackwright/boot"
	"rackwright/inventory"
	"rackwright/journal"
)

// read has another reader take a reply apart.
func read(t *testing.T, b []byte) *dhcpv6.Message {
	t.Helper()
	d, err := dhcpv6.FromBytes(b)
	if err != nil {
		t.Fatal(err)
	}
	m, err := d.GetInnerMessage()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestEveryMessageIsAnsweredByRule(t *testing.T) {
	w := newWorld(nil)
	strangers := newWorld(discovering)
	stateless := newWorld(func(n *inventory.Network) { n.DHCP6 = inventory.DHCP6Stateless })
	off := newWorld(func(n *inventory.Network) { n.DHCP6 = inventory.DHCP6Off })
	held := newWorld(func(n *inventory.Network) { n.Strangers = inventory.StrangerHold })
	alone := newWorld(nil)
	alone.in.To = at("fd86::1")
	elsewhere := opt(optServerID, 0, 2, 0, 0, 0, 9, 1)
	for name, c := range map[string]struct {
		w     *world
		b     []byte
		rule  Rule
		reply Type // 0: none
		gives string
	}{
		"a known machine looks for servers":       {w, message(Solicit, ll(knownMAC), iana(1)), Advertised, Advertise, known},
		"and wants it quickly":                    {w, message(Solicit, llt(knownMAC), iana(1), opt(optRapid)), Given, Reply, known},
		"takes our offer":                         {w, message(Request, ll(knownMAC), w.us(), iana(1, known)), Given, Reply, known},
		"takes another's offer":                   {w, message(Request, ll(knownMAC), elsewhere, iana(1)), OtherServer, 0, ""},
		"names no server in a request":            {w, message(Request, ll(knownMAC), iana(1)), Malformed, 0, ""},
		"names one where none belongs":            {w, message(Solicit, ll(knownMAC), w.us(), iana(1)), Malformed, 0, ""},
		"has no DUID":                             {w, message(Solicit, iana(1)), Malformed, 0, ""},
		"renews":                                  {w, message(Renew, ll(knownMAC), w.us(), iana(1, known)), Given, Reply, known},
		"rebinds":                                 {w, message(Rebind, ll(knownMAC), iana(1, known)), Given, Reply, known},
		"renews by unicast":                       {alone, message(Renew, ll(knownMAC), alone.us(), iana(1, known)), UseMulticast, Reply, ""},
		"looks for servers by unicast":            {alone, message(Solicit, ll(knownMAC), iana(1)), Unicast, 0, ""},
		"confirms an address of this link":        {w, message(Confirm, ll(knownMAC), iana(1, known)), Confirmed, Reply, ""},
		"confirms one of another link":            {w, message(Confirm, ll(knownMAC), iana(1, "fd99::1")), NotOnLink, Reply, ""},
		"confirms nothing":                        {w, message(Confirm, ll(knownMAC), iana(1)), NothingAsked, 0, ""},
		"releases":                                {w, message(Release, ll(knownMAC), w.us(), iana(1, known)), Released, Reply, ""},
		"declines":                                {w, message(Decline, ll(knownMAC), w.us(), iana(1, known)), Declined, Reply, ""},
		"asks for parameters only":                {w, message(InformationRequest, ll(knownMAC)), Informed, Reply, ""},
		"asks for parameters with an association": {w, message(InformationRequest, ll(knownMAC), iana(1)), Malformed, 0, ""},
		"is planned without an address":           {w, message(Solicit, ll(otherMAC), iana(1)), NoAddress, Advertise, ""},
		"renews without one":                      {w, message(Renew, ll(otherMAC), w.us(), iana(1, "fd86::99")), NoBinding, Reply, ""},
		"is planned without an address, strangers are let in": {strangers, message(Solicit, ll(otherMAC), iana(1)), Advertised, Advertise, "fd86::5054:ff:fe77:2"},
		"is planned elsewhere":                                {w, message(Solicit, ll(farMAC), iana(1)), WrongNetwork, 0, ""},
		"a stranger":                                          {w, message(Solicit, ll(strange), iana(1)), Stranger, 0, ""},
		"a stranger that is held":                             {held, message(Solicit, ll(strange), iana(1)), Held, 0, ""},
		"a stranger that is let in":                           {strangers, message(Request, ll(strange), strangers.us(), iana(1)), Given, Reply, "fd86::5054:ff:fe99:9"},
		"a stranger that hides its MAC":                       {strangers, message(Solicit, opt(optClientID, 0, 2, 0, 0, 0, 9, 1), iana(1)), Nameless, 0, ""},
		"stateless, and wants an address":                     {stateless, message(Solicit, ll(knownMAC), iana(1)), Stateless, 0, ""},
		"stateless":                                           {stateless, message(InformationRequest, ll(knownMAC)), Informed, Reply, ""},
		"off":                                                 {off, message(Solicit, ll(knownMAC), iana(1)), SwitchedOff, 0, ""},
		"a server's message":                                  {w, message(Advertise, ll(knownMAC)), NotRequest, 0, ""},
		"cut short":                                           {w, message(Solicit, []byte{0, 1, 0, 9, 1}), Malformed, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			ans := c.w.ask(c.b)
			if ans.Rule != c.rule || (ans.Reply != nil) != (c.reply != 0) {
				t.Fatalf("%s: %s, %d bytes", ans.Rule, ans.Event.Summary, len(ans.Reply))
			}
			if c.gives != "" && ans.Address.String() != c.gives || c.gives == "" && ans.Address.IsValid() {
				t.Errorf("gives %s", ans.Address)
			}
			if ans.Reply == nil {
				return
			}
			m := read(t, ans.Reply)
			if Type(m.MessageType) != c.reply || m.TransactionID != [3]byte{1, 2, 3} || !bytes.Equal(m.Options.ServerID().ToBytes(), ServerID(c.w.view)) || m.Options.ClientID() == nil {
				t.Errorf("%s", m.Summary())
			}
			if c.gives != "" {
				ia := m.Options.OneIANA()
				a := ia.Options.OneAddress()
				if a == nil || a.IPv6Addr.String() != c.gives || a.ValidLifetime.Seconds() != 1000 || ia.T1.Seconds() != 500 || ia.T2.Seconds() != 800 || ia.IaId != [4]byte{0, 0, 0, 1} {
					t.Errorf("%s", m.Summary())
				}
			}
		})
	}
	if ans := w.ask(message(Decline, ll(knownMAC), w.us(), iana(1, known))); ans.Event.Kind != journal.DHCPConflict {
		t.Errorf("a declined reservation is %s", ans.Event.Kind)
	}
}

func TestFirmwareIsToldWhatToLoad(t *testing.T) {
	w := newWorld(nil)
	for name, c := range map[string]struct {
		says []byte
		file string
	}{
		"UEFI by TFTP": {append(vendor("PXEClient:Arch:00007:UNDI:003016"), arch(7)...), "tftp://[fd86::1]/ipxe.efi"},
		"UEFI by HTTP": {append(vendor("HTTPClient:Arch:00016:UNDI:003001"), arch(16)...), "http://[fd86::1]:8080/boot/ipxe.efi"},
		"iPXE":         {append(append(vendor("PXEClient:Arch:00007:UNDI:003016"), user("iPXE")...), arch(7)...), "http://[fd86::1]:8080/boot/script?mac=52:54:00:77:00:01&platform=efi&uuid=" + uuid},
		"a system":     {nil, ""},
	} {
		ans := w.ask(message(Solicit, ll(knownMAC), iana(1), c.says, opt(optRequested, 0, optBootFile, 0, optNTP, 0, optDNS)))
		m := read(t, ans.Reply)
		if ans.File != c.file || m.Options.BootFileURL() != c.file {
			t.Errorf("%s loads %q, the reply says %q", name, ans.File, m.Options.BootFileURL())
		}
		if class := m.Options.VendorClass(intel); (name == "UEFI by HTTP") != (len(class) == 1 && string(class[0]) == "HTTPClient") {
			t.Errorf("%s is told the class %q", name, class)
		}
		if len(m.Options.DNS()) != 1 || len(m.Options.NTPServers()) != 1 || m.Options.DomainSearchList() != nil {
			t.Errorf("%s: %s", name, m.Summary())
		}
	}
	if ans := w.ask(message(Solicit, ll(knownMAC), iana(1))); !strings.Contains(read(t, ans.Reply).Summary(), "lab.example") {
		t.Error("who asks for nothing gets nothing")
	}
}

func TestPlannedOptionsAreSentToWhoAskedAndAlways(t *testing.T) {
	w := newWorld(func(n *inventory.Network) {
		n.Options = []inventory.Option{
			{Code: 41, V6: true, Type: inventory.OptionText, Value: "UTC"},
			{Code: 22, V6: true, Type: inventory.OptionIP, Value: "fd86::22", Always: true},
			{Code: 42, Type: inventory.OptionIP, Value: "10.0.0.1", Always: true}}
	})
	w.view = w.view.With(&boot.Delta{Revision: 2, Machines: map[string][]*boot.Host{"m1": {{Machine: "m1", Name: "n1", MAC: knownMAC, UUID: uuid, Network: "prov", Address6: at(known), Model: "blade"}}},
		Models: &boot.Models{Options: map[string][]inventory.Option{"blade": {{Code: 41, V6: true, Type: inventory.OptionText, Value: "Europe/Berlin"}}}}})
	for name, c := range map[string]struct {
		ask              []byte
		who              inventory.MAC
		zone, sip, other string
	}{
		"a machine of the model asks":  {opt(optRequested, 0, 41), knownMAC, "Europe/Berlin", string(at("fd86::22").AsSlice()), ""},
		"another machine asks":         {opt(optRequested, 0, 41, 0, 22, 0, 42), otherMAC, "UTC", string(at("fd86::22").AsSlice()), ""},
		"one that asks for other ones": {opt(optRequested, 0, optDNS), otherMAC, "", string(at("fd86::22").AsSlice()), ""},
	} {
		m := read(t, w.ask(message(InformationRequest, ll(c.who), c.ask)).Reply)
		for code, want := range map[dhcpv6.OptionCode]string{41: c.zone, 22: c.sip, 42: c.other} {
			got := ""
			for i, o := range m.Options.Get(code) {
				if got += string(o.ToBytes()); i > 0 {
					t.Errorf("%s: option %d is there twice", name, code)
				}
			}
			if got != want {
				t.Errorf("%s: option %d is %q, want %q", name, code, got, want)
			}
		}
	}
}

func TestAMachineIsKnownByItsPortBeforeItsDUID(t *testing.T) {
	raw, _ := hex.DecodeString(strings.ReplaceAll(uuid, "-", ""))
	little := append([]byte{raw[3], raw[2], raw[1], raw[0], raw[5], raw[4], raw[7], raw[6]}, raw[8:]...)
	second := inventory.MAC{0x52, 0x54, 0, 0x77, 1, 1}
	w := newWorld(nil)
	for name, c := range map[string]struct {
		id, from string
		b        []byte
		machine  string
	}{
		"a DUID of another port of it":          {from: "fe80::77", b: ll(second), machine: "m1"},
		"a DUID of the machine its disk was in": {from: "fe80::5054:ff:fe77:1", b: ll(otherMAC), machine: "m1"},
		"the UUID as RFC 6355 has it":           {from: "fe80::77", b: opt(optClientID, append([]byte{0, duidUUID}, raw...)...), machine: "m1"},
		"the UUID as SMBIOS has it":             {from: "fe80::77", b: opt(optClientID, append([]byte{0, duidUUID}, little...)...), machine: "m1"},
		"a vendor's number":                     {from: "fe80::5054:ff:fe77:1", b: opt(optClientID, 0, 2, 0, 0, 0, 9, 1, 2, 3), machine: "m1"},
		"nothing":                               {from: "fe80::77", b: opt(optClientID, 0, 2, 0, 0, 0, 9, 1, 2, 3), machine: ""},
	} {
		from := w.in
		w.in.From = netipPort(c.from)
		if ans := w.ask(message(Solicit, c.b, iana(1))); ans.Event.Machine != c.machine {
			t.Errorf("%s: %q, %s", name, ans.Event.Machine, ans.Event.Summary)
		}
		w.in = from
	}
}

func TestOnePortGetsOneAddress(t *testing.T) {
	ans := newWorld(nil).ask(message(Solicit, ll(knownMAC), iana(1), iana(2), opt(optIATA, 0, 0, 0, 3), opt(optIAPD, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0)))
	m := read(t, ans.Reply)
	all := m.Options.IANA()
	if len(all) != 2 || all[0].Options.OneAddress() == nil || all[1].Options.OneAddress() != nil || all[1].Options.Status().StatusCode != noAddress ||
		m.Options.OneIATA().Options.Status().StatusCode != noAddress || m.Options.OneIAPD().Options.Status().StatusCode != noPrefixAvail {
		t.Error(m.Summary())
	}
}

func TestAnAddressThatIsNotTheClientsIsTakenBack(t *testing.T) {
	w := newWorld(nil)
	m := read(t, w.ask(message(Renew, ll(knownMAC), w.us(), iana(1, "fd86::99", known))).Reply)
	list := m.Options.OneIANA().Options.Addresses()
	if len(list) != 2 || list[0].IPv6Addr.String() != known || list[1].IPv6Addr.String() != "fd86::99" || list[1].ValidLifetime != 0 {
		t.Error(m.Summary())
	}
}

func TestTwoNetworksOnOneLink(t *testing.T) {
	w := newWorld(nil)
	w.in.Addresses = append(w.in.Addresses, at("fd87::1"))
	for mac, want := range map[inventory.MAC]string{knownMAC: known, farMAC: "fd87::13"} {
		if ans := w.ask(message(Solicit, ll(mac), iana(1))); ans.Rule != Advertised || ans.Address != at(want) {
			t.Errorf("%s: %s %s", mac, ans.Rule, ans.Address)
		}
	}
}
