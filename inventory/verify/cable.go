package verify

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"rackwright/inventory"
)

// Wiring is what is known of a rack's cables between machines and switches.
type Wiring struct {
	Planned int     `json:"planned" doc:"Cables that the plan wants"`
	Heard   int     `json:"heard" doc:"Those of them whose switch was heard (LLDP)"`
	Right   int     `json:"right" doc:"Those of them that are where the plan wants them"`
	Causes  []Cause `json:"causes" nullable:"false" doc:"Mistakes, each with what mends it"`
	Moves   []Move  `json:"moves" nullable:"false" doc:"All moves, in an order that works"`
}

// MostMates bounds how many machines of other racks are looked at with a rack's.
const MostMates = 2000

// listening is how long a machine's agent may have listened and heard nothing before
// that is a finding: switches speak every 30 s (IEEE 802.1AB-2016 section 9.2.5.7).
const listening = 2 * time.Minute

// Rack solves the cables of a rack's machines. mates are machines of other racks on the
// same switches: what they hold is not free, and a mistake may be between two racks. Only
// causes that concern the rack are told.
func Rack(inv inventory.Inventory, mates []inventory.Machine, now time.Time) Wiring {
	c := newCabling(inv, mates)
	out := Wiring{Causes: []Cause{}, Moves: []Move{}}
	for _, cause := range c.causes(inv, mates, now, &out) {
		if slices.ContainsFunc(cause.NICs, func(p MachinePort) bool { return c.here[p.Machine] }) {
			out.Causes = append(out.Causes, cause)
			out.Moves = append(out.Moves, cause.Moves...)
		}
	}
	return out
}

// causes are the mistakes of a rack and its mates; the rack's cables are counted in out.
func (c *cabling) causes(inv inventory.Inventory, mates []inventory.Machine, now time.Time, out *Wiring) []Cause {
	var wires, others []Wire
	for i := range inv.Machines {
		wires = append(wires, c.wires(&inv.Machines[i])...)
	}
	for i := range mates {
		others = append(others, c.wires(&mates[i])...)
	}
	for _, w := range others {
		if w.Has != (inventory.End{}) {
			c.speaks[w.Has.Owner] = true
		}
	}
	for _, w := range wires {
		if w.Want == (inventory.End{}) {
			continue
		}
		out.Planned++
		if w.Has != (inventory.End{}) {
			out.Heard++
			c.speaks[w.Has.Owner] = true
		}
		if w.Has == w.Want {
			out.Right++
		}
	}
	return append(Solve(append(wires, others...), c.known), c.silent(inv, wires, now)...)
}

// Cabling compares the cables of a whole rack with its plan and returns the conditions
// by machine id. All ports that one mistake makes wrong name it in the same words. Of
// mates see Rack; they get no conditions here.
func Cabling(inv inventory.Inventory, mates []inventory.Machine, now time.Time) map[string][]inventory.Condition {
	c := newCabling(inv, mates)
	causes := Rack(inv, mates, now).Causes
	of := map[MachinePort]*Cause{}
	for i := range causes {
		for _, n := range causes[i].NICs {
			of[n] = &causes[i]
		}
	}
	out := map[string][]inventory.Condition{}
	for i := range inv.Machines {
		m := &inv.Machines[i]
		for _, w := range c.wires(m) {
			cause := of[w.NIC]
			if cause == nil || len(out[m.ID]) == maxConditions {
				continue
			}
			observed := "nothing"
			if w.Has != (inventory.End{}) {
				observed = w.Has.String()
			}
			out[m.ID] = append(out[m.ID], inventory.Condition{Type: CablingWrong, Subject: w.NIC.Name, Reason: cause.Reason, Hint: cause.Text,
				Evidence: fmt.Sprintf("expected %s, observed %s (agent, %s)", w.Want, observed, m.Facts.Observed.UTC().Format(time.DateOnly))})
		}
		waive(m, out[m.ID], now)
	}
	return out
}

// cabling knows the switches of a rack's plan by the names they have on the wire.
type cabling struct {
	systems map[string]string // what LLDP says, in lower case -> device
	exact   map[string]string // device and port in lower case -> port
	keys    map[string]string // device and PortKey -> port, "" when two ports have the key
	speaks  map[string]bool   // switches that were heard
	here    map[string]bool   // names of the rack's machines
	devices map[string]*inventory.Device
	back    map[MachinePort]inventory.End // cables planned from the switch's end
}

