package qemu

import (
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"

	"rackwright/boot/attempt"
	"rackwright/integration/lab"
	"rackwright/inventory"
)

// withoutTFTP is a firewall: what node1 asks by TFTP does not arrive, nor what node2 is answered.
const withoutTFTP = `table inet firewall {
	chain in { type filter hook input priority 0; ip saddr 10.77.0.11 udp dport 69 drop; }
	chain out { type filter hook output priority 0; ip daddr 10.77.0.12 udp sport != 67 drop; }
}
`

// Firmware that a firewall keeps TFTP from goes on to its next boot entry, HTTP, and comes to the agent;
// why says of the try before what it was kept from.
func TestFirmwareThatTFTPIsKeptFromBootsByHTTP(t *testing.T) {
	nft := program(t, "nft", "nftables")
	w, ctx := world(t, []lab.Node{
		{Name: "node1", Firmware: inventory.UEFI, Disks: []string{"{size: 1GiB, serial: RWDISK0001, bus: virtio}"}},
		{Name: "node2", Firmware: inventory.UEFI, Disks: []string{"{size: 1GiB, serial: RWDISK0002, bus: virtio}"}},
	})
	wall := exec.CommandContext(ctx, nft, "-f", "-")
	wall.Stdin = strings.NewReader(withoutTFTP)
	if out, err := wall.CombinedOutput(); err != nil {
		t.Skipf("no firewall: %v: %s", err, out)
	}
	t.Cleanup(func() { _ = exec.Command(nft, "delete", "table", "inet", "firewall").Run() })
	inspected(t, ctx, w, "node1", "node2")
	for machine, code := range map[string]string{"node1": "nothing-loaded", "node2": "tftp-stalled"} {
		if why := byPXE(t, ctx, w, machine); why == nil || why.Code != code {
			t.Errorf("why %s did not boot by PXE: %+v, not %s\n%s", machine, why, code, timeline(ctx, w, machine))
		}
	}
}

// byPXE is what would be said of a machine had nothing more come after it tried to boot by PXE.
func byPXE(t *testing.T, ctx context.Context, w *lab.World, machine string) *attempt.Trouble {
	t.Helper()
	events, err := w.Client.Timeline(ctx, machine, 1000)
	check(t, err)
	m, err := w.Client.Machine(ctx, machine)
	check(t, err)
	later := time.Now().Add(10 * time.Minute)
	boots := attempt.Of(events, later)
	if len(boots) < 2 || boots[0].Client != "pxe" || boots[1].Client != "http" || boots[1].Result != attempt.Booted {
		t.Errorf("the boots of %s: %+v", machine, boots)
		return nil
	}
	return attempt.Diagnose(&m, boots[:1], time.Time{}, later)
}
