package qemu

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/vishvananda/netlink"

	"rackwright/integration/lab"
	"rackwright/inventory"
	"rackwright/journal"
)

// sixNetworks is a provisioning network without DHCPv4.
const sixNetworks = `site: lab
networks:
  - name: provision
    cidr: 10.77.0.0/24
    cidr6: fd77::/64
    dhcp: off
    dhcp6: reservations
    slaac: true
    router_adverts: true
  - name: oob
    cidr: 10.78.0.0/24
    purpose: oob
`

// sixWorld is a lab whose machines netboot over IPv6, planned and discovered.
func sixWorld(t *testing.T, nodes ...lab.Node) (*lab.World, context.Context) {
	t.Helper()
	w, ctx := running(t, nodes)
	br, err := netlink.LinkByName(lab.Bridge)
	check(t, err)
	a, err := netlink.ParseAddr("fd77::1/64")
	check(t, err)
	check(t, netlink.AddrAdd(br, a))
	t.Cleanup(func() { _ = netlink.AddrDel(br, a) })
	check(t, os.WriteFile(filepath.Join(w.PlanDir(), "networks.yaml"), []byte(sixNetworks), 0o644))
	discovered(t, ctx, w, len(nodes))
	return w, ctx
}

// UEFI firmware is told by DHCPv6 to fetch its loader over IPv6, by TFTP or by HTTP, the loader its
// script, kernel and ramdisk, and the agent checks in over IPv6: there is no IPv4 on the network.
func TestUEFIFirmwareNetbootsOverIPv6(t *testing.T) {
	w, ctx := sixWorld(t,
		lab.Node{Name: "node1", Firmware: inventory.UEFI, IPv6: true, Disks: []string{"{size: 1GiB, serial: RWDISK0001, bus: virtio}"}},
		lab.Node{Name: "node2", Firmware: inventory.UEFI, IPv6: true, HTTP: true, Disks: []string{"{size: 1GiB, serial: RWDISK0002, bus: virtio}"}})
	wire, stop := recorded(t, lab.Bridge, "udp or icmp6")
	inspected(t, ctx, w, "node1", "node2")
	stop()
	faultless(t, wire)
	for machine, loader := range map[string]journal.Kind{"node1": journal.TFTPSent, "node2": journal.HTTPSent} {
		events, err := w.Client.Timeline(ctx, machine, 1000)
		check(t, err)
		seen, loaded := map[any]bool{}, false
		for _, e := range events {
			if e.Kind == journal.DHCPIgnored && loaded {
				t.Errorf("the loader lost time with IPv4: %s", e.Summary)
			}
			if file := e.Detail["file"]; e.Kind == journal.HTTPSent || e.Kind == journal.TFTPSent {
				seen[file] = true
				if file == "ipxe.efi" {
					loaded = true
					if e.Kind != loader {
						t.Errorf("%s: %s", machine, e.Summary)
					}
				}
			}
			seen[e.Detail["protocol"]] = true
		}
		for _, want := range []string{"DHCPv6", "ipxe.efi", "script", "vmlinuz", "initrd"} {
			if !seen[want] {
				t.Errorf("no %s in the timeline\n%s", want, timeline(ctx, w, machine))
			}
		}
		if seen["DHCPv4"] {
			t.Errorf("an answer by IPv4\n%s", timeline(ctx, w, machine))
		}
	}
}
