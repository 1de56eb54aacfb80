package store

import (
	"context"
	"crypto/subtle"
	"slices"
	"strings"

	"rackwright/inventory"
	"rackwright/inventory/plan"
)

// around reads the part of the inventory that a plan can meet: its racks and what stands
// in them, what it names, and whoever holds something that it claims. How much that is
// does not depend on the size of the rest.
func (db *DB) around(ctx context.Context, q queryer, want *plan.Wanted) (have inventory.Inventory, err error) {
	if have, err = catalogue(ctx, q); err != nil {
		return have, err
	}
	if have.Sites, err = sites(ctx, q); err != nil {
		return have, err
	}
	s := scope{db: db, q: q, want: want, have: &have, racks: map[string]bool{}, machines: map[string]bool{}, devices: map[string]bool{}}
	for _, step := range []func(context.Context) error{s.named, s.remodelled, s.places, s.hardware, s.addresses, s.plugs, s.read, s.far} {
		if err = step(ctx); err != nil {
			return have, err
		}
	}
	if have.HasPassword, err = db.passwords(ctx, q, &have, want.Passwords); err != nil {
		return have, err
	}
	have.HasFactory, err = db.factories(ctx, q)
	return have, err
}

// scope gathers ids.
type scope struct {
	db                       *DB
	q                        queryer
	want                     *plan.Wanted
	have                     *inventory.Inventory
	racks, machines, devices map[string]bool
}

// gather adds to a set the ids that a query finds for values.
func (s *scope) gather(ctx context.Context, to map[string]bool, values []string, column, query string) error {
	return s.db.forEach(values, column, func(clause string, args []any) error {
		ids, err := collect(ctx, s.q, readText, query+clause, args...)
		for _, id := range ids {
			to[id] = true
		}
		return err
	})
}

// named finds the racks, devices and machines that have the names of the plan's, and the
// devices that the plan's cables lead to.
func (s *scope) named(ctx context.Context) error {
	var racks, devices, machines []string
	for i := range s.want.Racks {
		racks = append(racks, s.want.Racks[i].Name)
	}
	for i := range s.want.Machines {
		machines = append(machines, s.want.Machines[i].Name)
		if slot := s.want.Machines[i].Slot; slot != nil {
			devices = append(devices, slot.Chassis)
		}
	}
	for i := range s.want.Devices {
		devices = append(devices, s.want.Devices[i].Name)
	}
	eachCable(s.want.Machines, s.want.Devices, func(_, _ string, _ inventory.Connector, c *inventory.Cable) {
		devices, machines = append(devices, c.To.Owner), append(machines, c.To.Owner)
	})
	machines = append(machines, devices...) // one name for a machine and a device is a fault
	for i := range s.want.Machines {
		devices = append(devices, s.want.Machines[i].Name)
	}
	if err := s.gather(ctx, s.racks, racks, "name", `SELECT id FROM rack WHERE `); err != nil {
		return err
	}
	if err := s.gather(ctx, s.devices, devices, "name", `SELECT id FROM device WHERE `); err != nil {
		return err
	}
	return s.gather(ctx, s.machines, machines, "name", `SELECT id FROM machine WHERE phase <> 'retired' AND `)
}

// places adds the racks in which the plan's machines and devices stand now and those of
// the PDUs that feed them, and what stands in all these racks.
func (s *scope) places(ctx context.Context) error {
	var machines, devices, fed []string
	eachCable(s.want.Machines, s.want.Devices, func(_, _ string, _ inventory.Connector, c *inventory.Cable) { fed = append(fed, c.To.Owner) })
	if err := s.gather(ctx, s.racks, fed, "name", `SELECT DISTINCT rack_id FROM device WHERE kind = 'pdu' AND `); err != nil {
		return err
	}
	for i := range s.want.Machines {
		machines = append(machines, s.want.Machines[i].Name)
	}
	for i := range s.want.Devices {
		devices = append(devices, s.want.Devices[i].Name)
	}
	if err := s.gather(ctx, s.racks, machines, "name", `SELECT DISTINCT rack_id FROM machine WHERE rack_id IS NOT NULL AND phase <> 'retired' AND `); err != nil {
		return err
	}
	if err := s.gather(ctx, s.racks, devices, "name", `SELECT DISTINCT rack_id FROM device WHERE `); err != nil {
		return err
	}
	if err := s.gather(ctx, s.machines, keys(s.racks), "rack_id", `SELECT id FROM machine WHERE phase <> 'retired' AND `); err != nil {
		return err
	}
	return s.gather(ctx, s.devices, keys(s.racks), "rack_id", `SELECT id FROM device WHERE `)
}

