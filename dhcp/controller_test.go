package dhcp

import (
	"strings"
	"testing"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"rackwright/boot"
	"rackwright/inventory"
)

func TestABMCIsKnownByItsVendorClassItsMakerOrItsNetwork(t *testing.T) {
	oob, prov := &inventory.Network{Purpose: "oob"}, &inventory.Network{Purpose: "provision"}
	super, other := inventory.MAC{0xac, 0x1f, 0x6b, 1, 2, 3}, inventory.MAC{0x52, 0x54, 0, 1, 2, 3}
	for name, c := range map[string]struct {
		class  string
		mac    inventory.MAC
		boots  boot.Class
		n      *inventory.Network
		is     bool
		vendor string
	}{
		"iDRAC":                       {"iDRAC", other, boot.NotNetboot, prov, true, "Dell iDRAC"},
		"iLO":                         {"CPQRIB3 (HP Proliant DL360 G6 iLO)", other, boot.NotNetboot, prov, true, "HPE iLO"},
		"Supermicro by its maker":     {"udhcp 1.23.1", super, boot.NotNetboot, prov, true, "Supermicro"},
		"a small Linux":               {"udhcp 1.36.1", other, boot.NotNetboot, prov, false, ""},
		"a system on Supermicro":      {"systemd 252", super, boot.NotNetboot, prov, false, ""},
		"OpenBMC where BMCs are":      {"systemd 252", other, boot.NotNetboot, oob, true, "systemd 252"},
		"nothing said where BMCs are": {"", super, boot.NotNetboot, oob, true, "Supermicro"},
		"firmware that netboots":      {"PXEClient:Arch:00007", super, boot.PXE, oob, false, ""},
		"hostile text":                {"a\x00\x1b[2J" + strings.Repeat("b", 300), other, boot.NotNetboot, oob, true, "a[2J" + strings.Repeat("b", 58)},
	} {
		if is, vendor := controllerOf(c.class, c.mac, c.boots, c.n); is != c.is || vendor != c.vendor {
			t.Errorf("%s: %v %q", name, is, vendor)
		}
	}
}

// bmcWorld has a BMC of m1 in the plan, on a network of BMCs.
func bmcWorld(change func(prov, far *inventory.Network)) *world {
	w := newWorld(change)
	w.prov.Purpose = "oob"
	w.view = boot.NewView(1, []*inventory.Network{w.prov, w.far}, []*boot.Host{
		{Machine: "m1", Name: "r1-u1", MAC: knownMAC, Address: knownAddr, Firmware: inventory.UEFI, BMC: true}})
	return w
}

func TestAPlannedBMCGetsItsAddressAndNothingToBoot(t *testing.T) {
	w := bmcWorld(nil)
	m, err := dhcpv4.NewDiscovery(knownMAC[:], dhcpv4.WithOption(dhcpv4.OptClassIdentifier("PXEClient:Arch:00007")), dhcpv4.WithOption(dhcpv4.OptClientArch(7)),
		dhcpv4.WithRequestedOptions(dhcpv4.OptionHostName))
	if err != nil {
		t.Fatal(err)
	}
	ans := w.ask(m)
	if ans.Rule != Offered || ans.Address != knownAddr {
		t.Fatalf("%s %s: %s", ans.Rule, ans.Address, ans.Event.Summary)
	}
	if ans.Reply.BootFileNameOption() != "" || ans.Reply.BootFileName != "" || ans.Reply.HostName() != "r1-u1-bmc" {
		t.Errorf("boot file %q, host name %q", ans.Reply.BootFileNameOption(), ans.Reply.HostName())
	}
	if ans.Controller {
		t.Error("a known BMC is taken for a strange one")
	}
}

func TestAStrangeBMCIsToldOfAndLentAnAddressOnlyWhereStrangersAre(t *testing.T) {
	m, err := dhcpv4.NewDiscovery(strange[:], dhcpv4.WithOption(dhcpv4.OptClassIdentifier("iDRAC")))
	if err != nil {
		t.Fatal(err)
	}
	if ans := bmcWorld(nil).ask(m); ans.Rule != Stranger || !ans.Controller || ans.Vendor != "Dell iDRAC" {
		t.Errorf("%s, BMC %v of %q", ans.Rule, ans.Controller, ans.Vendor)
	}
	if ans := bmcWorld(discovering).ask(m); ans.Rule != Offered || !ans.Controller || ans.Reply.BootFileNameOption() != "" {
		t.Errorf("%s, BMC %v", ans.Rule, ans.Controller)
	}
}

func FuzzControllerOf(f *testing.F) {
	f.Add("iDRAC", []byte{0xac, 0x1f, 0x6b, 1, 2, 3}, true)
	f.Add("udhcp 1.23.1\x00\xff", []byte{0, 0x25, 0x90, 0, 0, 1}, false)
	f.Fuzz(func(t *testing.T, class string, mac []byte, oob bool) {
		var m inventory.MAC
		copy(m[:], mac)
		n := &inventory.Network{Purpose: "provision"}
		if oob {
			n.Purpose = "oob"
		}
		is, vendor := controllerOf(class, m, boot.NotNetboot, n)
		if !is && (vendor != "" || oob) || len(vendor) > maxVendor+len(supermicro)+1 || strings.ContainsFunc(vendor, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("%v %q", is, vendor)
		}
	})
}
