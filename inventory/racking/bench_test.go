package racking_test

import (
	"testing"
	"time"

	"rackwright/inventory"
	"rackwright/inventory/racking"
)

var now = time.Date(2026, 3, 4, 10, 0, 0, 0, time.UTC)

func mac(n byte) inventory.MAC { return inventory.MAC{0x52, 0x54, 0, 0, 0, n} }

func cable(owner, port string) *inventory.Cable {
	return &inventory.Cable{To: inventory.End{Owner: owner, Port: port}, Type: "dac", LengthM: 2, Label: "C-" + port}
}

// rack is r1: n1 (two units, cabled to leaf and PDUs) in u10, two half-width machines in
// u20, leaf in u40, a PDU beside the units, u30 kept free.
func rack() *racking.View {
	at := func(u, height int, face inventory.Face, side inventory.Side) *inventory.Slot {
		return &inventory.Slot{Rack: "r1", U: u, Height: height, Face: face, Side: side}
	}
	return &racking.View{Rack: "r1", Inventory: &inventory.Inventory{
		Racks:  []inventory.Rack{{Name: "r1", Units: 42, Reserved: []inventory.Reservation{{U: 30, Height: 2, Reason: "storage comes in May"}}}, {Name: "r2", Units: 42}},
		Models: []inventory.Model{{Name: "big", Build: inventory.Build{WeightKG: 34}}},
		Devices: []inventory.Device{
			{ID: "leaf", Name: "leaf-1", Kind: inventory.KindSwitch, Slot: at(40, 1, inventory.Both, ""), PSUs: []inventory.PSU{{Name: "psu1", Cable: cable("pdu-a", "20")}}},
			{ID: "pdu", Name: "pdu-a", Kind: inventory.KindPDU, Slot: at(0, 0, inventory.Rear, ""), Feed: "A"}},
		Machines: []inventory.Machine{
			{ID: "left", Name: "n2", Phase: inventory.Planned, Slot: at(20, 1, inventory.Front, inventory.LeftHalf)},
			{ID: "right", Name: "n3", Phase: inventory.Planned, Slot: at(20, 1, inventory.Front, inventory.RightHalf), Serial: "SN-3"},
			{ID: "one", Name: "n1", Phase: inventory.Planned, Slot: at(10, 2, inventory.Both, ""), Model: "big", Serial: "SN-1", UUID: "11111111-2222-3333-4444-555555555501",
				BMC:  &inventory.BMC{Address: "https://10.0.1.11"},
				NICs: []inventory.NIC{{Name: "nic1", MAC: mac(1), Cable: cable("leaf-1", "14")}, {Name: "nic2", Cable: cable("leaf-1", "15")}},
				PSUs: []inventory.PSU{{Name: "psu1", Cable: cable("pdu-a", "7")}}},
			{ID: "else", Name: "m1", Phase: inventory.Racked, Slot: &inventory.Slot{Rack: "r2", U: 1, Height: 1, Face: inventory.Front}, Serial: "SN-9", AssetTag: "A-9"}}}}
}

func one(v *racking.View) *inventory.Machine { return v.Inventory.Machine("n1") }

// heard gives n1 facts in which nic1 hears a port of leaf-1 and nic2 one, and psu1 is as
// said.
func heard(v *racking.View, nic1, nic2, psu string) {
	one(v).Facts = &inventory.Facts{Source: "agent", Observed: now,
		NICs: []inventory.SeenNIC{{Name: "eth0", MAC: mac(1), Link: true, Mbps: 10000}, {Name: "nic2", MAC: mac(2)}},
		LLDP: []inventory.Neighbor{{NIC: "eth0", System: "leaf-1.example", Port: nic1}, {NIC: "nic2", System: "LEAF-1", Port: nic2}},
		PSUs: []inventory.PSU{{Name: "PSU 1", Input: psu}}}
}

// steps is a machine's or device's line of the list.
func steps(t *testing.T, v *racking.View, owner string) map[racking.StepName]racking.Task {
	t.Helper()
	for _, it := range v.Sheet(now).Items {
		if it.Owner == owner {
			out := map[racking.StepName]racking.Task{}
			for _, s := range it.Steps {
				out[s.Name] = s
			}
			return out
		}
	}
	t.Fatalf("%s is not on the list", owner)
	return nil
}

// states is how the steps of an item stand, in order.
func states(t *testing.T, v *racking.View, owner string) (out []racking.State) {
	t.Helper()
	all := steps(t, v, owner)
	for _, n := range racking.Steps() {
		if s, ok := all[n]; ok {
			out = append(out, s.State)
		}
	}
	return out
}

func said(owner string, n racking.StepName, s racking.State) racking.Mark {
	return racking.Mark{Owner: owner, Step: n, State: s, By: "ada", At: now, Reason: "so"}
}
