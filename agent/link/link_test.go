package link

import (
	"net"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"rackwright/inventory"
)

func ack(t testing.TB, options ...dhcpv4.Option) *dhcpv4.DHCPv4 {
	t.Helper()
	m, err := dhcpv4.New(dhcpv4.WithYourIP(net.IPv4(10, 0, 0, 9)), dhcpv4.WithMessageType(dhcpv4.MessageTypeAck))
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range options {
		m.UpdateOption(o)
	}
	return m
}

func TestAnACKBecomesAConfiguration(t *testing.T) {
	got, err := configOf(ack(t, dhcpv4.OptSubnetMask(net.CIDRMask(22, 32)), dhcpv4.OptRouter(net.IPv4(10, 0, 0, 1)),
		dhcpv4.OptDNS(net.IPv4(10, 0, 0, 2)), dhcpv4.OptIPAddressLeaseTime(2*time.Hour), dhcpv4.OptGeneric(dhcpv4.OptionInterfaceMTU, []byte{0x23, 0x28})))
	want := Config{Address: netip.MustParsePrefix("10.0.0.9/22"), Gateway: netip.MustParseAddr("10.0.0.1"),
		DNS: []netip.Addr{netip.MustParseAddr("10.0.0.2")}, MTU: 9000, Lease: 2 * time.Hour}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v (%v), want %+v", got, err, want)
	}
}

func TestClasslessRoutesReplaceTheGateway(t *testing.T) {
	_, dst, _ := net.ParseCIDR("172.16.0.0/12")
	c, err := configOf(ack(t, dhcpv4.OptRouter(net.IPv4(10, 0, 0, 1)), dhcpv4.OptClasslessStaticRoute(&dhcpv4.Route{Dest: dst, Router: net.IPv4(10, 0, 0, 3)})))
	if want := []Route{{netip.MustParsePrefix("172.16.0.0/12"), netip.MustParseAddr("10.0.0.3")}}; err != nil || !reflect.DeepEqual(c.routes(), want) {
		t.Errorf("%+v %v", c.routes(), err)
	}
}

func TestAnAddressThatIsNoneIsRefused(t *testing.T) {
	for _, ip := range []net.IP{net.IPv4zero, net.IPv4(127, 0, 0, 1), net.IPv4(224, 0, 0, 1)} {
		m := ack(t)
		m.YourIPAddr = ip
		if c, err := configOf(m); err == nil {
			t.Errorf("%s became %+v", ip, c)
		}
	}
}

func TestTheBootPortComesFirstAndAloneAtFirst(t *testing.T) {
	a := net.Interface{Name: "a", HardwareAddr: net.HardwareAddr{2, 0, 0, 0, 0, 1}}
	b := net.Interface{Name: "b", HardwareAddr: net.HardwareAddr{2, 0, 0, 0, 0, 2}}
	boot := inventory.MAC{2, 0, 0, 0, 0, 2}
	for _, c := range []struct {
		boot   inventory.MAC
		others bool
		want   []net.Interface
	}{{boot, false, []net.Interface{b}}, {boot, true, []net.Interface{b, a}}, {inventory.MAC{}, false, []net.Interface{a, b}}} {
		if got := order([]net.Interface{a, b}, c.boot, c.others); !reflect.DeepEqual(got, c.want) {
			t.Errorf("boot %s others %v: %v", c.boot, c.others, got)
		}
	}
}

func FuzzConfig(f *testing.F) {
	f.Add(ack(f, dhcpv4.OptSubnetMask(net.CIDRMask(22, 32))).ToBytes())
	f.Fuzz(func(_ *testing.T, b []byte) {
		if m, err := dhcpv4.FromBytes(b); err == nil {
			if c, err := configOf(m); err == nil {
				_, _ = ipNet(c.Address), c.resolv()
				for _, r := range c.routes() {
					ipNet(r.To)
				}
			}
		}
	})
}