func newCabling(inv inventory.Inventory, mates []inventory.Machine) *cabling {
	c := &cabling{systems: map[string]string{}, exact: map[string]string{}, keys: map[string]string{}, speaks: map[string]bool{}, here: map[string]bool{},
		devices: map[string]*inventory.Device{}, back: map[MachinePort]inventory.End{}}
	for i := range inv.Devices {
		d := &inv.Devices[i]
		if d.Kind != inventory.KindSwitch {
			continue
		}
		c.devices[d.Name] = d
		c.systems[strings.ToLower(d.System())] = d.Name
		for _, p := range d.Ports {
			c.port(d.Name, p.Name)
			if p.Cable != nil {
				c.back[MachinePort{Machine: p.Cable.To.Owner, Name: p.Cable.To.Port}] = inventory.End{Owner: d.Name, Port: p.Name}
			}
		}
	}
	for i := range inv.Machines {
		c.here[inv.Machines[i].Name] = true
		c.ports(&inv.Machines[i])
	}
	for i := range mates {
		c.ports(&mates[i])
	}
	return c
}

// ports makes the switch ports known that a machine is planned on.
func (c *cabling) ports(m *inventory.Machine) {
	for _, n := range m.NICs {
		if n.Cable != nil && c.known(n.Cable.To.Owner) {
			c.port(n.Cable.To.Owner, n.Cable.To.Port)
		}
	}
}

func (c *cabling) known(system string) bool { return c.devices[system] != nil }

// port makes a port of a switch known.
func (c *cabling) port(device, name string) {
	at := device + " " + strings.ToLower(name)
	if _, twice := c.exact[at]; twice {
		return
	}
	c.exact[at] = name
	key := device + " " + PortKey(name)
	if _, twice := c.keys[key]; twice {
		c.keys[key] = ""
		return
	}
	c.keys[key] = name
}

// end is where a neighbour is in the plan's words. A switch or port that the plan does
// not have keeps the name it gave itself.
func (c *cabling) end(n inventory.Neighbor) inventory.End {
	port := strings.TrimSpace(cut(n.Port))
	device := c.device(n)
	if device == "" {
		return inventory.End{Owner: cut(cmp.Or(n.System, n.Chassis)), Port: cmp.Or(port, "?")}
	}
	if name := cmp.Or(c.exact[device+" "+strings.ToLower(port)], c.keys[device+" "+PortKey(port)]); name != "" {
		port = name
	}
	return inventory.End{Owner: device, Port: cmp.Or(port, "?")}
}

// device finds a switch by the system name it announces, whole or without its domain,
// or by its chassis id.
func (c *cabling) device(n inventory.Neighbor) string {
	system := strings.ToLower(n.System)
	short, _, _ := strings.Cut(system, ".")
	return cmp.Or(c.systems[system], c.systems[short], c.systems[strings.ToLower(n.Chassis)])
}

// wires are the cables of a machine: those planned to a switch, heard or not, and those
// heard on a switch of the plan though nobody planned them.
func (c *cabling) wires(m *inventory.Machine) []Wire {
	heard, ports := c.heard(m)
	var out []Wire
	planned := map[inventory.MAC]bool{}
	for _, n := range m.NICs {
		planned[n.MAC] = !n.MAC.IsZero()
		w := Wire{NIC: MachinePort{Machine: m.Name, Name: n.Name}}
		if w.Want = c.wanted(w.NIC, n); !c.known(w.Want.Owner) {
			continue
		}
		w.Want.Port = cmp.Or(c.exact[w.Want.Owner+" "+strings.ToLower(w.Want.Port)], w.Want.Port)
		if m.Facts != nil && !n.MAC.IsZero() {
			w.Has = pick(heard[n.MAC], w.Want, c.known)
		}
		out = append(out, w)
	}
	for _, p := range ports {
		if planned[p.MAC] {
			continue
		}
		if has := pick(heard[p.MAC], inventory.End{}, c.known); c.known(has.Owner) {
			out = append(out, Wire{NIC: MachinePort{Machine: m.Name, Name: p.Name}, Has: has})
		}
	}
	for _, n := range m.NICs { // in the plan, but with no cable there
		if nic := (MachinePort{Machine: m.Name, Name: n.Name}); planned[n.MAC] && !c.known(c.wanted(nic, n).Owner) {
			if has := pick(heard[n.MAC], inventory.End{}, c.known); c.known(has.Owner) {
				out = append(out, Wire{NIC: nic, Has: has})
			}
		}
	}
	return out
}

