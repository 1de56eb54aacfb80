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

// Never says why a machine can never work at full, where nothing else does so either.
func (b Budget) Never(machine string) string {
	lost := ""
	if b.WhenAt != "" {
		lost = " with feed " + b.WhenAt + " lost"
	}
	return fmt.Sprintf("rack %s cannot feed %s at full draw: feed %s would carry %.1f kW%s and may carry %.1f kW", b.Rack, machine, b.Feed, b.WithW/1000, lost, b.UsableW/1000)
}

// RackPower is what decides whether another machine of a rack may draw its highest: one
// that is burned in, deployed or gets firmware does so.
type RackPower struct {
	Rack     Rack
	Devices  []Device  // of the rack, and others that hang on its feeds
	Machines []Machine // likewise
	Model    func(name string) *Model
	Full     func(machine string) bool // by id: it is known to work at full now
}

// Admit says whether a machine may draw its highest while those at full do so as well: with
// any one feed lost, no feed of its rack is made to carry more than it may. A machine that
// runs a system of its owner may draw its highest at any time.
func (p *RackPower) Admit(m *Machine) Budget {
	load := func(atFull func(*Machine) bool) []FeedLoad {
		return drawnLoad(p.Rack, p.Devices, p.Machines, p.Model, func(o *Machine) float64 { return o.drawn(p.Model, atFull(o)) }).Feeds
	}
	idle := load(func(*Machine) bool { return false })
	alone := load(func(o *Machine) bool { return o.ID == m.ID })
	now := load(func(o *Machine) bool { return p.Full(o.ID) && o.ID != m.ID })
	with := load(func(o *Machine) bool { return p.Full(o.ID) || o.ID == m.ID })
	b := Budget{Rack: p.Rack.Name, Fits: true, Ever: true}
	for i, f := range with {
		b.Fits = b.Fits && !(f.Over() && f.WorstW > now[i].WorstW)
		b.Ever = b.Ever && !(alone[i].Over() && alone[i].WorstW > idle[i].WorstW)
		if b.Feed == "" || f.UsableW-f.WorstW < b.UsableW-b.WithW {
			b.Feed, b.WhenAt, b.UsableW, b.NowW, b.WithW = f.Feed, f.WhenLost, f.UsableW, now[i].WorstW, f.WorstW
		}
	}
	b.Ever = b.Ever || b.Fits
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
