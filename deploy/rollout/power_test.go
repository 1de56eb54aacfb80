package rollout

import (
	"fmt"
	"strings"
	"testing"

	"rackwright/inventory"
)

func TestARackIsNotAskedForMorePowerThanItsFeedsCarry(t *testing.T) {
	model := &inventory.Model{Name: "m", Build: inventory.Build{Watts: 500}}
	p := RackPower{Rack: inventory.Rack{Name: "r1", Feeds: []inventory.Feed{{Name: "A", Volts: 230, Amps: 10}}}, // 1840 W
		Model: func(string) *inventory.Model { return model }}
	for i := range 5 {
		p.Machines = append(p.Machines, inventory.Machine{ID: fmt.Sprint(i), Model: "m", Phase: inventory.Ready, Power: inventory.PowerOff, Slot: &inventory.Slot{Rack: "r1", U: 1 + i}})
	}
	p.Machines[4].Power = inventory.PowerOn
	flying := map[string]bool{}
	in := func(id string) bool { return flying[id] }
	for _, id := range []string{"0", "1"} {
		if why := p.Allows(id, in); why != "" {
			t.Fatal(why)
		}
		flying[id] = true
	}
	if why := p.Allows("2", in); !strings.Contains(why, "feed A of r1") {
		t.Errorf("a fourth of 500 W: %q", why)
	}
	if why := p.Allows("4", in); why != "" {
		t.Errorf("one that is on already: %s", why)
	}
	p.Rack.Feeds = nil
	if why := p.Allows("2", in); why != "" {
		t.Errorf("a rack whose feeds nobody knows: %s", why)
	}
}
