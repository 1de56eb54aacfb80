package inventory_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"rackwright/inventory"
)

// admit asks for the machine with that name while those in full burn.
func (r room) admit(name string, full map[string]bool) inventory.Budget {
	i := slices.IndexFunc(r.machines, func(m inventory.Machine) bool { return m.Name == name })
	p := inventory.RackPower{Rack: r.rack, Devices: r.pdus, Machines: r.machines, Model: r.model, Full: func(id string) bool { return full[id] }}
	return p.Admit(&r.machines[i])
}

// drawn is the same room with what each machine draws now as what its model says.
func (r room) drawn(full map[string]bool) room {
	out := r
	out.watts = map[string]float64{}
	for _, m := range r.machines {
		share := 0.5
		switch {
		case full[m.ID] || m.Phase == inventory.Active:
			share = 1
		case m.Power == inventory.PowerOff:
			share = 0.05
		}
		out.watts[m.Model] = share * r.watts[m.Model]
	}
	return out
}

// Whatever machines come and go, none makes a feed carry more than it may, with any one
// feed lost.
func TestAdmittedMachinesNeverOverloadAFeed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawRoom(t)
		for i := range r.machines {
			m := &r.machines[i]
			m.ID = "id-" + m.Name
			m.Power = rapid.SampledFrom([]inventory.Power{inventory.PowerOn, inventory.PowerOff, inventory.PowerUnknown}).Draw(t, "power")
			m.Phase = rapid.SampledFrom([]inventory.Phase{inventory.Discovered, inventory.Ready, inventory.Active}).Draw(t, "phase")
		}
		full := map[string]bool{}
		for range rapid.IntRange(0, 20).Draw(t, "turns") {
			if len(r.machines) == 0 {
				return
			}
			m := rapid.SampledFrom(r.machines).Draw(t, "machine")
			if full[m.ID] {
				delete(full, m.ID)
				continue
			}
			b := r.admit(m.Name, full)
			if b.Fits && !b.Ever {
				t.Fatalf("%s fits among others and not alone: %+v", m.Name, b)
			}
			if b.Ever && !b.Fits && len(full) == 0 {
				t.Fatalf("%s fits alone, is alone, and waits: %+v", m.Name, b)
			}
			if !b.Fits {
				continue
			}
			before := r.drawn(full)
			full[m.ID] = true
			d := r.drawn(full)
			for _, f := range r.rack.Feeds {
				if w := d.worst(f.Name); w > f.UsableWatts()+0.01 && w > before.worst(f.Name)+0.01 {
					t.Fatalf("feed %s carries %.0f W and may carry %.0f W after %s was let in: %v", f.Name, w, f.UsableWatts(), m.Name, full)
				}
			}
		}
	})
}

func TestABudgetIsSaidInKilowatts(t *testing.T) {
	two := func(to1, to2 string) []inventory.PSU {
		return []inventory.PSU{{Name: "1", Cable: cable(to1)}, {Name: "2", Cable: cable(to2)}}
	}
	r := room{rack: inventory.Rack{Name: "r1", Feeds: []inventory.Feed{{Name: "A", Volts: 230, Amps: 16}, {Name: "B", Volts: 230, Amps: 20}}},
		pdus: []inventory.Device{{Name: "pdu-A", Kind: inventory.KindPDU, Feed: "A", Slot: &inventory.Slot{Rack: "r1"}},
			{Name: "pdu-B", Kind: inventory.KindPDU, Feed: "B", Slot: &inventory.Slot{Rack: "r1"}}}, watts: map[string]float64{"m": 1200, "huge": 4000}}
	for _, name := range []string{"a", "b", "c"} {
		r.machines = append(r.machines, inventory.Machine{ID: name, Name: name, Model: "m", Slot: &inventory.Slot{Rack: "r1"}, PSUs: two("pdu-A:1", "pdu-B:1")})
	}
	b := r.admit("a", nil)
	if !b.Fits || b.Feed != "A" || b.WhenAt != "B" || b.NowW != 1800 || b.WithW != 2400 {
		t.Errorf("%+v", b)
	}
	b = r.admit("b", map[string]bool{"a": true})
	if b.Fits || !b.Ever || b.String() != "power in rack r1: 2.4 of 2.9 kW in use" {
		t.Errorf("%s: %+v", b, b)
	}
	r.machines[2].Model = "huge"
	if b = r.admit("c", nil); b.Fits || b.Ever {
		t.Errorf("%+v", b)
	}
}

func TestAMachineWithoutADrawInItsModelDrawsWhatASupplyGives(t *testing.T) {
	r := room{rack: inventory.Rack{Name: "r1", Feeds: []inventory.Feed{{Name: "A", Volts: 230, Amps: 16}}}}
	m := inventory.Machine{ID: "a", Name: "a", Slot: &inventory.Slot{Rack: "r1"}}
	r.machines = []inventory.Machine{m}
	if b := r.admit("a", nil); !b.Fits || b.WithW != 0 {
		t.Errorf("nothing known: %+v", b)
	}
	r.machines[0].Facts = &inventory.Facts{PSUs: []inventory.PSU{{Name: "1", Watts: 800}, {Name: "2", Watts: 800}}}
	if b := r.admit("a", nil); b.WithW != 800 || b.NowW != 400 {
		t.Errorf("as seen: %+v", b)
	}
	r.machines[0].PSUs = []inventory.PSU{{Name: "1", Watts: 3200}}
	if b := r.admit("a", nil); b.Ever || !strings.Contains(b.String(), "rack r1") {
		t.Errorf("as planned: %+v", b)
	}
	r.rack.Feeds = nil
	if b := r.admit("a", nil); !b.Fits {
		t.Errorf("a rack whose feeds nobody declared: %+v", b)
	}
}

func TestAMachineThatAddsNothingIsLetIn(t *testing.T) {
	r := room{rack: inventory.Rack{Name: "r1", Feeds: []inventory.Feed{{Name: "A", Volts: 230, Amps: 10}}}, watts: map[string]float64{"m": 1500}}
	for _, name := range []string{"a", "b", "c"} {
		r.machines = append(r.machines, inventory.Machine{ID: name, Name: name, Model: "m", Phase: inventory.Active, Slot: &inventory.Slot{Rack: "r1"}})
	}
	if b := r.admit("a", nil); !b.Fits {
		t.Errorf("it is active and counted at full already: %+v", b)
	}
	r.machines[2].Phase = inventory.Ready
	if b := r.admit("c", nil); b.Fits || b.Ever {
		t.Errorf("the feed carries too much without it: %+v", b)
	}
}
