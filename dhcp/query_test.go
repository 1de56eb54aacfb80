package dhcp

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"rackwright/boot"
	"rackwright/inventory"
	"rackwright/journal"
)

// inquiry builds a DHCPLEASEQUERY of the relay on far; mods say what about.
func inquiry(mods ...dhcpv4.Modifier) *dhcpv4.DHCPv4 {
	nobody := func(m *dhcpv4.DHCPv4) { m.HWType, m.ClientHWAddr = 0, nil }
	m, err := dhcpv4.New(append([]dhcpv4.Modifier{dhcpv4.WithMessageType(leaseQuery), via("10.9.0.1"), nobody}, mods...)...)
	if err != nil {
		panic(err)
	}
	return m
}

func whereIs(mac inventory.MAC) dhcpv4.Modifier { return hardware(mac[:]...) }

func hardware(b ...byte) dhcpv4.Modifier {
	return func(m *dhcpv4.DHCPv4) { m.HWType, m.ClientHWAddr = 1, b }
}

func identified(id ...byte) dhcpv4.Modifier {
	return dhcpv4.WithGeneric(dhcpv4.OptionClientIdentifier, id)
}

// inquire sends a question as the listener would, over the wire's bytes.
func (w *world) inquire(t *testing.T, m *dhcpv4.DHCPv4, held map[inventory.MAC]Holding) Answer {
	t.Helper()
	read, reason := ParseQuery(m.ToBytes())
	if read == nil {
		t.Fatalf("not read: %s", reason)
	}
	in := Inbound{Message: read, Interface: "eth0", Addresses: []netip.Addr{ourAddr}, Own: []netip.Addr{ourAddr}, To: ourAddr, From: netip.MustParseAddrPort("10.9.0.1:67"), At: testTime}
	return AnswerQuery(t.Context(), w.view, in, Records{Lender: w.lender, Held: func(mac inventory.MAC) Holding { return held[mac] }})
}

// lentTo has the lender know of a lease of a stranger.
func (w *world) lentTo(mac inventory.MAC, network, address string, left time.Duration) {
	w.lender.Keep(inventory.Lease{MAC: mac, Network: network, Address: netip.MustParseAddr(address), Until: testTime.Add(left)})
}

