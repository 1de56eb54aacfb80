package inventory_test

import (
	"fmt"
	"math"
	"testing"

	"pgregory.net/rapid"

	"rackwright/inventory"
)

func cable(to string) *inventory.Cable {
	c := &inventory.Cable{}
	_ = c.To.UnmarshalText([]byte(to))
	return c
}

// room is a small rack that rapid drew: feeds, a PDU on each, and machines plugged in.
type room struct {
	rack     inventory.Rack
	pdus     []inventory.Device
	machines []inventory.Machine
	watts    map[string]float64 // by model, which is named like its machine
}

func (r room) model(name string) *inventory.Model {
	if w, known := r.watts[name]; known {
		return &inventory.Model{Name: name, Build: inventory.Build{Watts: w, WeightKG: w / 20}}
	}
	return nil
}

func (r room) load() inventory.Load {
	return inventory.RackLoad(r.rack, r.pdus, r.machines, r.model)
}

func drawRoom(t *rapid.T) room {
	r := room{rack: inventory.Rack{Name: "r1"}, watts: map[string]float64{}}
	for i := range rapid.IntRange(1, 4).Draw(t, "feeds") {
		feed := string(rune('A' + i))
		r.rack.Feeds = append(r.rack.Feeds, inventory.Feed{Name: feed, Volts: 230, Amps: 16})
		r.pdus = append(r.pdus, inventory.Device{Name: "pdu-" + feed, Kind: inventory.KindPDU, Feed: feed, Slot: &inventory.Slot{Rack: "r1"}})
	}
	for i := range rapid.IntRange(0, 6).Draw(t, "machines") {
		r.machines = append(r.machines, r.drawMachine(t, i))
	}
	return r
}

// drawMachine plugs each of up to four supplies into some feed, or none.
func (r room) drawMachine(t *rapid.T, i int) inventory.Machine {
	m := inventory.Machine{Name: fmt.Sprintf("m%d", i), Model: fmt.Sprintf("m%d", i), Slot: &inventory.Slot{Rack: "r1", U: i + 1, Height: 1}}
	r.watts[m.Model] = float64(rapid.IntRange(0, 1000).Draw(t, "watts"))
	for j := range rapid.IntRange(0, 4).Draw(t, "supplies") {
		p := inventory.PSU{Name: fmt.Sprintf("psu%d", j+1)}
		if feed := rapid.IntRange(-1, len(r.pdus)-1).Draw(t, "feed"); feed >= 0 {
			p.Cable = cable(fmt.Sprintf("%s:%d-%d", r.pdus[feed].Name, i, j))
		}
		m.PSUs = append(m.PSUs, p)
	}
	return m
}

// worst is the load of a feed worked out plainly: lose each other feed, or none, and hand
// every machine's draw to what is still fed.
func (r room) worst(feed string) (worst float64) {
	for _, lost := range append([]inventory.Feed{{}}, r.rack.Feeds...) {
		if lost.Name == feed {
			continue
		}
		sum := 0.0
		for _, m := range r.machines {
			var plugged, fed, here int
			for _, p := range m.PSUs {
				if p.Cable == nil {
					continue
				}
				plugged++
				if p.Cable.To.Owner != "pdu-"+lost.Name {
					fed++
				}
				if p.Cable.To.Owner == "pdu-"+feed {
					here++
				}
			}
			switch {
			case plugged == 0:
				sum += r.watts[m.Model]
			case fed > 0:
				sum += r.watts[m.Model] * float64(here) / float64(fed)
			}
		}
		worst = max(worst, sum)
	}
	return worst
}

func TestAFeedCarriesWhatTheLossOfAnyOtherMovesToIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawRoom(t)
		for _, f := range r.load().Feeds {
			if want := r.worst(f.Feed); math.Abs(f.WorstW-want) > 0.01 {
				t.Fatalf("feed %s carries %v W, by hand %v W", f.Feed, f.WorstW, want)
			}
		}
	})
}

func TestOneMoreMachineNeverLowersALoad(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawRoom(t)
		before := r.load()
		r.machines = append(r.machines, r.drawMachine(t, 9))
		after := r.load()
		for i := range before.Feeds {
			if after.Feeds[i].WorstW < before.Feeds[i].WorstW || after.WeightKG < before.WeightKG {
				t.Fatalf("%+v became %+v", before, after)
			}
		}
	})
}

func TestNoFeedCarriesMoreThanEverythingDraws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawRoom(t)
		total := 0.0
		for _, m := range r.machines {
			total += r.watts[m.Model]
		}
		for _, f := range r.load().Feeds {
			if f.WorstW > total+0.01 {
				t.Fatalf("feed %s carries %v W of %v W", f.Feed, f.WorstW, total)
			}
		}
	})
}

func TestTwoFeedsAreNoBudget(t *testing.T) {
	r := room{rack: inventory.Rack{Name: "r1", Feeds: []inventory.Feed{{Name: "A", Volts: 230, Amps: 16}, {Name: "B", Volts: 400, Amps: 16, Phases: 3}}},
		pdus: []inventory.Device{{Name: "pdu-A", Kind: inventory.KindPDU, Feed: "A", Slot: &inventory.Slot{Rack: "r1"}},
			{Name: "pdu-B", Kind: inventory.KindPDU, Feed: "B", Slot: &inventory.Slot{Rack: "r1"}},
			{Name: "box", Model: "box", Kind: inventory.KindChassis, Slot: &inventory.Slot{Rack: "r1"}, PSUs: []inventory.PSU{{Name: "1", Cable: cable("pdu-B:9")}}}},
		machines: []inventory.Machine{
			{Name: "a", Model: "a", Slot: &inventory.Slot{Rack: "r1"}, PSUs: []inventory.PSU{{Name: "1", Cable: cable("pdu-A:1")}, {Name: "2", Cable: cable("pdu-B:1")}}},
			{Name: "node", Model: "node", Slot: &inventory.Slot{Rack: "r1", Chassis: "box"}},
			{Name: "gone", Model: "a", Phase: inventory.Retired, Slot: &inventory.Slot{Rack: "r1"}},
			{Name: "next door", Model: "a", Slot: &inventory.Slot{Rack: "r2"}, PSUs: []inventory.PSU{{Name: "1", Cable: cable("pdu-A:2")}}},
		}, watts: map[string]float64{"a": 2000, "node": 300, "box": 50}}
	l := r.load()
	if l.WeightKG != 2000/20+300/20+2.5 {
		t.Errorf("weight %v kg", l.WeightKG)
	}
	a, b := l.Feeds[0], l.Feeds[1]
	if a.WorstW != 4000 || a.WhenLost != "B" || !a.Over() || math.Abs(a.UsableW-2944) > 0.01 {
		t.Errorf("feed A %+v", a)
	}
	if b.WorstW != 2350 || b.WhenLost != "A" || b.Over() || math.Abs(b.UsableW-8868.1) > 0.1 {
		t.Errorf("feed B %+v", b)
	}
}
