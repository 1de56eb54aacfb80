package qemu

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"rackwright/integration/lab"
	"rackwright/inventory"
	"rackwright/journal"
)

// forARM64 skips a test where there is no machine, no firmware or no ramdisk of arm64.
func forARM64(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("qemu-system-aarch64"); err != nil {
		t.Skip("missing qemu-system-aarch64: apt-get install qemu-system-arm")
	}
	for need, from := range map[string]string{"/usr/share/AAVMF/AAVMF_CODE.fd": "apt-get install qemu-efi-aarch64",
		filepath.Join(cache(), "ramdisk/arm64/initrd"): "make arm, where apt knows a kernel for arm64"} {
		if _, err := os.Stat(need); err != nil {
			t.Skipf("missing %s: %s", need, from)
		}
	}
}

// UEFI firmware of arm64 is told of its own loader, by TFTP or by HTTP, the loader of a kernel and a
// ramdisk of arm64, and the agent, which speaks on the serial port of such machines, tells what it sees.
func TestARM64MachinesReachTheAgent(t *testing.T) {
	forARM64(t)
	w, ctx := running(t, []lab.Node{
		{Name: "node1", Arch: "arm64", Firmware: inventory.UEFI, Disks: []string{"{size: 1GiB, serial: RWDISK0001, bus: nvme}"}},
		{Name: "node2", Arch: "arm64", Firmware: inventory.UEFI, HTTP: true, Disks: []string{"{size: 1GiB, serial: RWDISK0002, bus: scsi}"}},
	})
	discovered(t, ctx, w, 2)
	wire, stop := recorded(t, lab.Bridge, "udp")
	inspected(t, ctx, w, "node1", "node2")
	stop()
	faultless(t, wire)
	for machine, loader := range map[string]journal.Kind{"node1": journal.TFTPSent, "node2": journal.HTTPSent} {
		events, err := w.Client.Timeline(ctx, machine, 1000)
		check(t, err)
		sent := map[any]journal.Kind{}
		for _, e := range events {
			if e.Kind == journal.HTTPSent || e.Kind == journal.TFTPSent {
				sent[e.Detail["file"]] = e.Kind
			}
		}
		for file, by := range map[string]journal.Kind{"snp.efi": loader, "script": journal.HTTPSent, "vmlinuz": journal.HTTPSent, "initrd": journal.HTTPSent} {
			if sent[file] != by {
				t.Errorf("%s: %s was sent as %q, want %s\n%s", machine, file, sent[file], by, timeline(ctx, w, machine))
			}
		}
		if said := console(t, w, machine); !strings.Contains(said, "rackwright-agent: checked in as "+machine) {
			t.Errorf("the agent is not heard on the serial port\n%s", lab.Tail(w.ConsoleLog(machine), 20))
		}
		if m, err := w.Client.Machine(ctx, machine); err != nil || m.Arch != "arm64" {
			t.Errorf("%s is planned as %q, %v", machine, m.Arch, err)
		}
		facts := agentSays(t, ctx, w, machine)
		if len(facts.CPUs) != 1 || len(facts.Disks) != 1 || facts.Firmware != inventory.UEFI || facts.System.Serial == "" {
			t.Errorf("%s: %+v", machine, facts)
		}
	}
}
