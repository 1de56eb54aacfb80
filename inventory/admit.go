package inventory

import "fmt"

// Shares of its highest draw that a machine takes which is not known to work at full.
// Servers idle at a fifth to two fifths of their highest; off, supplies and BMC take a few
// hundredths.
const (
	idleShare    = 0.5
	standbyShare = 0.05
)

// Budget is the power of a rack in which some machines work at full.
type Budget struct {
	Rack    string
	Feed    string  // that is fullest with the machine; "" where the rack's feeds are not declared
	WhenAt  string  // the feed whose loss makes it so
	UsableW float64 // that the feed may carry for good
	NowW    float64 // that it would carry now, with that feed lost
	WithW   float64 // and with the machine at full
	Ever    bool    // it would fit if no other machine worked at full for a while
	Fits    bool
}

// String is the budget in the words of a wait.
func (b Budget) String() string {
	return fmt.Sprintf("power in rack %s: %.1f of %.1f kW in use", b.Rack, b.NowW/1000, b.UsableW/1000)
}

// Admit says whether a machine may draw its highest while those that full tells, by id, do
// so as well: with any one feed lost, no feed of its rack carries more than it may. A
// machine that runs a system of its owner may draw its highest at any time. Devices and
// machines are those of the rack, and of others that hang on its feeds.
func Admit(m *Machine, rack Rack, devices []Device, machines []Machine, model func(string) *Model, full func(id string) bool) Budget {
	load := func(atFull func(*Machine) bool) []FeedLoad {
		return DrawnLoad(rack, devices, machines, model, func(o *Machine) float64 { return o.drawn(model, atFull(o)) }).Feeds
	}
	now := load(func(o *Machine) bool { return full(o.ID) && o.ID != m.ID })
	with := load(func(o *Machine) bool { return full(o.ID) || o.ID == m.ID })
	alone := load(func(o *Machine) bool { return o.ID == m.ID })
	b := Budget{Rack: rack.Name, Fits: true, Ever: true}
	for i := range with {
		f := with[i]
		b.Fits = b.Fits && !f.Over()
		b.Ever = b.Ever && !alone[i].Over()
		if b.Feed == "" || f.UsableW-f.WorstW < b.UsableW-b.WithW {
			b.Feed, b.WhenAt, b.UsableW, b.NowW, b.WithW = f.Feed, f.WhenLost, f.UsableW, now[i].WorstW, f.WorstW
		}
	}
	return b
}

// drawn is what a machine takes, watts.
func (m *Machine) drawn(model func(string) *Model, full bool) float64 {
	most := m.highest(model)
	switch {
	case full || m.Phase == Active:
		return most
	case m.Power == PowerOff:
		return standbyShare * most
	}
	return idleShare * most
}

// highest is the most a machine draws: what its model says, else what one of its supplies
// can give, any one of which carries the whole; 0 when nothing is known.
func (m *Machine) highest(model func(string) *Model) float64 {
	lists := [][]PSU{m.PSUs}
	if k := model(m.Model); k != nil {
		if k.Watts > 0 {
			return k.Watts
		}
		lists = append(lists, k.PSUs)
	}
	if m.Facts != nil {
		lists = append(lists, m.Facts.PSUs)
	}
	for _, list := range lists {
		most := 0.0
		for _, p := range list {
			most = max(most, p.Watts)
		}
		if most > 0 {
			return most
		}
	}
	return 0
}
