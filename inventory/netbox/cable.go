package netbox

import (
	"fmt"
	"strings"

	"rackwright/inventory"
)

// makeCables plans each cable from one end: a machine's before a device's.
func (b *builder) makeCables() {
	done := map[End]bool{}
	for i := range b.src.Cables {
		c := &b.src.Cables[i]
		one, other := c.ends()
		switch {
		case c.Status == "decommissioning":
			b.notes.add("cables that are decommissioned, left out", "%s", c.shown())
			continue
		case len(one) == 0 || len(other) == 0:
			b.notes.add("cables with a loose end, left out", "%s", c.shown())
			continue
		case len(one) > 1 || len(other) > 1:
			b.notes.add("cables with more than two ends, left out", "%s", c.shown())
			continue
		}
		x, y := b.ends[one[0]], b.ends[other[0]]
		switch {
		case x != nil && y != nil:
			b.join(c, x, y)
			done[one[0]], done[other[0]] = true, true
		case x != nil || y != nil:
			b.through(c, one[0], other[0], done)
		default:
			b.aside(c, one[0].Type)
		}
	}
}

func (c *Cable) shown() string {
	if c.Label != "" {
		return fmt.Sprintf("%s (id %d)", clean(c.Label), c.ID)
	}
	return fmt.Sprintf("id %d", c.ID)
}

// aside notes a cable that joins nothing of the plan.
func (b *builder) aside(c *Cable, kind string) {
	switch {
	case strings.HasPrefix(kind, "dcim.console"):
		b.notes.add("cables of consoles, left out", "%s", c.shown())
	case kind == "dcim.frontport" || kind == "dcim.rearport": // a part of a way that ends elsewhere
	default:
		b.notes.add("cables between ports that are not in the plan, left out", "%s", c.shown())
	}
}

// through is a cable whose far end is not in the plan: a patch panel, behind which NetBox
// says what it leads to, or something that was left out.
func (b *builder) through(c *Cable, one, other End, done map[End]bool) {
	near, id, far := b.ends[one], one, other
	if near == nil {
		near, id, far = b.ends[other], other, one
	}
	if done[id] {
		return
	}
	reached := End{}
	if f := near.iface; f != nil {
		switch {
		case len(f.Connected) == 1:
			reached = End{f.ConnectedTo, f.Connected[0].ID}
		case f.OldConnected != nil:
			reached = End{f.OldTo, f.OldConnected.ID}
		}
	}
	if to := b.ends[reached]; to != nil && (far.Type == "dcim.frontport" || far.Type == "dcim.rearport") && reached != id {
		done[id], done[reached] = true, true
		b.join(&Cable{ID: c.ID, Label: c.Label}, near, to) // its type and length are those of one part
		return
	}
	if near.owner != nil {
		b.notes.add("cables to what is not in the plan, left out", "%s of %s", near.name, near.owner.name)
	}
}

// join plans a cable.
func (b *builder) join(c *Cable, x, y *end) {
	if x.power != y.power {
		b.notes.add("cables between power and network, left out", "%s", c.shown())
		return
	}
	switch {
	case x.owner == nil: // a feed, and the inlet of a PDU
		x, y = y, x
		fallthrough
	case y.owner == nil:
		b.hang(x, y, c)
		return
	case x.cable == nil, y.cable != nil && x.owner.machine == nil && (y.owner.machine != nil || y.at().String() < x.at().String()):
		x, y = y, x
	}
	if x.cable == nil {
		b.notes.add("cables between two outlets or PDUs, left out", "%s", c.shown())
		return
	}
	out := &inventory.Cable{To: y.at(), Type: b.cableType(c), LengthM: metres(c.Length, c.LengthUnit), Label: clean(c.Label)}
	if x.shape != nil && y.shape != nil && *x.shape != "" && *y.shape != "" && !fit(out, *x.shape, *y.shape) {
		b.notes.add("sockets that the cable between them does not fit: the nearer one's form is left out", "%s (%s) and %s (%s)", x.at(), *x.shape, y.at(), *y.shape)
		*x.shape = ""
	}
	*x.cable = out
}

// fit reports whether a cable of that type can join two sockets. One that splits a port
// is a breakout here, which NetBox calls by what it is made of.
func fit(c *inventory.Cable, a, b inventory.Connector) bool {
	split := map[[2]inventory.Connector]bool{{inventory.SFP, inventory.QSFP}: true, {inventory.QSFP, inventory.SFP}: true, {inventory.QSFP, inventory.OSFP}: true, {inventory.OSFP, inventory.QSFP}: true}
	copper := strings.HasPrefix(c.Type, "cat")
	switch {
	case split[[2]inventory.Connector{a, b}]:
		c.Type = "breakout"
		return true
	case a == inventory.C14:
		return b == inventory.C13 || b == inventory.C19
	case a == inventory.C20:
		return b == inventory.C19
	}
	return a == b && (c.Type == "" || copper == (a == inventory.RJ45))
}

// hang notes which feed a PDU is on.
func (b *builder) hang(pdu, feed *end, c *Cable) {
	if pdu.owner == nil || pdu.owner.device == nil || pdu.owner.kind != inventory.KindPDU {
		b.notes.add("power feeds that lead to no PDU, left out", "%s", c.shown())
		return
	}
	if d := pdu.owner.device; d.Feed == "" {
		d.Feed = feed.name
	} else if d.Feed != feed.name {
		b.notes.add("second feeds of a PDU, left out", "%s of %s", feed.name, d.Name)
	}
}

// cableType is ours for a cable's type, "" for the one that fits.
func (b *builder) cableType(c *Cable) string {
	s := string(c.Type)
	switch {
	case s == "" || s == "power":
		return ""
	case s == "cat5e" || s == "cat6" || s == "cat6a":
		return s
	case strings.HasPrefix(s, "dac"):
		return "dac"
	case strings.HasPrefix(s, "mmf"):
		return "mmf"
	case strings.HasPrefix(s, "smf"):
		return "smf"
	case s == "aoc":
		return s
	}
	b.notes.add("types of cable that are not known, left out", "%s of %s", s, c.shown())
	return ""
}

// metres converts a length.
func metres(n Number, unit Choice) float64 {
	factor := map[Choice]float64{"km": 1000, "m": 1, "cm": 0.01, "mi": 1609.344, "ft": 0.3048, "in": 0.0254}[unit]
	return round(float64(n) * factor)
}
