package qemu

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rackwright/boot/attempt"
	"rackwright/integration/lab"
	"rackwright/inventory"
	"rackwright/journal"
)

// besideNetworks is a provisioning network whose addresses are another server's.
const besideNetworks = `site: lab
networks:
  - name: provision
    cidr: 10.77.0.0/24
    cidr6: fd77::/64
    dhcp: proxy
    router_adverts: true
  - name: oob
    cidr: 10.78.0.0/24
    purpose: oob
`

// Beside a DHCP server that knows nothing of netboot, UEFI firmware by PXE or HTTP and a BIOS's option ROM take
// their address from it and what they load from us; so do the loader and the agent.
func TestFirmwareNetbootsBesideAnotherDHCPServer(t *testing.T) {
	dnsmasq := program(t, "dnsmasq", "dnsmasq-base")
	w, ctx := running(t, []lab.Node{
		{Name: "node1", Firmware: inventory.UEFI, Disks: []string{"{size: 1GiB, serial: RWDISK0001, bus: virtio}"}},
		{Name: "node2", Firmware: inventory.BIOS, Disks: []string{"{size: 1GiB, serial: RWDISK0002, bus: virtio}"}},
		{Name: "node3", Firmware: inventory.UEFI, HTTP: true, Disks: []string{"{size: 1GiB, serial: RWDISK0003, bus: virtio}"}},
	})
	leases := filepath.Join(t.TempDir(), "leases")
	elsewhere(t, "ip addr add 10.77.0.2/24 dev eth0\nip link set eth0 up\nexec "+dnsmasq+" --no-daemon --user=root --conf-file=/dev/null --pid-file= --port=0 --interface=eth0"+
		" --dhcp-range=10.77.0.100,10.77.0.150,10m --no-ping --dhcp-leasefile="+leases, lab.Bridge)
	check(t, os.WriteFile(filepath.Join(w.PlanDir(), "networks.yaml"), []byte(besideNetworks), 0o644))
	discovered(t, ctx, w, 3)
	wire, stop := recorded(t, lab.Bridge, "udp")
	inspected(t, ctx, w, "node1", "node2", "node3")
	stop()
	faultless(t, wire)
	given, err := os.ReadFile(leases)
	check(t, err)
	for i, firmware := range []string{"pxe", "ipxe", "http"} {
		machine, mac := fmt.Sprintf("node%d", i+1), fmt.Sprintf("52:54:00:77:00:%02x", i+1)
		if !strings.Contains(string(given), mac+" 10.77.0.1") {
			t.Errorf("%s has no lease of the other server's:\n%s", machine, given)
		}
		events, err := w.Client.Timeline(ctx, machine, 1000)
		check(t, err)
		told := map[any]bool{}
		for _, e := range events {
			if e.Kind == journal.DHCPAnswered && (e.Detail["rule"] != "proxied" || e.Detail["address"] != nil) {
				t.Errorf("%s was answered as if its addresses were ours: %+v", machine, e)
			}
			if e.Detail["rule"] == "proxied" {
				told[e.Detail["client"]] = true
			}
		}
		if !told["ipxe"] || !told[firmware] || told["pxe"] && told["http"] {
			t.Errorf("%s was told what to load as %v\n%s", machine, told, timeline(ctx, w, machine))
		}
		if b := firstBoot(t, ctx, w, machine); b.Result != attempt.Booted || !strings.Contains(strings.Join(b.Servers, " "), "10.77.0.2") {
			t.Errorf("the boot of %s: %+v", machine, b)
		}
	}
}
