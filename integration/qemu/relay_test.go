package qemu

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"

	"rackwright/boot/attempt"
	"rackwright/integration/lab"
	"rackwright/inventory"
	"rackwright/journal"
)

// farNetworks is a provisioning network that the server has no address in.
const farNetworks = `site: lab
networks:
  - {name: provision, cidr: 10.79.0.0/24, cidr6: "fd77::/64", gateway: 10.79.0.1, dhcp: reservations}
  - {name: oob, cidr: 10.78.0.0/24, purpose: oob}
`

// Behind a router that relays DHCP, UEFI firmware and a BIOS's option ROM get their planned
// address, and fetch loader, script, kernel and ramdisk through it; so does the agent check in.
func TestFirmwareNetbootsThroughARelay(t *testing.T) {
	relay := program(t, "dhcrelay", "isc-dhcp-relay")
	w, ctx := stopped(t, []lab.Node{
		{Name: "node1", Firmware: inventory.UEFI, Disks: []string{"{size: 1GiB, serial: RWDISK0001, bus: virtio}"}},
		{Name: "node2", Firmware: inventory.BIOS, Disks: []string{"{size: 1GiB, serial: RWDISK0002, bus: virtio}"}},
	})
	behind(t, w, "far0", "10.79.0.")
	elsewhere(t, "ip addr add 10.77.0.5/24 dev eth0\nip addr add 10.79.0.1/24 dev eth1\nip link set eth0 up\nip link set eth1 up\n"+
		"echo 1 >/proc/sys/net/ipv4/ip_forward\nexec "+relay+" -4 -d --no-pid -a -id eth1 -iu eth0 "+lab.Server, lab.Bridge, "far0")
	check(t, w.StartServer(ctx))
	check(t, w.StartRack(ctx))
	check(t, os.WriteFile(filepath.Join(w.PlanDir(), "networks.yaml"), []byte(farNetworks), 0o644))
	discovered(t, ctx, w, 2)
	wire, stop := recorded(t, "far0", "udp")
	inspected(t, ctx, w, "node1", "node2")
	stop()
	faultless(t, wire)
	for machine, address := range map[string]string{"node1": "10.79.0.11", "node2": "10.79.0.12"} {
		events, err := w.Client.Timeline(ctx, machine, 1000)
		check(t, err)
		for _, e := range events {
			if e.Kind == journal.DHCPMoved || e.Kind == journal.DHCPAnswered && (e.Detail["relay"] != "10.79.0.1" || e.Detail["circuit"] != "eth1" || e.Detail["address"] != address) {
				t.Errorf("%s: %s %+v", machine, e.Summary, e.Detail)
			}
		}
		if b := firstBoot(t, ctx, w, machine); b.Result != attempt.Booted {
			t.Errorf("the boot of %s: %+v", machine, b)
		}
	}
}

// farNetworksSix is one without DHCPv4. Its router advertises it.
const farNetworksSix = `site: lab
networks:
  - {name: provision, cidr: 10.79.0.0/24, cidr6: "fd77::/64", dhcp: off, dhcp6: reservations}
  - {name: oob, cidr: 10.78.0.0/24, purpose: oob}
`

// advertised has a router tell what is behind it to ask DHCPv6.
const advertised = `interface eth1 { AdvSendAdvert on; AdvManagedFlag on; AdvOtherConfigFlag on; MinRtrAdvInterval 3; MaxRtrAdvInterval 4;
  prefix fd77::/64 { AdvOnLink on; AdvAutonomous on; }; };
`

