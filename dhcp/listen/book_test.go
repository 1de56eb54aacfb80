package listen

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"rackwright/boot"
	"rackwright/dhcp"
	"rackwright/inventory"
	"rackwright/journal"
)

type shelf struct{ events []journal.Event }

func (s *shelf) Record(e journal.Event) { s.events = append(s.events, e) }
func (s *shelf) Sighted(boot.Sighting)  {}

func TestAQuickAnswerIsWrittenDownLaterAndWhatIsTooMuchIsCounted(t *testing.T) {
	mac := inventory.MAC{2, 0, 0, 0, 0, 1}
	us := []netip.Addr{netip.MustParseAddr("10.0.0.1")}
	n := &inventory.Network{ID: "n", Name: "prov", Prefix: netip.MustParsePrefix("10.0.0.0/24"), DHCP: inventory.DHCPReservations}
	v := boot.NewView(1, []*inventory.Network{n}, []*boot.Host{{Machine: "m", Name: "n1", MAC: mac, Network: "prov", Address: netip.MustParseAddr("10.0.0.9")}})
	kept := &shelf{}
	s := &Server{Journal: kept, Sighter: kept, Log: slog.New(slog.DiscardHandler), Now: time.Now}
	b := newBook(s)
	m, err := dhcpv4.NewDiscovery(net.HardwareAddr(mac[:]))
	if err != nil {
		t.Fatal(err)
	}
	in := dhcp.Inbound{Interface: "eth0", Addresses: us, Own: us, At: time.Now()}
	for range maxNotes + 10 {
		b.take(v, &answered{arrival: arrival{b: m.ToBytes()}, in: in}, nil, false)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.run(ctx); err != nil {
		t.Fatal(err)
	}
	last := len(kept.events) - 1
	if last < 1 || kept.events[0].Kind != journal.DHCPAnswered || kept.events[0].Machine != "m" || kept.events[0].Detail["interface"] != "eth0" {
		t.Fatalf("%d events, the first is %+v", len(kept.events), kept.events[:min(1, len(kept.events))])
	}
	if last != maxNotes || !strings.HasPrefix(kept.events[last].Summary, "10 DHCP messages") {
		t.Errorf("%d events, the last says %q", len(kept.events), kept.events[last].Summary)
	}
}

func TestAMachineThatDoesNotStopHasItsPartOfTheJournalWhateverItSends(t *testing.T) {
	kept := &shelf{}
	s := &Server{Journal: kept, Sighter: kept, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return noon }}
	s.book = newBook(s)
	ans := dhcp.Answer{Rule: dhcp.Released, Network: &inventory.Network{Name: "prov"}, Event: journal.Event{Kind: journal.DHCPAnswered, Machine: "m"}}
	ans.Client.MAC = machine(1)
	m, err := dhcpv4.NewDiscovery(net.HardwareAddr(ans.Client.MAC[:]))
	if err != nil {
		t.Fatal(err)
	}
	in := dhcp.Inbound{Message: m, At: noon}
	for range 200 {
		s.finish(nil, 0, in, ans)
	}
	if len(kept.events) != ofOne {
		t.Errorf("%d events", len(kept.events))
	}
	ans.Event.Kind = journal.DHCPConflict
	s.finish(nil, 0, in, ans)
	s.book.sayUntold()
	last := kept.events[len(kept.events)-1]
	if kept.events[ofOne].Kind != journal.DHCPConflict || !strings.HasPrefix(last.Summary, "136 DHCP messages") {
		t.Errorf("a conflict, then the count: %+v", kept.events[ofOne:])
	}
}

func TestABudgetIsSpentAndComesBack(t *testing.T) {
	var b bucket
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	spent := func() (n int) {
		for b.take(at, 10) {
			n++
		}
		return n
	}
	if n := spent(); n != 20 {
		t.Errorf("%d at first", n)
	}
	at = at.Add(500 * time.Millisecond)
	if n := spent(); n != 5 {
		t.Errorf("%d after half a second", n)
	}
}
