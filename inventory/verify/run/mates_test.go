package run_test

import (
	"testing"
	"time"

	"rackwright/inventory"
	"rackwright/inventory/plan"
	"rackwright/inventory/verify"
	"rackwright/journal"
)

// twoRacks are n1 in r1 and n2 in r2, on one switch that stands in r1.
func twoRacks() plan.Plan {
	node := func(name, mac, port string) plan.Machine {
		return plan.Machine{Name: name, U: 1, NICs: []plan.NIC{{MAC: mac, Cable: &inventory.Cable{To: inventory.End{Owner: "leaf-1", Port: port}}}}}
	}
	return plan.Plan{Site: "lab", Racks: []plan.Rack{
		{Name: "r1", Devices: []plan.Device{{Name: "leaf-1", Kind: inventory.KindSwitch, U: 40, Ports: []inventory.Port{{Name: "1-8"}}}},
			Machines: []plan.Machine{node("n1", "52:54:00:00:00:01", "1")}},
		{Name: "r2", Machines: []plan.Machine{node("n2", "52:54:00:00:00:02", "2")}}}}
}

// hears gives a machine facts in which its port hears a port of the switch.
func (w *world) hears(name, port string) {
	w.t.Helper()
	if _, err := w.ChangeMachine(w.t.Context(), name, func(m *inventory.Machine) ([]journal.Event, error) {
		m.Facts = &inventory.Facts{Source: "agent", Observed: time.Now(), NICs: []inventory.SeenNIC{{Name: "eth0", MAC: m.NICs[0].MAC, Link: true}},
			LLDP: []inventory.Neighbor{{NIC: "eth0", System: "leaf-1", Port: port}}}
		return nil, nil
	}); err != nil {
		w.t.Fatal(err)
	}
}

// cabling waits until what is said of a machine's cable is of a reason, "" for nothing.
func (w *world) cabling(name, reason string) {
	w.t.Helper()
	w.untilOf(name, "told "+reason+" of its cable", func(m *inventory.Machine) bool {
		for _, c := range m.Conditions {
			if c.Type == verify.CablingWrong {
				return c.Reason == reason
			}
		}
		return reason == ""
	})
}

func TestASwapBetweenTwoRacksIsNamedInBothAsSoonAsItIsSeen(t *testing.T) {
	w := newWorld(t)
	if _, err := w.ApplyPlan(t.Context(), twoRacks(), "", "tester"); err != nil {
		t.Fatal(err)
	}
	w.hears("n1", "2")
	w.cabling("n1", verify.WrongPort) // nobody was seen in its port yet
	w.hears("n2", "1")
	w.cabling("n2", verify.Swapped)
	w.cabling("n1", verify.Swapped)
	w.hears("n2", "2")
	w.cabling("n2", "") // it is right; n1 says it hears the same port
	w.cabling("n1", verify.PortShared)
	w.hears("n1", "1")
	w.cabling("n1", "")
	w.cabling("n2", "")
}