// serialKey is that of a machine of the plan. One that leaves its vendor to a model that
// is not in the plan has the vendor of the inventory's.
func (s *scope) serialKey(m *inventory.Machine) string {
	key := inventory.Machine{Vendor: m.Vendor, Serial: m.Serial}
	if model := s.have.Model(m.Model); key.Vendor == "" && model != nil {
		key.Vendor = model.Vendor
	}
	return key.SerialKey()
}

// hardware adds who has a MAC, serial number, asset tag or BMC of the plan's machines.
func (s *scope) hardware(ctx context.Context) error {
	var macs, serials, tags, bmcs []string
	for i := range s.want.Machines {
		m := &s.want.Machines[i]
		serials, tags = append(serials, s.serialKey(m)), append(tags, m.AssetTag)
		for _, n := range m.NICs {
			if !n.MAC.IsZero() {
				macs = append(macs, n.MAC.String())
			}
		}
		if m.BMC != nil {
			bmcs = append(bmcs, m.BMC.Address)
			if !m.BMC.MAC.IsZero() {
				macs = append(macs, m.BMC.MAC.String())
			}
		}
	}
	for i := range s.want.Devices {
		tags = append(tags, s.want.Devices[i].AssetTag)
	}
	for _, look := range []struct {
		values        []string
		column, query string
	}{
		{macs, "mac", `SELECT machine_id FROM nic WHERE `},
		{macs, "mac", `SELECT machine_id FROM bmc WHERE `},
		{bmcs, "address", `SELECT machine_id FROM bmc WHERE `},
		{serials, "serial_key", `SELECT id FROM machine WHERE phase <> 'retired' AND `},
		{tags, "asset_tag", `SELECT id FROM machine WHERE asset_tag <> '' AND phase <> 'retired' AND `},
	} {
		if err := s.gather(ctx, s.machines, look.values, look.column, look.query); err != nil {
			return err
		}
	}
	return nil
}

