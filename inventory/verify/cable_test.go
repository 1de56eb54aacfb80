package verify_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"rackwright/inventory"
	"rackwright/inventory/verify"
)

// cabled is a rack of n machines with two ports each: nic1 of machine i goes to leaf-1
// port i, nic2 to leaf-2, and every switch is heard under the names switches use.
func cabled(n int) inventory.Inventory {
	inv := inventory.Inventory{}
	for s := 1; s <= 2; s++ {
		d := inventory.Device{Name: fmt.Sprintf("leaf-%d", s), Kind: inventory.KindSwitch, LLDP: fmt.Sprintf("dc1-leaf%d", s)}
		for p := 1; p <= 48; p++ {
			d.Ports = append(d.Ports, inventory.Port{Name: fmt.Sprintf("Ethernet%d", p)})
		}
		inv.Devices = append(inv.Devices, d)
	}
	for i := 1; i <= n; i++ {
		m := inventory.Machine{ID: fmt.Sprintf("id-%d", i), Name: fmt.Sprintf("r1-u%d", i), Facts: &inventory.Facts{Source: "agent", Observed: noon}}
		for s := 1; s <= 2; s++ {
			m.NICs = append(m.NICs, inventory.NIC{Name: fmt.Sprintf("nic%d", s), MAC: mac(10*i + s),
				Cable: &inventory.Cable{To: inventory.End{Owner: fmt.Sprintf("leaf-%d", s), Port: fmt.Sprintf("Ethernet%d", i)}}})
			m.Facts.NICs = append(m.Facts.NICs, inventory.SeenNIC{Name: fmt.Sprintf("eth%d", s), MAC: mac(10*i + s), Link: true})
			m.Facts.LLDP = append(m.Facts.LLDP, inventory.Neighbor{NIC: fmt.Sprintf("eth%d", s), System: fmt.Sprintf("DC1-leaf%d.example.net", s), Port: fmt.Sprintf("Eth1/%d", i)})
		}
		inv.Machines = append(inv.Machines, m)
	}
	return inv
}

func TestARightRackHasNoMistakeWhateverItsSwitchesCallTheirPorts(t *testing.T) {
	w := verify.Rack(cabled(10), nil, soon)
	if w.Planned != 20 || w.Heard != 20 || w.Right != 20 || len(w.Causes) != 0 {
		t.Errorf("found %+v", w)
	}
}

func TestBothMachinesOfASwapNameItInTheSameWords(t *testing.T) {
	inv := cabled(10)
	a, b := &inv.Machines[2].Facts.LLDP[0], &inv.Machines[6].Facts.LLDP[0]
	a.Port, b.Port = b.Port, a.Port
	got := verify.Cabling(inv, nil, soon)
	want := "the cables of r1-u3 nic1 and r1-u7 nic1 are swapped: swap the cables in leaf-1:Ethernet7 and leaf-1:Ethernet3"
	if len(got) != 2 || len(got["id-3"]) != 1 || len(got["id-7"]) != 1 || got["id-3"][0].Hint != want || got["id-7"][0].Hint != want ||
		got["id-3"][0].Evidence != "expected leaf-1:Ethernet3, observed leaf-1:Ethernet7 (agent, 2026-03-04)" || got["id-3"][0].Subject != "nic1" || got["id-3"][0].Type != verify.CablingWrong {
		t.Errorf("found %+v", got)
	}
	inv.Machines[2].Waivers = []inventory.Waiver{{Rule: "cabling", Reason: "moved on Monday"}}
	if got := verify.Cabling(inv, nil, soon); got["id-3"][0].Waived.By != verify.ByPlan || !got["id-7"][0].Waived.At.IsZero() {
		t.Errorf("waived as %+v", got)
	}
}

func TestASilentPortIsAFindingOnlyWhenItsSwitchSpeaks(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*inventory.Inventory)
		reason string
	}{
		"no neighbour": {func(inv *inventory.Inventory) { inv.Machines[0].Facts.LLDP = inv.Machines[0].Facts.LLDP[1:] }, verify.NoNeighbour},
		"no link": {func(inv *inventory.Inventory) {
			inv.Machines[0].Facts.LLDP = inv.Machines[0].Facts.LLDP[1:]
			inv.Machines[0].Facts.NICs[0].Link = false
		}, verify.NoLink},
		"nobody hears the switch": {func(inv *inventory.Inventory) {
			for i := range inv.Machines {
				inv.Machines[i].Facts.LLDP = inv.Machines[i].Facts.LLDP[1:]
			}
		}, ""},
		"just began to listen": {func(inv *inventory.Inventory) {
			inv.Machines[0].Facts.LLDP, inv.Machines[0].Facts.Observed = nil, soon.Add(-time.Minute)
			inv.Machines[0].NICs = inv.Machines[0].NICs[:1]
		}, ""},
		"has listened long": {func(inv *inventory.Inventory) {
			inv.Machines[0].Facts.LLDP = nil
			inv.Machines[0].NICs = inv.Machines[0].NICs[:1]
		}, verify.NoNeighbour},
		"was never seen": {func(inv *inventory.Inventory) { inv.Machines[0].Facts = nil }, ""},
	} {
		inv := cabled(4)
		c.change(&inv)
		causes := verify.Rack(inv, nil, soon).Causes
		if c.reason == "" && len(causes) != 0 || c.reason != "" && (len(causes) != 1 || causes[0].Reason != c.reason || !strings.Contains(causes[0].Text, "leaf-1:Ethernet1")) {
			t.Errorf("%s: %+v", name, causes)
		}
	}
}

func TestACablePlannedFromTheSwitchCounts(t *testing.T) {
	inv := cabled(2)
	inv.Machines[0].NICs[0].Cable = nil
	inv.Devices[0].Ports[8].Cable = &inventory.Cable{To: inventory.End{Owner: "r1-u1", Port: "nic1"}}
	w := verify.Rack(inv, nil, soon)
	if w.Planned != 4 || len(w.Causes) != 1 || w.Causes[0].Text != "the cable of r1-u1 nic1 is in the wrong port: move the cable from leaf-1:Ethernet1 to leaf-1:Ethernet9" {
		t.Errorf("found %+v", w)
	}
}