// The same over IPv6 alone, where the relay names the link: UEFI firmware by PXE and by HTTP.
func TestFirmwareNetbootsThroughARelayOverIPv6(t *testing.T) {
	relay, router := program(t, "dhcrelay", "isc-dhcp-relay"), program(t, "radvd", "radvd")
	w, ctx := stopped(t, []lab.Node{
		{Name: "node1", Firmware: inventory.UEFI, IPv6: true, Disks: []string{"{size: 1GiB, serial: RWDISK0001, bus: virtio}"}},
		{Name: "node2", Firmware: inventory.UEFI, IPv6: true, HTTP: true, Disks: []string{"{size: 1GiB, serial: RWDISK0002, bus: virtio}"}},
	})
	behind(t, w, "far0", "10.79.0.")
	link, err := netlink.LinkByName(lab.Bridge)
	check(t, err)
	here, err := netlink.ParseAddr("fd76::1/64")
	check(t, err)
	check(t, netlink.AddrAdd(link, here))
	t.Cleanup(func() { _ = netlink.AddrDel(link, here) })
	_, far, err := net.ParseCIDR("fd77::/64")
	check(t, err)
	check(t, netlink.RouteAdd(&netlink.Route{Dst: far, Gw: net.ParseIP("fd76::5")}))
	conf := filepath.Join(w.Dir, "radvd.conf")
	check(t, os.WriteFile(conf, []byte(advertised), 0o600))
	elsewhere(t, "echo 1 >/proc/sys/net/ipv6/conf/all/forwarding\nip addr add fd76::5/64 dev eth0 nodad\nip addr add fd77::fe/64 dev eth1 nodad\nip link set eth0 up\nip link set eth1 up\n"+
		"sleep 2\n"+router+" -n -C "+conf+" -p "+conf+".pid &\nexec "+relay+" -6 -d --no-pid -I -l eth1 -u fd76::1%eth0", lab.Bridge, "far0")
	check(t, w.StartServer(ctx))
	check(t, w.StartRack(ctx))
	check(t, os.WriteFile(filepath.Join(w.PlanDir(), "networks.yaml"), []byte(farNetworksSix), 0o644))
	discovered(t, ctx, w, 2)
	wire, stop := recorded(t, "far0", "udp or icmp6")
	inspected(t, ctx, w, "node1", "node2")
	stop()
	faultless(t, wire)
	for machine, address := range map[string]string{"node1": "fd77::11", "node2": "fd77::12"} {
		events, err := w.Client.Timeline(ctx, machine, 1000)
		check(t, err)
		for _, e := range events {
			given, named := e.Detail["address"] // a RELEASE is told no address
			if e.Kind == journal.DHCPAnswered && (e.Detail["relay"] != "fd76::5" || named && given != address) {
				t.Errorf("%s: %s %+v", machine, e.Summary, e.Detail)
			}
		}
		if b := firstBoot(t, ctx, w, machine); b.Result != attempt.Booted {
			t.Errorf("the boot of %s: %+v", machine, b)
		}
	}
}

// behind moves the machines of a lab that is not started to a bridge and a /24 of their own,
// which the server reaches by the router 10.77.0.5.
func behind(t *testing.T, w *lab.World, bridge, prefix string) {
	t.Helper()
	far := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: bridge}}
	check(t, netlink.LinkAdd(far))
	t.Cleanup(func() { _ = netlink.LinkDel(far) })
	check(t, os.WriteFile("/proc/sys/net/ipv6/conf/"+bridge+"/disable_ipv6", []byte("1"), 0o644)) // we are not on it
	check(t, netlink.LinkSetUp(far))
	_, subnet, err := net.ParseCIDR(prefix + "0/24")
	check(t, err)
	route := &netlink.Route{Dst: subnet, Gw: net.IPv4(10, 77, 0, 5)}
	check(t, netlink.RouteAdd(route))
	t.Cleanup(func() { _ = netlink.RouteDel(route) })
	file := filepath.Join(w.Dir, "rack.yaml")
	rack, err := os.ReadFile(file)
	check(t, err)
	check(t, os.WriteFile(file, []byte(strings.NewReplacer("{name: "+lab.Bridge+"}", "{name: "+bridge+"}", "10.77.0.", prefix).Replace(string(rack))), 0o644))
}