// addresses adds who has an address of the plan's, and who would be left outside a
// network that is renumbered.
func (s *scope) addresses(ctx context.Context) error {
	claimed := map[string][]string{}
	for i := range s.want.Machines {
		for _, h := range s.want.Machines[i].Addresses() {
			claimed[h.Network] = append(claimed[h.Network], h.Address.String())
		}
	}
	for i := range s.have.Networks {
		n := &s.have.Networks[i]
		if err := s.db.forEach(claimed[n.Name], "address", func(clause string, args []any) error {
			ids, err := collect(ctx, s.q, readText, `SELECT machine_id FROM machine_address WHERE network_id = $1 AND `+clause, args...)
			for _, id := range ids {
				s.machines[id] = true
			}
			return err
		}, n.ID); err != nil {
			return err
		}
		for j := range s.want.Networks {
			if w := &s.want.Networks[j]; w.Name == n.Name && (w.Prefix != n.Prefix || w.Prefix6 != n.Prefix6) {
				if err := s.outside(ctx, n.ID, w); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (s *scope) outside(ctx context.Context, networkID string, now *inventory.Network) error {
	_, err := collect(ctx, s.q, func(scan func(...any) error) (n inventory.NIC, err error) {
		var id string
		if err = scan(asText{&id}, asAddr{&n.Address}); err == nil && n.Address.IsValid() && !now.Usable(n.Address) {
			s.machines[id] = true
		}
		return n, err
	}, `SELECT machine_id, address FROM machine_address WHERE network_id = $1`, networkID)
	return err
}

// plugs adds who has a cable in a port that the plan's cables claim, or in a device of the
// racks that are read.
func (s *scope) plugs(ctx context.Context) error {
	claimed := map[string]bool{}
	eachCable(s.want.Machines, s.want.Devices, func(_, _ string, _ inventory.Connector, c *inventory.Cable) { claimed[c.To.String()] = true })
	return s.db.forEach(keys(s.devices), "b.owner_id", func(clause string, args []any) error {
		_, err := collect(ctx, s.q, func(scan func(...any) error) (_ struct{}, err error) {
			var at inventory.End
			var rack, owner string
			var device bool
			if err = scan(&at.Owner, asText{&rack}, &at.Port, asText{&owner}, &device); err == nil && (s.racks[rack] || claimed[at.String()]) {
				if device {
					s.devices[owner] = true
				} else {
					s.machines[owner] = true
				}
			}
			return struct{}{}, err
		}, `SELECT d.name, d.rack_id, b.port, a.owner_id, e.id IS NOT NULL FROM cable_end b JOIN device d ON d.id = b.owner_id
			JOIN cable_end a ON a.cable_id = b.cable_id AND a.side <> b.side LEFT JOIN device e ON e.id = a.owner_id WHERE `+clause, args...)
		return err
	})
}

// read reads all that was gathered, each noun by name.
func (s *scope) read(ctx context.Context) error {
	err := s.db.forEach(keys(s.racks), "r.id", func(clause string, args []any) error {
		list, err := racks(ctx, s.q, clause, args...)
		s.have.Racks = append(s.have.Racks, list...)
		return err
	})
	if err != nil {
		return err
	}
	if err := s.readDevices(ctx, keys(s.devices)); err != nil {
		return err
	}
	slices.SortFunc(s.have.Racks, func(a, b inventory.Rack) int { return strings.Compare(a.Name, b.Name) })
	err = s.db.forEach(keys(s.machines), "m.id", func(clause string, args []any) error {
		list, err := s.db.machines(ctx, s.q, clause, args...)
		s.have.Machines = append(s.have.Machines, list...)
		return err
	})
	slices.SortFunc(s.have.Machines, func(a, b inventory.Machine) int { return strings.Compare(a.Name, b.Name) })
	return err
}

func (s *scope) readDevices(ctx context.Context, ids []string) error {
	return s.db.forEach(ids, "d.id", func(clause string, args []any) error {
		list, err := s.db.devices(ctx, s.q, clause, args...)
		s.have.Devices = append(s.have.Devices, list...)
		return err
	})
}

// far reads the devices at the other ends of what was read: the feed of a PDU in another
// rack counts here.
func (s *scope) far(ctx context.Context) error {
	ids, err := s.db.farDevices(ctx, s.q, append(keys(s.machines), keys(s.devices)...))
	if err != nil {
		return err
	}
	var more []string
	for _, id := range ids {
		if !s.devices[id] {
			more = append(more, id)
		}
	}
	err = s.readDevices(ctx, more)
	slices.SortFunc(s.have.Devices, func(a, b inventory.Device) int { return strings.Compare(a.Name, b.Name) })
	return err
}

func keys[V any](set map[string]V) []string {
	out := make([]string, 0, len(set))
	for k := range set {
		out = append(out, k)
	}
	return out
}

// passwords returns a function that tells whether the BMC of a machine that the plan
// gives a password has that one already, or was given it by a plan before: then the plan
// says nothing new, and whatever a claim made of it stays.
func (db *DB) passwords(ctx context.Context, q queryer, have *inventory.Inventory, given map[string]string) (func(machineID, password string) bool, error) {
	var ids []string
	for i := range have.Machines {
		if m := &have.Machines[i]; given[m.Name] != "" && m.BMC != nil {
			ids = append(ids, m.ID)
		}
	}
	sealed := map[string][]string{}
	err := db.forEach(ids, "machine_id", func(clause string, args []any) error {
		_, err := collect(ctx, q, func(scan func(...any) error) (id string, err error) {
			var now, planned string
			err = scan(asText{&id}, &now, &planned)
			sealed[id] = []string{now, planned}
			return id, err
		}, `SELECT machine_id, password_sealed, planned_sealed FROM bmc WHERE password_sealed <> '' AND `+clause, args...)
		return err
	})
	return func(id, password string) bool {
		for _, s := range sealed[id] {
			old, err := db.seal.Open(s, sealContext(id))
			if err == nil && s != "" && subtle.ConstantTimeCompare(old, []byte(password)) == 1 {
				return true
			}
		}
		return false
	}, err
}