// wanted is where the plan wants the other end of a port's cable.
func (c *cabling) wanted(nic MachinePort, n inventory.NIC) inventory.End {
	if n.Cable != nil {
		return n.Cable.To
	}
	return c.back[nic]
}

// heard is what each port of a machine heard, by MAC.
func (c *cabling) heard(m *inventory.Machine) (map[inventory.MAC][]inventory.End, []inventory.SeenNIC) {
	out := map[inventory.MAC][]inventory.End{}
	if m.Facts == nil {
		return out, nil
	}
	macs := map[string]inventory.MAC{}
	for _, n := range m.Facts.NICs {
		macs[n.Name] = n.MAC
	}
	for _, l := range m.Facts.LLDP {
		mac, ok := macs[l.NIC]
		if ok && !mac.IsZero() && len(out[mac]) < 8 {
			out[mac] = append(out[mac], c.end(l))
		}
	}
	return out, m.Facts.NICs
}

// pick chooses of several neighbours of a port the planned one, else a known switch,
// else the first.
func pick(heard []inventory.End, want inventory.End, known func(string) bool) inventory.End {
	if slices.Contains(heard, want) {
		return want
	}
	for _, e := range heard {
		if known(e.Owner) {
			return e
		}
	}
	if len(heard) > 0 {
		return heard[0]
	}
	return inventory.End{}
}

// silent are the planned cables that heard nothing though they should: the port has no
// link, or has link and its switch is heard by others.
func (c *cabling) silent(inv inventory.Inventory, wires []Wire, now time.Time) []Cause {
	var out []Cause
	byNIC := map[MachinePort]Wire{}
	for _, w := range wires {
		byNIC[w.NIC] = w
	}
	for i := range inv.Machines {
		m := &inv.Machines[i]
		if m.Facts == nil || Waiting(m, now) {
			continue
		}
		for _, n := range m.NICs {
			w, planned := byNIC[MachinePort{Machine: m.Name, Name: n.Name}]
			if !planned || w.Want == (inventory.End{}) || w.Has != (inventory.End{}) || !c.speaks[w.Want.Owner] {
				continue
			}
			if cause, ok := quiet(m, n, w); ok {
				out = append(out, cause)
			}
		}
	}
	return out
}

// quiet is why a port that was seen heard nothing.
func quiet(m *inventory.Machine, n inventory.NIC, w Wire) (Cause, bool) {
	at := slices.IndexFunc(m.Facts.NICs, func(p inventory.SeenNIC) bool { return p.MAC == n.MAC && !p.MAC.IsZero() })
	if at < 0 {
		return Cause{}, false // nic-missing says so
	}
	if len(m.Facts.LLDP) == 0 && m.Facts.Source != "agent" {
		return Cause{}, false // only the agent listens
	}
	c := Cause{Reason: NoNeighbour, NICs: []MachinePort{w.NIC}, Moves: nil,
		Text: fmt.Sprintf("%s has link and does not hear %s, which others hear: see where its cable goes; it belongs in %s", w.NIC, w.Want.Owner, w.Want)}
	if !m.Facts.NICs[at].Link {
		c.Reason, c.Text = NoLink, fmt.Sprintf("%s has no link: plug its cable into %s, or replace it", w.NIC, w.Want)
	}
	return c, true
}

// Waiting reports whether a machine that has cables to switches may still hear them: its
// agent began to listen a short while ago and heard nothing yet.
func Waiting(m *inventory.Machine, now time.Time) bool {
	if m.Facts == nil || len(m.Facts.LLDP) > 0 || m.Facts.Source != "agent" || now.Sub(m.Facts.Observed) > listening {
		return false
	}
	for _, n := range m.NICs {
		if n.Cable != nil {
			return true
		}
	}
	return false
}
