package racking_test

import (
	"slices"
	"strings"
	"testing"

	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/inventory/racking"
)

func TestEveryPlaceOfARackHasAWord(t *testing.T) {
	v := rack()
	v.Inventory.Machine("n2").Conditions = []inventory.Condition{{Type: "bmc-unusable", Reason: "timeout"}}
	v.Inventory.Machine("n3").Phase = inventory.Maintenance
	v.Inventory.Machine("n3").Hold = &inventory.Hold{By: "ada", Reason: "fan"}
	v.Marks = []racking.Mark{said("leaf", racking.Mount, racking.Done)}
	places := v.Places()
	words := map[string]racking.Word{}
	empty := 0
	for _, p := range places {
		if p.Name != "" {
			words[p.Name] = p.State
		}
		if p.State == racking.Empty {
			empty++
		}
	}
	for name, want := range map[string]racking.Word{"n1": "planned", "n2": "attention", "n3": "attention", "leaf-1": "racked", "pdu-a": "planned"} {
		if words[name] != want {
			t.Errorf("%s is %s, want %s", name, words[name], want)
		}
	}
	if empty != 42-2-1-2-1 || places[0].Name != "pdu-a" || places[1].Slot.U != 1 {
		t.Errorf("%d units are empty; it begins with %+v", empty, places[:2])
	}
	if i := slices.IndexFunc(places, func(p racking.Place) bool { return p.State == racking.Reserved }); i < 0 || places[i].Slot.U != 30 || places[i].Note != "storage comes in May" {
		t.Errorf("the reservation is at %d", i)
	}
}

func TestHalfAUnitIsOfferedAsSuch(t *testing.T) {
	v := rack()
	v.Inventory.Machines = v.Inventory.Machines[1:] // without n2
	for _, p := range v.Places() {
		if p.Slot.U == 20 && p.State == racking.Empty {
			if p.Slot.Side != inventory.LeftHalf || p.Slot.Face != inventory.Front {
				t.Errorf("free is %+v", p.Slot)
			}
			return
		}
	}
	t.Error("the left half of u20 is not offered")
}

func TestThreeAnswersForASlot(t *testing.T) {
	v := rack()
	one(v).Phase = inventory.Discovered
	heard(v, "14", "15", "ok")
	v.Seen = []racking.Sighting{{Machine: "one", Kind: "serial", Value: "sn-1", Source: "redfish"}, {Machine: "one", Kind: "mac", Value: "52:54:00:00:00:77", Source: "agent"}}
	v.Marks = []racking.Mark{said("one", racking.Mount, racking.Done)}
	a, err := v.Answer(racking.Spot{U: 11}, []racking.Past{ // the middle of n1
		{Name: "upper half", Slot: inventory.Slot{Rack: "r1", U: 11, Height: 2, Face: inventory.Front, Side: inventory.LeftHalf}},
		{Name: "next to it", Slot: inventory.Slot{Rack: "r1", U: 12, Height: 1, Face: inventory.Both}},
		{Name: "node", Slot: inventory.Slot{Rack: "r1", U: 10, Height: 1, Face: inventory.Front, Chassis: "box", Bay: "b1"}}})
	if err != nil {
		t.Fatal(err)
	}
	if a.Expected.Kind != "machine" || a.Expected.Serial != "SN-1" || len(a.Expected.Cables) != 3 || len(a.Expected.MACs) != 1 || a.Slot.U != 10 {
		t.Errorf("expected %+v", a.Expected)
	}
	if len(a.Observed.Identifiers) != 2 || a.Observed.Ports[0].Hears != "leaf-1.example:14" || a.Observed.Facts.NICs != 2 || a.Observed.PSUs[0].Input != "ok" {
		t.Errorf("observed %+v", a.Observed)
	}
	if a.Adopted == nil || a.Adopted.Machine != "one" || !slices.Equal(a.Adopted.Agree, []string{"serial sn-1 (redfish)"}) || a.Adopted.By != "ada" {
		t.Errorf("adopted %+v", a.Adopted)
	}
	if len(a.History) != 1 || a.History[0].Name != "upper half" {
		t.Errorf("history %+v", a.History)
	}
}

func TestAUnitWithSeveralThingsIsToldApart(t *testing.T) {
	v := rack()
	for spot, want := range map[racking.Spot]string{{U: 20}: "n2", {U: 20, Side: inventory.RightHalf}: "n3", {U: 0}: "pdu-a", {U: 40, Face: inventory.Rear}: "leaf-1"} {
		a, err := v.Answer(spot, nil)
		if err != nil || a.Expected.Name != want {
			t.Errorf("%+v: %+v, %v", spot, a, err)
		}
	}
	if a, err := v.Answer(racking.Spot{U: 20}, nil); err != nil || !slices.Equal(a.Also, []string{"n3 (right)"}) {
		t.Errorf("also %+v, %v", a, err)
	}
}

func TestANodeIsFoundBehindItsChassis(t *testing.T) {
	v := rack()
	box := inventory.Slot{Rack: "r1", U: 5, Height: 2, Face: inventory.Both}
	node := box
	node.Chassis, node.Bay = "box", "b2"
	v.Inventory.Devices = append(v.Inventory.Devices, inventory.Device{ID: "box", Name: "box", Kind: inventory.KindChassis, Slot: &box, Bays: []string{"b1", "b2"}})
	v.Inventory.Machines = append(v.Inventory.Machines, inventory.Machine{ID: "node", Name: "n8", Phase: inventory.Planned, Slot: &node})
	for spot, want := range map[racking.Spot]string{{U: 6}: "box", {U: 5, Bay: "b2"}: "n8"} {
		if a, err := v.Answer(spot, nil); err != nil || a.Expected.Name != want {
			t.Errorf("%+v: %+v, %v", spot, a, err)
		}
	}
	if _, err := v.Answer(racking.Spot{U: 5, Bay: "b1"}, nil); !fault.Is(err, fault.NotFound) {
		t.Errorf("an empty bay: %v", err)
	}
}

func TestPlacesThatAreNotThere(t *testing.T) {
	v := rack()
	for _, s := range []racking.Spot{{U: 43}, {U: -1}, {U: 20, Bay: "b1"}} {
		if _, err := v.Answer(s, nil); !fault.Is(err, fault.NotFound) || fault.HintOf(err) == "" {
			t.Errorf("%+v: %v", s, err)
		}
	}
	v.Rack = "r9"
	if _, err := v.Answer(racking.Spot{U: 1}, nil); !fault.Is(err, fault.NotFound) || !strings.Contains(err.Error(), "r9") {
		t.Errorf("no rack: %v", err)
	}
	for spot, kind := range map[racking.Spot]string{{U: 1}: "nothing", {U: 31}: "reservation", {U: 20, Face: inventory.Rear}: "nothing"} {
		if a, err := rack().Answer(spot, nil); err != nil || a.Expected.Kind != kind || a.Adopted != nil {
			t.Errorf("%+v: %+v, %v", spot, a, err)
		}
	}
}
