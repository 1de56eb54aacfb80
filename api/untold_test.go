package api_test

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rackwright/api"
	"rackwright/api/apitest"
	"rackwright/api/wire"
	"rackwright/boot/trace"
	"rackwright/inventory"
	"rackwright/journal"
)

// heard is a packet of m1: what real firmware sent, or with the type of an answer to it.
type heard struct {
	after time.Duration // since the beginning
	file  string        // below dhcp
	reply byte          // 0: it is the firmware's
}

// ring has packets of m1 in memory.
func ring(t *testing.T, begin time.Time, list ...heard) *trace.Ring {
	t.Helper()
	r := trace.New(1, nil)
	for _, p := range list {
		b, err := os.ReadFile(filepath.Join("..", "dhcp", p.file+".bin"))
		if err != nil {
			t.Fatal(err)
		}
		client, server := netip.MustParseAddrPort("0.0.0.0:68"), netip.MustParseAddrPort("10.0.0.1:67")
		six := strings.HasPrefix(p.file, "v6")
		if six {
			client, server = netip.MustParseAddrPort("[fe80::2]:546"), netip.MustParseAddrPort("[fe80::1]:547")
		}
		switch {
		case p.reply == 0:
		case six:
			b[0] = p.reply
		default:
			b[242] = p.reply // option 53 is the first of each
		}
		if p.reply != 0 {
			client, server = server, client
		}
		r.Packet(begin.Add(p.after), inventory.MAC{0x52, 0x54, 0, 0, 0, 1}, p.reply != 0, trace.Datagram{From: client, To: server, Message: b})
	}
	return r
}

func TestWhyKnowsThePacketsThatTheJournalHasNothingOf(t *testing.T) {
	const discover, request, solicit, system = "testdata/ovmf-pxe-discover", "testdata/ovmf-pxe-request", "v6/testdata/ovmf-pxe-solicit", "testdata/dhclient-discover"
	begin := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) // the time of the store, at which all its events are
	second := time.Second
	told := func() journal.Event {
		return journal.Event{Kind: journal.DHCPIgnored, Name: "m1", Summary: "told", Detail: map[string]any{"message": "DISCOVER", "client": "pxe", "rule": "held"}}
	}
	for _, c := range []struct {
		name    string
		journal []journal.Event
		packets []heard
		code    string
	}{
		{"it was started and nobody heard of it", nil, nil, "no-discover"},
		{"its DISCOVER is from nowhere", nil, []heard{{9 * second, discover, 0}}, "not-answered"},
		{"its offer was one of very many", nil, []heard{{9 * second, discover, 0}, {9 * second, discover, 2}}, "offer-unanswered"},
		{"and its address", nil, []heard{{9 * second, discover, 0}, {9 * second, discover, 2}, {13 * second, request, 0}, {13 * second, request, 5}}, "nothing-loaded"},
		{"by IPv6", nil, []heard{{9 * second, solicit, 0}, {9 * second, solicit, 2}}, "offer-unanswered"},
		{"a system that another server answers", nil, []heard{{9 * second, system, 0}}, "no-discover"},
		{"the journal has it", []journal.Event{told()}, []heard{{time.Millisecond, discover, 0}, {time.Millisecond, discover, 2}}, "not-answered"},
	} {
		s := apitest.Rack(t)
		s.Record(journal.Event{Kind: journal.BMCAction, Name: "m1", Summary: "power cycle", Detail: map[string]any{"power": "cycle"}})
		for _, e := range c.journal {
			s.Record(e)
		}
		url := apitest.Serve(t, api.Options{Store: s, Traces: ring(t, begin, c.packets...)}) + wire.Prefix
		_, text := ask(t, "GET", url+"/machines/m1/why", "")
		if w := decode[wire.Why](t, text); w.Boot == nil || w.Boot.Code != c.code || w.Boot.Attempt == 0 {
			t.Errorf("%s: %s, want %s", c.name, text, c.code)
		}
	}
}

func TestPacketsOfBothFamiliesAreTold(t *testing.T) {
	noon := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	s := apitest.Rack(t)
	url := apitest.Serve(t, api.Options{Store: s, Name: "host/1", Traces: ring(t, noon, heard{0, "testdata/ovmf-pxe-discover", 0}, heard{time.Second, "v6/testdata/ovmf-pxe-solicit", 0})}) + wire.Prefix
	_, text := ask(t, "GET", url+"/machines/m1/trace", "")
	got := decode[wire.Trace](t, text)
	if len(got.Packets) != 2 || got.Packets[0].Type != "DISCOVER" || len(got.Packets[0].XID) != 8 || got.Packets[1].Type != "SOLICIT" || len(got.Packets[1].XID) != 6 || got.Packets[1].From != "[fe80::2]:546" {
		t.Error(text)
	}
	for query, want := range map[string]int{"relay=10.20.0.1": 200, "relay=fd86::99": 200, "relay=nowhere": 422, "relay=fe80::1%25eth0": 422} {
		if answer, text := ask(t, "GET", url+"/dhcp/trace?"+query, ""); answer.StatusCode != want {
			t.Errorf("%s: %s", query, text)
		}
	}
}
