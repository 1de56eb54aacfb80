package plan

import "rackwright/inventory"

// cable checks the form of a planned cable and returns a copy.
func (r *resolver) cable(p place, c *inventory.Cable) *inventory.Cable {
	if c == nil {
		return nil
	}
	if !label.MatchString(c.To.Owner) || !portForm.MatchString(c.To.Port) {
		r.fail(p.of(".cable.to"), "%.140q is not the end of a cable: write NAME:PORT, e.g. leaf-1:14", c.To)
	}
	if c.Type != "" {
		r.oneOf(p.of(".cable.type"), c.Type, cableTypes()...)
	}
	r.between(p.of(".cable.length_m"), c.LengthM, 0, 10000)
	r.text(p.of(".cable.label"), c.Label)
	return clone(c)
}

// cables checks every cable whose two ends are in the plan, and that no port has two. Ends
// outside the plan are looked for in the inventory.
func (r *resolver) cables() {
	ix := &owners{devices: map[string]*inventory.Device{}, machines: map[string]*inventory.Machine{}}
	for i := range r.out.Devices {
		ix.devices[r.out.Devices[i].Name] = &r.out.Devices[i]
	}
	for i := range r.out.Machines {
		ix.machines[r.out.Machines[i].Name] = &r.out.Machines[i]
	}
	plugged := make(map[inventory.End]inventory.End, len(r.seen))
	for i := range r.out.Devices {
		deviceWires(&r.out.Devices[i], func(w wire) { r.wire(r.devices[i], w, ix, plugged) })
	}
	for i := range r.out.Machines {
		machineWires(&r.out.Machines[i], func(w wire) { r.wire(r.machines[i], w, ix, plugged) })
	}
}

func (r *resolver) wire(p place, w wire, ix *owners, plugged map[inventory.End]inventory.End) {
	if at, moved := r.cabled[w.cable]; moved { // its model has parts before it
		p = at
	} else {
		p = p.item(w.list, w.i)
	}
	for _, end := range [...]inventory.End{w.from, w.cable.To} {
		if first, taken := plugged[end]; taken {
			r.fail(p.of(".cable.to"), "%s is cabled twice: from %s and from %s", end, first, w.from)
		}
		plugged[end] = w.from
	}
	b, state := ix.socket(w.cable.To)
	switch {
	case state == noOwner || r.waits(w.cable.To.Owner):
	case state == noPort:
		r.fail(p.of(".cable.to"), "%s has no port %q", w.cable.To.Owner, w.cable.To.Port)
	default:
		if says := w.join(b); says != "" {
			r.fail(p.of(".cable"), "%s", says)
		}
	}
}

// owners are the things that a cable can lead to, by name.
type owners struct {
	devices  map[string]*inventory.Device
	machines map[string]*inventory.Machine
}

type ended int

const (
	noOwner ended = iota
	noPort
	plugs
)

func (o *owners) socket(e inventory.End) (s socket, state ended) {
	var ok bool
	if d := o.devices[e.Owner]; d != nil {
		s, ok = deviceSocket(d, e.Port)
	} else if m := o.machines[e.Owner]; m != nil {
		s, ok = machineSocket(m, e.Port)
	} else {
		return s, noOwner
	}
	if !ok {
		return s, noPort
	}
	return s, plugs
}
