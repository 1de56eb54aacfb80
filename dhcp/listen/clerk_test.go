package listen

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"rackwright/boot"
	"rackwright/dhcp"
	"rackwright/inventory"
)

// asked is a Lender that counts whom it was asked for at once.
type asked struct {
	*dhcp.MemoryLender
	at   []int
	fail error
}

func (l *asked) Lend(ctx context.Context, n *inventory.Network, loans []*inventory.Loan) {
	l.at = append(l.at, len(loans))
	l.MemoryLender.Lend(ctx, n, loans)
	for _, loan := range loans {
		loan.Err = errors.Join(loan.Err, l.fail)
	}
}

// counter is a clerk, and what it wrote down.
type counter struct {
	*clerk
	t      *testing.T
	kept   *shelf
	lender *asked
}

func newCounter(t *testing.T) *counter {
	t.Helper()
	c := &counter{t: t, kept: &shelf{}}
	n := &inventory.Network{ID: "n", Name: "prov", Prefix: netip.MustParsePrefix("10.0.0.0/16"), DHCP: inventory.DHCPAuthoritative, Strangers: inventory.StrangerDiscover,
		Pool: inventory.Pool{First: netip.MustParseAddr("10.0.1.0"), Last: netip.MustParseAddr("10.0.9.255")}}
	v := boot.NewView(1, []*inventory.Network{n}, nil)
	c.lender = &asked{MemoryLender: dhcp.NewMemoryLender(time.Now, time.Hour, func(netip.Addr) bool { return false })}
	s := &Server{View: func() *boot.View { return v }, Lender: c.lender, Journal: c.kept, Sighter: c.kept, Log: slog.New(slog.DiscardHandler), Now: time.Now,
		probe: &prober{wait: -1}}
	s.book = newBook(s)
	conn, sock := opened(t)
	at := &links{}
	us := []netip.Addr{netip.MustParseAddr("10.0.0.1")}
	at.current.Store(&addresses{names: map[int]string{1: "lo"}, addrs: map[int][]netip.Addr{1: us}, own: us})
	c.clerk = s.newClerk(s.outbox(conn, sock, newRelays()), at, newQuota())
	return c
}

// message is one of a stranger.
func (c *counter) message(i int, mods ...dhcpv4.Modifier) arrival {
	c.t.Helper()
	m, err := dhcpv4.New(append([]dhcpv4.Modifier{dhcpv4.WithHwAddr(net.HardwareAddr{2, 0, 0, 0, byte(i >> 8), byte(i)})}, mods...)...)
	if err != nil {
		c.t.Fatal(err)
	}
	return arrival{b: m.ToBytes(), ifindex: 1, to: netip.MustParseAddr("255.255.255.255"), at: time.Now()}
}

// brings hands over a message of a stranger.
func (c *counter) brings(i int, mods ...dhcpv4.Modifier) {
	c.t.Helper()
	if !c.take(c.message(i, mods...)) {
		c.t.Fatal("it takes no more")
	}
}

// serves lets the clerk work on what it was brought, and returns what was written down of it.
func (c *counter) serves() (kinds []string) {
	ctx, cancel := context.WithCancel(c.t.Context())
	v := c.View()
	for len(c.in) > 0 {
		c.some = c.some[:0]
		for range len(c.in) {
			c.read(ctx, v, <-c.in)
		}
		c.serve(ctx, v)
	}
	cancel()
	if err := c.book.run(ctx); err != nil {
		c.t.Fatal(err)
	}
	for _, e := range c.kept.events {
		if rule, ok := e.Detail["rule"].(string); ok {
			kinds = append(kinds, rule)
		}
	}
	c.kept.events = nil
	return kinds
}

func discovers() dhcpv4.Modifier { return dhcpv4.WithMessageType(dhcpv4.MessageTypeDiscover) }

func takes(address string) dhcpv4.Modifier {
	return func(m *dhcpv4.DHCPv4) {
		dhcpv4.WithMessageType(dhcpv4.MessageTypeRequest)(m)
		m.UpdateOption(dhcpv4.OptRequestedIPAddress(net.ParseIP(address).To4()))
		m.UpdateOption(dhcpv4.OptServerIdentifier(net.IP{10, 0, 0, 1}))
	}
}

func TestStrangersWhoComeTogetherAreLentToTogether(t *testing.T) {
	c := newCounter(t)
	for i := range 100 {
		c.brings(i, discovers())
	}
	rules := c.serves()
	if !slices.Equal(c.lender.at, []int{100}) || len(rules) != 100 || slices.ContainsFunc(rules, func(r string) bool { return r != string(dhcp.Offered) }) {
		t.Errorf("asked for %v, written down: %v", c.lender.at, rules)
	}
}

func TestWhoTakesAnOfferDoesNotWaitForTheOffersOfOthers(t *testing.T) {
	seeking, taking := newCounter(t), newCounter(t)
	r := &receiver{Server: seeking.Server, lends: true, seekers: queue{clerk: seeking.clerk}, takers: queue{clerk: taking.clerk}}
	came := func(i int, mods ...dhcpv4.Modifier) {
		p := seeking.message(i, mods...)
		r.later(&p)
	}
	for i := range servedAtOnce + 1 {
		came(i, discovers())
	}
	r.strangers(false)
	came(1, takes("10.0.1.0"))
	r.strangers(true)
	if len(seeking.in) != servedAtOnce || len(r.seekers.waiting) != 1 || len(taking.in) != 1 || r.waiting() != 1 {
		t.Errorf("%d and %d seek an address, %d and %d take one", len(seeking.in), len(r.seekers.waiting), len(taking.in), len(r.takers.waiting))
	}
}

func TestALenderThatFailsIsSaidAndNothingIsOffered(t *testing.T) {
	c := newCounter(t)
	c.brings(1, discovers())
	c.serves()
	c.lender.fail = errors.New("the database is away")
	c.brings(2, discovers())
	c.brings(3, discovers())
	if rules := strings.Join(c.serves(), " "); rules != string(dhcp.NoLease)+" "+string(dhcp.NoLease) {
		t.Errorf("written down: %s", rules)
	}
}

func TestUnusualMessagesOfStrangersAreBounded(t *testing.T) {
	c := newCounter(t)
	c.slow = bucket{left: 0, at: time.Now().Add(time.Hour)}
	c.brings(1, discovers()) // nothing is known of such messages yet
	if rules := c.serves(); len(rules) != 0 || len(c.lender.at) != 0 {
		t.Errorf("written down: %v, asked for %v", rules, c.lender.at)
	}
	c.slow = bucket{}
	for i := range servedAtOnce {
		c.brings(i, discovers())
	}
	if c.take(arrival{}) {
		t.Error("any number may wait")
	}
}
