package netbox

import (
	"math"
	"strings"

	"rackwright/inventory"
	"rackwright/inventory/plan"
)

// makeThings turns devices into machines and devices of the racks they stand in.
func (b *builder) makeThings() {
	types := map[int64]*DeviceType{}
	for i := range b.src.Types {
		types[b.src.Types[i].ID] = &b.src.Types[i]
	}
	bays, outlets := b.bays(), map[int64]bool{}
	for i := range b.src.Outlets {
		outlets[b.src.Outlets[i].Device.id()] = true
	}
	for i := range b.src.Devices {
		d := &b.src.Devices[i]
		if d.Site.id() != b.site.ID || !b.stands(d) {
			continue
		}
		name, wrong := b.own("thing", host(d.Name))
		if wrong != "" {
			b.notes.add("devices left out for their names", "%s", wrong)
			continue
		}
		t := &thing{from: d, name: name, rack: b.racks[d.Rack.id()], model: types[d.Type.id()]}
		t.kind = b.kind(t, outlets[d.ID])
		b.things[d.ID] = t
		b.line = append(b.line, t)
	}
	for _, t := range b.line {
		b.fill(t, bays)
	}
}

// stands reports whether a device has a place here, and notes why not.
func (b *builder) stands(d *Device) bool {
	shown := clean(d.Name)
	switch {
	case d.Name == "":
		b.notes.add("devices without a name, left out", "id %d", d.ID)
	case d.Rack == nil:
		b.notes.add("devices without a rack, left out", "%s", shown)
	case b.racks[d.Rack.ID] == nil:
		b.notes.add("devices in racks that are left out", "%s", shown)
	case d.Status == "decommissioning" || d.Status == "inventory":
		b.notes.add("devices that are decommissioned or in store, left out", "%s", shown)
	case math.Trunc(float64(d.Position)) != float64(d.Position):
		b.notes.add("devices that begin in half a unit, left out", "%s at %v", shown, d.Position)
	default:
		return true
	}
	return false
}

// host is the first label of a domain name.
func host(name string) string {
	first, rest, dotted := strings.Cut(name, ".")
	if dotted && first != "" && strings.ContainsFunc(rest, func(r rune) bool { return r < '0' || r > '9' }) {
		return first
	}
	return name
}

// words in the slug of a role, and what they mean; the first that fits.
var roleWords = []struct {
	word string
	kind inventory.Kind
}{
	{"pdu", inventory.KindPDU}, {"power", inventory.KindPDU}, {"patch", inventory.KindPanel}, {"panel", inventory.KindPanel}, {"cable", inventory.KindPanel},
	{"chassis", inventory.KindChassis}, {"enclosure", inventory.KindChassis}, {"console", inventory.KindOther}, {"switch", inventory.KindSwitch}, {"leaf", inventory.KindSwitch},
	{"spine", inventory.KindSwitch}, {"tor", inventory.KindSwitch}, {"server", inventory.KindMachine}, {"compute", inventory.KindMachine},
	{"hypervisor", inventory.KindMachine}, {"storage", inventory.KindMachine}, {"node", inventory.KindMachine}, {"machine", inventory.KindMachine}, {"gpu", inventory.KindMachine},
}

// kind is what a device becomes: by the caller's word, by what it has, by its role.
func (b *builder) kind(t *thing, outlets bool) inventory.Kind {
	role := t.role()
	if k, told := b.o.Roles[role.slug()]; told {
		return k
	}
	switch {
	case outlets:
		return inventory.KindPDU
	case t.model != nil && t.model.Subdevice == "parent":
		return inventory.KindChassis
	}
	for _, w := range roleWords {
		for _, part := range strings.FieldsFunc(role.slug(), func(r rune) bool { return r == '-' || r == '_' }) {
			if strings.TrimSuffix(part, "s") == strings.TrimSuffix(w.word, "s") || strings.TrimSuffix(part, "es") == w.word {
				return w.kind
			}
		}
	}
	b.notes.add("roles that are not known, taken as other gear (say --role ROLE=machine, switch, pdu, chassis or panel)", "%s (%s)", role.slug(), t.name)
	return inventory.KindOther
}

func (t *thing) role() *Ref {
	if t.from.Role != nil {
		return t.from.Role
	}
	return t.from.OldRole
}

// bay is where a node sits.
type bay struct {
	chassis int64
	name    string
}

// bays maps nodes to their bays, and lists those of each chassis.
func (b *builder) bays() map[int64]bay {
	out := map[int64]bay{}
	for i := range b.src.Bays {
		d := &b.src.Bays[i]
		b.baysOf[d.Device.id()] = append(b.baysOf[d.Device.id()], clean(d.Name))
		if d.Installed != nil {
			out[d.Installed.ID] = bay{d.Device.id(), d.Name}
		}
	}
	return out
}

// fill makes the machine or device.
func (b *builder) fill(t *thing, bays map[int64]bay) {
	d := t.from
	u, face := b.place(t)
	if t.kind != inventory.KindMachine {
		t.device = &plan.Device{Name: t.name, Kind: t.kind, U: u, Face: face, Model: b.model(t), Serial: clean(d.Serial), AssetTag: clean(text(d.AssetTag)), Tags: tags(d.Tags),
			Labels: labels("role", t.role().slug(), "platform", d.Platform.slug(), "tenant", d.Tenant.slug())}
		if t.kind == inventory.KindSwitch && d.Name != t.name {
			t.device.LLDP = clean(d.Name)
		}
		t.device.Bays = b.baysOf[d.ID]
		return
	}
	t.machine = &plan.Machine{Name: t.name, U: u, Face: face, Model: b.model(t), Serial: clean(d.Serial), AssetTag: clean(text(d.AssetTag)), Tags: tags(d.Tags),
		Project: b.project(d.Tenant), Labels: labels("role", t.role().slug(), "platform", d.Platform.slug())}
	in, node := bays[d.ID]
	if chassis := b.things[in.chassis]; node && chassis != nil && chassis.kind == inventory.KindChassis {
		t.machine.U, t.machine.Face, t.machine.Chassis, t.machine.Bay = 0, "", chassis.name, clean(in.name)
	} else if u == 0 {
		b.notes.add("machines without a unit or a bay of a chassis, left out", "%s", t.name)
		b.drop(t)
	}
}

// drop takes a thing out that cannot be placed.
func (b *builder) drop(t *thing) {
	t.machine, t.device = nil, nil
	delete(b.things, t.from.ID)
}

// place is the lowest unit and the face; 0 is beside the units. A thing of full depth
// takes both faces by its model.
func (b *builder) place(t *thing) (u int, face inventory.Face) {
	if t.from.Position < 1 {
		return 0, ""
	}
	u = int(t.from.Position) - t.rack.first + 1
	if t.from.Face == "rear" && (t.model == nil || !t.model.FullDepth) {
		face = inventory.Rear
	}
	return u, face
}
