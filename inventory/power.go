package inventory

import (
	"math"
	"slices"
)

// Load is what a rack carries.
type Load struct {
	WeightKG float64    `json:"weight_kg"`
	Feeds    []FeedLoad `json:"feeds,omitempty" nullable:"false"`
}

// FeedLoad is what one supply of a rack has to carry in the worst case.
type FeedLoad struct {
	Feed     string  `json:"feed"`
	UsableW  float64 `json:"usable_w" doc:"Continuous load that its breaker allows"`
	WorstW   float64 `json:"worst_w" doc:"Highest load with any one feed lost"`
	WhenLost string  `json:"-"` // the feed whose loss makes it the highest; "" when none has to fail
}

// Over reports whether the feed would be asked for more than it may carry.
func (f FeedLoad) Over() bool { return f.WorstW > f.UsableW }

// feedKey names a feed among those of all racks: a cable may lead to the next rack.
type feedKey struct{ rack, feed string }

// consumer is a thing that draws power and the feeds its power supplies hang on, one
// entry for each supply that is plugged in.
type consumer struct {
	rack  string
	watts float64
	feeds []feedKey
}

// RackLoad adds up what stands in a rack: its weight, and for each feed the load when any
// one feed is lost. A and B together are no budget: what hung on a lost feed moves to the
// supplies that are left, in equal shares. A thing with all its supplies on the lost feed
// goes dark. One whose draw is known but not where it is plugged in counts on every feed.
// devices and machines may include those of other racks.
func RackLoad(rack Rack, devices []Device, machines []Machine, model func(string) *Model) Load {
	return drawnLoad(rack, devices, machines, model, func(m *Machine) float64 { return watts(model, m.Model) })
}

// drawnLoad is RackLoad with machines that draw other than their highest: draw says what.
func drawnLoad(rack Rack, devices []Device, machines []Machine, model func(string) *Model, draw func(*Machine) float64) Load {
	l := Load{WeightKG: rackWeight(rack.Name, devices, machines, model)}
	all := consumers(devices, machines, model, draw)
	for _, f := range rack.Feeds {
		key := feedKey{rack.Name, f.Name}
		load := FeedLoad{Feed: f.Name, UsableW: milli(f.UsableWatts()), WorstW: milli(loadOf(key, feedKey{}, all))}
		for _, lost := range feedsOf(all) {
			if w := milli(loadOf(key, lost, all)); lost != key && w > load.WorstW {
				load.WorstW, load.WhenLost = w, lost.feed
			}
		}
		l.Feeds = append(l.Feeds, load)
	}
	return l
}

// milli rounds to thousandths, so that thirds of a load add up to it.
func milli(x float64) float64 { return math.Round(x*1000) / 1000 }

func rackWeight(rack string, devices []Device, machines []Machine, model func(string) *Model) (kg float64) {
	add := func(s *Slot, name string) {
		if m := model(name); m != nil && s != nil && s.Rack == rack {
			kg += m.WeightKG
		}
	}
	for i := range devices {
		add(devices[i].Slot, devices[i].Model)
	}
	for i := range machines {
		if machines[i].Phase != Retired {
			add(machines[i].Slot, machines[i].Model)
		}
	}
	return milli(kg)
}

// consumers lists what draws power. A node without supplies of its own draws through
// those of its chassis.
func consumers(devices []Device, machines []Machine, model func(string) *Model, draw func(*Machine) float64) []consumer {
	pdus, chassis := map[string]feedKey{}, map[string]int{}
	for i := range devices {
		if d := &devices[i]; d.Feed != "" && d.Slot != nil {
			pdus[d.Name] = feedKey{d.Slot.Rack, d.Feed}
		}
	}
	var out []consumer
	for i := range devices {
		d := &devices[i]
		if d.Slot == nil || d.Kind == KindPDU {
			continue
		}
		chassis[d.Name] = len(out)
		out = append(out, consumer{d.Slot.Rack, watts(model, d.Model), feedsFrom(d.PSUs, pdus)})
	}
	for i := range machines {
		m := &machines[i]
		if m.Slot == nil || m.Phase == Retired {
			continue
		}
		if at, node := chassis[m.Slot.Chassis]; node && len(m.PSUs) == 0 {
			out[at].watts += draw(m)
			continue
		}
		out = append(out, consumer{m.Slot.Rack, draw(m), feedsFrom(m.PSUs, pdus)})
	}
	return slices.DeleteFunc(out, func(c consumer) bool { return c.watts <= 0 })
}

func watts(model func(string) *Model, name string) float64 {
	if m := model(name); m != nil {
		return m.Watts
	}
	return 0
}

func feedsFrom(list []PSU, pdus map[string]feedKey) (out []feedKey) {
	for i := range list {
		if c := list[i].Cable; c != nil {
			if feed, known := pdus[c.To.Owner]; known {
				out = append(out, feed)
			}
		}
	}
	return out
}

// feedsOf lists the feeds that something hangs on.
func feedsOf(all []consumer) (out []feedKey) {
	for _, c := range all {
		for _, f := range c.feeds {
			if !slices.Contains(out, f) {
				out = append(out, f)
			}
		}
	}
	return out
}

// loadOf is the load of a feed while another is lost.
func loadOf(feed, lost feedKey, all []consumer) (load float64) {
	for _, c := range all {
		if len(c.feeds) == 0 {
			if c.rack == feed.rack {
				load += c.watts
			}
			continue
		}
		here, fed := 0, 0
		for _, f := range c.feeds {
			if f != lost {
				fed++
				if f == feed {
					here++
				}
			}
		}
		if here > 0 {
			load += c.watts * float64(here) / float64(fed)
		}
	}
	return load
}
