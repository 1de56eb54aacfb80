package inventory_test

import (
	"slices"
	"testing"
	"time"

	"rackwright/inventory"
)

func TestAPlannedCableCountsOnlyWhenItsSwitchWasHeardOrItIsWaived(t *testing.T) {
	left, right := inventory.MAC{2, 0, 0, 0, 0, 1}, inventory.MAC{2, 0, 0, 0, 0, 2}
	cable := &inventory.Cable{To: inventory.End{Owner: "leaf-1", Port: "1"}}
	wired := func() *inventory.Machine {
		return &inventory.Machine{Name: "n1", NICs: []inventory.NIC{{Name: "nic1", MAC: left, Cable: cable}, {Name: "nic2", MAC: right}},
			Facts: &inventory.Facts{NICs: []inventory.SeenNIC{{Name: "eth0", MAC: left}, {Name: "eth1", MAC: right}}}}
	}
	for name, c := range map[string]struct {
		change func(*inventory.Machine)
		want   []string
	}{
		"heard":                       {func(m *inventory.Machine) { m.Facts.LLDP = []inventory.Neighbor{{NIC: "eth0", System: "leaf-1"}} }, nil},
		"heard on the other port":     {func(m *inventory.Machine) { m.Facts.LLDP = []inventory.Neighbor{{NIC: "eth1", System: "leaf-1"}} }, []string{"nic1"}},
		"silent":                      {func(*inventory.Machine) {}, []string{"nic1"}},
		"never observed":              {func(m *inventory.Machine) { m.Facts = nil }, []string{"nic1"}},
		"a port nobody knows yet":     {func(m *inventory.Machine) { m.NICs[0].MAC = inventory.MAC{} }, []string{"nic1"}},
		"waived by the plan":          {func(m *inventory.Machine) { m.Waivers = []inventory.Waiver{{Rule: "cabling", Reason: "dumb switch"}} }, nil},
		"waived for another port":     {func(m *inventory.Machine) { m.Waivers = []inventory.Waiver{{Rule: "cabling", On: "nic2", Reason: "x"}} }, []string{"nic1"}},
		"waived by hand":              {func(m *inventory.Machine) { m.Conditions = []inventory.Condition{condition(time.Unix(1, 0))} }, nil},
		"told and waived by nobody":   {func(m *inventory.Machine) { m.Conditions = []inventory.Condition{condition(time.Time{})} }, []string{"nic1"}},
		"without a cable in its plan": {func(m *inventory.Machine) { m.NICs[0].Cable = nil }, nil},
	} {
		m := wired()
		c.change(m)
		if got := m.Unheard(); !slices.Equal(got, c.want) {
			t.Errorf("%s: unheard are %v, want %v", name, got, c.want)
		}
	}
}

func condition(waived time.Time) inventory.Condition {
	return inventory.Condition{Type: "cabling", Subject: "nic1", Waived: inventory.Waived{At: waived}}
}