func TestARelayIsToldWhoHasAnAddress(t *testing.T) {
	other, resting := inventory.MAC{2, 2, 2, 2, 2, 2}, netip.MustParseAddr("10.0.0.203")
	held := map[inventory.MAC]Holding{
		knownMAC: {Address: knownAddr, At: testTime.Add(-10 * time.Minute), Info: []byte("\x01\x02p7")},
		farMAC:   {Address: netip.MustParseAddr("10.9.0.12"), At: testTime.Add(-10 * time.Minute)}, // its lease was for as long
	}
	for name, c := range map[string]struct {
		msg    *dhcpv4.DHCPv4
		change func(prov, far *inventory.Network)
		rule   Rule
		reply  string
		who    inventory.MAC
		has    string
	}{
		"a reserved address that we confirmed":    {inquiry(has("10.0.0.11")), nil, LeaseActive, "LEASEACTIVE", knownMAC, "10.0.0.11"},
		"its machine":                             {inquiry(whereIs(knownMAC)), nil, LeaseActive, "LEASEACTIVE", knownMAC, "10.0.0.11"},
		"by a client identifier":                  {inquiry(identified(append([]byte{1}, knownMAC[:]...)...)), nil, LeaseActive, "LEASEACTIVE", knownMAC, "10.0.0.11"},
		"a reserved address long ago":             {inquiry(has("10.9.0.12")), nil, LeaseUnknown, "LEASEUNKNOWN", inventory.MAC{}, "10.9.0.12"},
		"its machine, long ago":                   {inquiry(whereIs(farMAC)), nil, LeaseUnknown, "LEASEUNKNOWN", farMAC, ""},
		"a reserved address of the pool":          {inquiry(has("10.0.0.200")), nil, LeaseUnknown, "LEASEUNKNOWN", inventory.MAC{}, "10.0.0.200"},
		"a machine without an address":            {inquiry(whereIs(bareMAC)), nil, LeaseUnknown, "LEASEUNKNOWN", bareMAC, ""},
		"an address that is lent":                 {inquiry(has("10.0.0.201")), nil, LeaseActive, "LEASEACTIVE", strange, "10.0.0.201"},
		"to whom":                                 {inquiry(whereIs(strange)), nil, LeaseActive, "LEASEACTIVE", strange, "10.0.0.201"},
		"a lease that is over":                    {inquiry(has("10.0.0.202")), nil, LeaseUnassigned, "LEASEUNASSIGNED", inventory.MAC{}, "10.0.0.202"},
		"an address that rests":                   {inquiry(has(resting.String())), nil, LeaseUnassigned, "LEASEUNASSIGNED", inventory.MAC{}, resting.String()},
		"nobody we know":                          {inquiry(whereIs(other)), nil, LeaseUnknown, "LEASEUNKNOWN", other, ""},
		"an identifier that says no MAC":          {inquiry(identified(0xff, 1, 2, 3)), nil, LeaseUnknown, "LEASEUNKNOWN", inventory.MAC{}, ""},
		"an address of nobody's":                  {inquiry(has("10.0.0.77")), nil, LeaseUnknown, "LEASEUNKNOWN", inventory.MAC{}, "10.0.0.77"},
		"an address of no network":                {inquiry(has("192.0.2.1")), nil, LeaseUnknown, "LEASEUNKNOWN", inventory.MAC{}, "192.0.2.1"},
		"an address that another server gives":    {inquiry(has("10.0.0.11")), proxying, LeaseUnknown, "LEASEUNKNOWN", inventory.MAC{}, "10.0.0.11"},
		"a machine that another server addresses": {inquiry(whereIs(knownMAC)), proxying, LeaseUnknown, "LEASEUNKNOWN", knownMAC, ""},
		"a stranger that another server lends to": {inquiry(whereIs(strange)), proxying, LeaseUnknown, "LEASEUNKNOWN", strange, ""},
		"of this server":                          {inquiry(has("10.0.0.11"), chose("10.0.0.1")), nil, LeaseActive, "LEASEACTIVE", knownMAC, "10.0.0.11"},
		"of another server":                       {inquiry(has("10.0.0.11"), chose("10.0.0.2")), nil, OtherServer, "", inventory.MAC{}, ""},
		"of no relay":                             {inquiry(has("10.0.0.11"), via("0.0.0.0")), nil, NoRelay, "", inventory.MAC{}, ""},
		"of a relay that is nowhere":              {inquiry(has("10.0.0.11"), via("10.77.0.1")), nil, BadRelay, "", inventory.MAC{}, ""},
		"of ourselves":                            {inquiry(has("10.0.0.11"), via("10.0.0.1")), nil, BadRelay, "", inventory.MAC{}, ""},
		"for everybody":                           {inquiry(has("10.0.0.11"), via("255.255.255.255")), nil, BadRelay, "", inventory.MAC{}, ""},
		"about two things":                        {inquiry(has("10.0.0.11"), whereIs(knownMAC)), nil, Malformed, "", inventory.MAC{}, ""},
		"about nothing":                           {inquiry(), nil, Malformed, "", inventory.MAC{}, ""},
		"about an address that is no Ethernet's":  {inquiry(hardware(1, 2, 3, 4, 5, 6, 7, 8)), nil, LeaseUnknown, "LEASEUNKNOWN", inventory.MAC{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(c.change)
			w.lentTo(strange, "prov", "10.0.0.201", 5*time.Minute)
			w.lentTo(other, "prov", "10.0.0.202", -time.Minute)
			w.lentTo(inventory.MAC{}, "prov", resting.String(), time.Hour)
			ans := w.inquire(t, c.msg, held)
			dest := "10.9.0.1:67"
			if c.reply == "" {
				dest = ""
			}
			expect(t, ans, c.rule, c.reply, "", dest)
			if ans.Event.Kind != journal.LeaseQuery || !ans.Frame.IsZero() {
				t.Errorf("event is %+v", ans.Event)
			}
			if ans.Reply == nil {
				return
			}
			back, err := read(ans.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			mac, _ := inventory.MACFrom(back.ClientHWAddr)
			at := ""
			if a := addr(back.ClientIPAddr); a.IsValid() {
				at = a.String()
			}
			if mac != c.who || at != c.has || addr(back.ServerIdentifier()) != ourAddr || back.TransactionID != c.msg.TransactionID || string(back.Options[61]) != string(c.msg.Options[61]) {
				t.Errorf("reply is %s", back.Summary())
			}
		})
	}
}

func TestARelayIsToldWhatItAsksForAndWhenTheClientWasHeard(t *testing.T) {
	w := newWorld(func(_, far *inventory.Network) {
		far.Pool = inventory.Pool{First: netip.MustParseAddr("10.9.0.100"), Last: netip.MustParseAddr("10.9.0.110")}
	})
	w.lentTo(strange, "prov", "10.0.0.201", 5*time.Minute)
	w.lentTo(strange, "far", "10.9.0.100", 9*time.Minute)
	held := map[inventory.MAC]Holding{
		knownMAC: {Address: knownAddr, At: testTime.Add(-10 * time.Minute), Info: []byte("\x01\x02p7")},
		strange:  {Address: netip.MustParseAddr("10.9.0.100"), At: testTime.Add(-time.Minute), Info: []byte("\x01\x02p9")},
	}
	wish := func(codes ...byte) dhcpv4.Modifier {
		return dhcpv4.WithGeneric(dhcpv4.OptionParameterRequestList, codes)
	}
	for name, c := range map[string]struct {
		msg  *dhcpv4.DHCPv4
		want map[uint8]string
	}{
		"all of a machine":      {inquiry(has("10.0.0.11")), map[uint8]string{51: "\x00\x00\x0b\xb8", 91: "\x00\x00\x02\x58", 82: "\x01\x02p7"}},
		"how long":              {inquiry(has("10.0.0.11"), wish(51)), map[uint8]string{51: "\x00\x00\x0b\xb8", 91: "\x00\x00\x02\x58"}},
		"where":                 {inquiry(has("10.0.0.11"), wish(82, 60)), map[uint8]string{91: "\x00\x00\x02\x58", 82: "\x01\x02p7"}},
		"all of a stranger":     {inquiry(whereIs(strange)), map[uint8]string{51: "\x00\x00\x02\x1c", 91: "\x00\x00\x00\x3c", 82: "\x01\x02p9", 92: "\x0a\x00\x00\xc9"}},
		"where else, unasked":   {inquiry(whereIs(strange), wish(60)), map[uint8]string{91: "\x00\x00\x00\x3c", 92: "\x0a\x00\x00\xc9"}},
		"another's lease of it": {inquiry(has("10.0.0.201")), map[uint8]string{51: "\x00\x00\x01\x2c"}}, // it was given another since
	} {
		ans := w.inquire(t, c.msg, held)
		for _, code := range []uint8{51, 58, 60, 82, 91, 92} {
			if got := string(ans.Reply.Options[code]); got != c.want[code] {
				t.Errorf("%s: option %d is %q, want %q", name, code, got, c.want[code])
			}
		}
	}
}

// broken is a Lender whose database is away.
type broken struct{ *MemoryLender }

func (broken) Find(context.Context, inventory.MAC, *inventory.Network, netip.Addr) ([]inventory.Lease, error) {
	return nil, errors.New("the database is away")
}

func TestWithoutTheDatabaseOnlyReservedAddressesAreToldOf(t *testing.T) {
	w := newWorld(nil)
	for _, c := range []struct {
		msg  *dhcpv4.DHCPv4
		rule Rule
	}{{inquiry(has("10.0.0.11")), LeaseActive}, {inquiry(whereIs(knownMAC)), LeaseActive}, {inquiry(has("10.0.0.201")), NoLease}, {inquiry(whereIs(strange)), NoLease}} {
		in := Inbound{Message: c.msg, Own: []netip.Addr{ourAddr}, To: ourAddr, At: testTime}
		ans := AnswerQuery(t.Context(), w.view, in, Records{Lender: broken{w.lender}, Held: func(inventory.MAC) Holding { return Holding{Address: knownAddr, At: testTime} }})
		if ans.Rule != c.rule || (ans.Reply == nil) != (c.rule == NoLease) {
			t.Errorf("%s: %s", ans.Event.Summary, ans.Rule)
		}
	}
}

func TestWhatAClientWasGivenIsRememberedUntilItGivesItBack(t *testing.T) {
	var where Whereabouts
	relayed := message(request, farMAC, via("10.9.0.1"), wants("10.9.0.12"), dhcpv4.WithGeneric(dhcpv4.OptionRelayAgentInformation, []byte("\x01\x02p7\x02\x03sw1\x05\x04\x0a\x09\x00\x00")))
	for _, c := range []struct {
		msg  *dhcpv4.DHCPv4
		held string
		info string
	}{
		{message(discover, farMAC, via("10.9.0.1")), "invalid IP", ""},
		{relayed, "10.9.0.12", "\x01\x02p7\x02\x03sw1"},
		{message(discover, farMAC, via("10.9.0.1")), "10.9.0.12", ""}, // as its relay says it now
		{message(request, farMAC, has("10.9.0.12")), "10.9.0.12", ""},
		{message(release, farMAC, has("10.9.0.12")), "invalid IP", ""},
		{message(request, farMAC, has("10.9.0.12")), "10.9.0.12", ""},
		{message(request, farMAC, has("10.9.0.99")), "invalid IP", ""},
	} {
		ans := newWorld(nil).ask(c.msg)
		if a, settled := ans.Settles(); settled {
			where.Given(farMAC, a, testTime)
		}
		here, xid := PlaceOf(Inbound{Message: c.msg, Own: []netip.Addr{ourAddr}, To: ourAddr})
		where.Notice(farMAC, xid, here, testTime)
		if got := where.Held(farMAC); got.Address.String() != c.held || string(got.Info) != c.info || got.Address.IsValid() && !got.At.Equal(testTime.Truncate(time.Second)) {
			t.Errorf("after %s: %+v", ans.Event.Summary, got)
		}
	}
	if got := where.Held(strange); got.Address.IsValid() {
		t.Errorf("nobody holds %s", got.Address)
	}
}

// FuzzQuery: whatever a relay asks, nothing panics, an answer fits a frame, can be read back,
// and goes to a relay in a network that is declared.
func FuzzQuery(f *testing.F) {
	for _, m := range []*dhcpv4.DHCPv4{inquiry(has("10.0.0.11")), inquiry(has("10.0.0.201")), inquiry(whereIs(knownMAC)), inquiry(whereIs(strange), dhcpv4.WithGeneric(dhcpv4.OptionParameterRequestList, []byte{51, 82, 91, 92})),
		inquiry(identified(append([]byte{1}, strange[:]...)...)), inquiry(), message(discover, knownMAC)} {
		f.Add(m.ToBytes())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, reason := ParseQuery(b)
		if _, client := Parse(b); (m != nil) != (client == Queried) {
			t.Fatalf("read as a query: %s, as a client's message: %s", reason, client)
		}
		if m == nil {
			return
		}
		w := newWorld(nil)
		w.lentTo(strange, "prov", "10.0.0.201", time.Minute)
		in := Inbound{Message: m, Own: []netip.Addr{ourAddr}, To: ourAddr, At: testTime}
		ans := AnswerQuery(t.Context(), w.view, in, Records{Lender: w.lender, Held: func(inventory.MAC) Holding {
			return Holding{Address: knownAddr, At: testTime, Info: []byte("\x01\x02p7")}
		}})
		if ans.Rule == "" || ans.Event.Summary == "" || ans.Client.Class != boot.NotNetboot {
			t.Fatalf("%+v", ans)
		}
		if ans.Reply == nil {
			return
		}
		out := ans.Bytes()
		if _, err := read(out); err != nil || len(out) > MaxMessage {
			t.Fatalf("reply of %d bytes: %v", len(out), err)
		}
		if w.view.NetworkOf(ans.Dest.Addr()) == nil || ans.Dest.Port() != ServerPort {
			t.Fatalf("it goes to %s", ans.Dest)
		}
	})
}
