package link

import (
	"net"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
)

func reply(t testing.TB, modifiers ...dhcpv6.Modifier) *dhcpv6.Message {
	t.Helper()
	m, err := dhcpv6.NewMessage(modifiers...)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func given(address string, valid time.Duration) dhcpv6.Modifier {
	return dhcpv6.WithIANA(dhcpv6.OptIAAddress{IPv6Addr: net.ParseIP(address), PreferredLifetime: valid, ValidLifetime: valid})
}

func TestAReplyBecomesAConfiguration(t *testing.T) {
	got, err := config6(reply(t, given("fd86::11", 2*time.Hour), dhcpv6.WithDNS(net.ParseIP("fd86::53"))))
	want := Config{Address: netip.MustParsePrefix("fd86::11/128"), DNS: []netip.Addr{netip.MustParseAddr("fd86::53")}, Lease: 2 * time.Hour}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v (%v), want %+v", got, err, want)
	}
}

func TestAReplyWithoutAnAddressOfUseIsRefused(t *testing.T) {
	for name, m := range map[string]*dhcpv6.Message{
		"none":       reply(t),
		"given up":   reply(t, given("fd86::11", 0)),
		"link-local": reply(t, given("fe80::11", time.Hour)),
		"multicast":  reply(t, given("ff02::1", time.Hour)),
		"IPv4":       reply(t, given("::ffff:10.0.0.1", time.Hour)),
	} {
		if c, err := config6(m); err == nil {
			t.Errorf("%s: %+v", name, c)
		}
	}
}

func FuzzReply(f *testing.F) {
	f.Add(reply(f, given("fd86::11", time.Hour)).ToBytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := dhcpv6.MessageFromBytes(b)
		if err != nil {
			return
		}
		if c, err := config6(m); err == nil && (!c.Address.Addr().IsGlobalUnicast() || c.Lease < minLease) {
			t.Errorf("%+v", c)
		}
	})
}
