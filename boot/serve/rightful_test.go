package serve

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"rackwright/boot"
	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/journal"
)

// lent are leases, by address.
type lent map[string]string

func (l lent) Lessee(_ context.Context, n *inventory.Network, a netip.Addr) (inventory.MAC, error) {
	switch text := l[a.String()]; text {
	case "":
		return inventory.MAC{}, nil
	case "down":
		return inventory.MAC{}, fault.Unreachablef("the database is away")
	default:
		return mac(text), nil
	}
}

// served is a world whose one network we give the addresses of.
func served(t *testing.T, leases Leases) *world {
	w := newWorld(t, nil)
	prefix := netip.MustParsePrefix
	n := &inventory.Network{Name: "prov", Prefix: prefix("10.0.0.0/24"), Prefix6: prefix("2001:db8:0:1::/64"), DHCP: inventory.DHCPAuthoritative, DHCP6: inventory.DHCP6Reservations, Strangers: inventory.StrangerDiscover}
	view := boot.NewView(1, []*inventory.Network{n}, []*boot.Host{
		{Machine: "m1", Name: "idle", MAC: mac(idleMAC), Network: "prov", Address: netip.MustParseAddr("10.0.0.51")},
		{Machine: "m2", Name: "wanted", MAC: mac(deployMAC), Network: "prov", Intent: boot.RunAgent, Operation: "op1", Address: netip.MustParseAddr("10.0.0.52")},
		{Machine: "m2", Name: "wanted", MAC: mac("52:54:00:00:01:02"), Network: "prov", Intent: boot.RunAgent, Operation: "op1"},
	})
	w.server.View, w.server.Leases, w.lobby.inspect = func() *boot.View { return view }, leases, true
	return w
}

// from asks for a machine's script from an address, of the server at another.
func (w *world) from(from, at, mac string) (int, string) {
	r := httptest.NewRequest("GET", "/boot/script?mac="+mac, nil)
	r.RemoteAddr = netip.AddrPortFrom(netip.MustParseAddr(from), 4000).String()
	local := net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(at), 8080))
	out := httptest.NewRecorder()
	w.server.script(out, r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, net.Addr(local))))
	return out.Code, out.Body.String()
}

func TestANonceIsGivenToAMachineAtItsOwnAddressOnly(t *testing.T) {
	const secondMAC, ours = "52:54:00:00:01:02", "10.0.0.1"
	w := served(t, lent{"10.0.0.101": deployMAC, "10.0.0.102": secondMAC, "10.0.0.103": alienMAC, "10.0.0.104": idleMAC, "10.0.0.105": "down"})
	for _, c := range []struct {
		what, from, mac string
		want            int
		says            string
	}{
		{"at its reserved address", "10.0.0.52", deployMAC, 200, goodNonce},
		{"another port of it, at the reserved one", "10.0.0.52", secondMAC, 200, goodNonce},
		{"on a lease from when it was a stranger", "10.0.0.101", deployMAC, 200, goodNonce},
		{"on a lease of its other port", "10.0.0.102", deployMAC, 200, goodNonce},
		{"by IPv6, at the address made of its MAC", "2001:db8:0:1:5054:ff:fe00:2", deployMAC, 200, goodNonce},
		{"on this server's own host", ours, deployMAC, 200, goodNonce},
		{"on its loopback", "127.0.0.1", deployMAC, 200, goodNonce},
		{"a stranger on its lease", "10.0.0.103", alienMAC, 200, goodNonce},
		{"a stranger by IPv6", "2001:db8:0:1:5054:ff:fe00:9", alienMAC, 200, goodNonce},
		{"a neighbour", "10.0.0.51", deployMAC, 403, "the address of idle"},
		{"a stranger that asks as a machine", "10.0.0.103", deployMAC, 403, "was not given to wanted"},
		{"a stranger that asks as its second port", "10.0.0.103", secondMAC, 403, "was not given to wanted"},
		{"a stranger that asks as another stranger", "10.0.0.103", "52:54:00:00:00:0a", 403, "was not given"},
		{"a machine that asks as a stranger", "10.0.0.51", alienMAC, 403, "the address of idle"},
		{"a lease of another machine", "10.0.0.104", deployMAC, 403, "lent to idle"},
		{"an address that nobody has", "10.0.0.77", deployMAC, 403, "look for another DHCP server"},
		{"an address of elsewhere", "192.0.2.9", deployMAC, 403, "no address of wanted"},
		{"an address of elsewhere that is made of its MAC", "2001:db8:66::5054:ff:fe00:2", deployMAC, 403, "no address of wanted"},
		{"a neighbour by IPv6", "2001:db8:0:1::99", deployMAC, 403, "was not given to wanted"},
		{"whoever, for what is no secret", "192.0.2.9", idleMAC, 200, "sanboot"},
		{"while it cannot be said whose it is", "10.0.0.105", deployMAC, 200, "the server cannot tell"},
	} {
		code, text := w.from(c.from, ours, c.mac)
		e := w.diary.last()
		if code != c.want || !strings.Contains(text, c.says) || strings.Contains(text, goodNonce) != (c.says == goodNonce) {
			t.Errorf("%s: %d\n%s", c.what, code, text)
		}
		if code == 403 && (e.Kind != journal.HTTPRefused || e.Detail["reason"] != "denied" || e.Detail["hint"] == nil) {
			t.Errorf("%s: the event is %+v", c.what, e)
		}
		if said := w.server.Rehearse(t.Context(), map[string][]string{"mac": {c.mac}}, netip.MustParseAddr(c.from), netip.AddrPortFrom(netip.MustParseAddr(ours), 8080), w.lobby); said.Status != code {
			t.Errorf("%s: the rehearsal says %d", c.what, said.Status)
		}
	}
}

// Anybody can ask for scripts with any MACs; a machine is made of none that has no address here.
func TestAStrangerIsNotRecordedBeforeItsAddressIsItsOwn(t *testing.T) {
	const other, ours = "52:54:00:00:00:0a", "10.0.0.1"
	w := served(t, lent{"10.0.0.103": alienMAC})
	for from, mac := range map[string]string{"10.0.0.103": other, "10.0.0.77": alienMAC, "10.0.0.51": alienMAC} {
		w.from(from, ours, mac)
	}
	if len(w.lobby.seen) != 0 {
		t.Errorf("recorded: %+v", w.lobby.seen)
	}
	w.from("10.0.0.103", ours, alienMAC)
	if len(w.lobby.seen) != 1 || w.lobby.seen[0].MAC != mac(alienMAC) {
		t.Errorf("the stranger on its own lease: %+v", w.lobby.seen)
	}
}
