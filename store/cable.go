package store

import (
	"context"

	"rackwright/fault"
	"rackwright/inventory"
)

// nestedCables is the cables that a machine or device plans, those whose side a is at it. What
// they are plugged into is read by then.
func nestedCables[T any](owner string, plug func(to *T, port string, c *inventory.Cable)) nested[T] {
	return nested[T]{
		columns: "near.port, k.type, k.length_m, k.label, far.port, COALESCE((SELECT name FROM device WHERE id = far.owner_id), (SELECT name FROM machine WHERE id = far.owner_id), '')",
		from:    `cable_end near JOIN cable k ON k.id = near.cable_id JOIN cable_end far ON far.cable_id = near.cable_id AND far.side = 'b' WHERE near.side = 'a' AND near.owner_id = ` + owner,
		read: func(to *T, scan func(...any) error) error {
			var port string
			c := &inventory.Cable{}
			err := scan(&port, &c.Type, &c.LengthM, &c.Label, &c.To.Port, &c.To.Owner)
			plug(to, port, c)
			return err
		},
	}
}

// farDevices returns the ids of the devices at the other ends of the cables of some
// machines and devices, whichever end plans them.
func (db *DB) farDevices(ctx context.Context, q queryer, owners []string) ([]string, error) {
	return gather(db, owners, "near.owner_id", func(clause string, args []any) ([]string, error) {
		return collect(ctx, q, readText, `SELECT DISTINCT far.owner_id FROM cable_end near
			JOIN cable_end far ON far.cable_id = near.cable_id AND far.side <> near.side JOIN device d ON d.id = far.owner_id WHERE `+clause, args...)
	})
}

func plugPSU(psus []inventory.PSU, port string, c *inventory.Cable) {
	for i := range psus {
		if psus[i].Name == port {
			psus[i].Cable = c
			return
		}
	}
}

// plugMachine puts a cable on the network port or power supply that plans it.
func plugMachine(m *inventory.Machine, port string, c *inventory.Cable) {
	for i := range m.NICs {
		if m.NICs[i].Name == port {
			m.NICs[i].Cable = c
			return
		}
	}
	plugPSU(m.PSUs, port, c)
}

// eachCable calls f for each cable that some machines and devices plan, with the port and
// the connector where it begins.
func eachCable(machines []inventory.Machine, devices []inventory.Device, f func(owner, port string, from inventory.Connector, c *inventory.Cable)) {
	psus := func(owner string, list []inventory.PSU) {
		for i := range list {
			if list[i].Cable != nil {
				f(owner, list[i].Name, list[i].Connector, list[i].Cable)
			}
		}
	}
	for i := range machines {
		m := &machines[i]
		for j := range m.NICs {
			if m.NICs[j].Cable != nil {
				f(m.Name, m.NICs[j].Name, m.NICs[j].Connector, m.NICs[j].Cable)
			}
		}
		psus(m.Name, m.PSUs)
	}
	for i := range devices {
		d := &devices[i]
		for j := range d.Ports {
			if d.Ports[j].Cable != nil {
				f(d.Name, d.Ports[j].Name, d.Ports[j].Connector, d.Ports[j].Cable)
			}
		}
		psus(d.Name, d.PSUs)
	}
}

// connectors are the forms of the sockets by owner and port, as far as they are known.
func connectors(inv *inventory.Inventory) map[inventory.End]inventory.Connector {
	out := map[inventory.End]inventory.Connector{}
	psus := func(owner string, list []inventory.PSU) {
		for i := range list {
			out[inventory.End{Owner: owner, Port: list[i].Name}] = list[i].Connector
		}
	}
	for i := range inv.Machines {
		m := &inv.Machines[i]
		for j := range m.NICs {
			out[inventory.End{Owner: m.Name, Port: m.NICs[j].Name}] = m.NICs[j].Connector
		}
		psus(m.Name, m.PSUs)
	}
	for i := range inv.Devices {
		d := &inv.Devices[i]
		for j := range d.Ports {
			out[inventory.End{Owner: d.Name, Port: d.Ports[j].Name}] = d.Ports[j].Connector
		}
		psus(d.Name, d.PSUs)
	}
	return out
}

// unplug removes the cables that some machines or devices plan, or all that end at them.
func (a *application) unplug(ctx context.Context, owners []string, all bool) error {
	which := "side = 'a' AND "
	if all {
		which = ""
	}
	return a.db.forEach(owners, "owner_id", func(clause string, args []any) error {
		_, err := exec(ctx, a.tx, `DELETE FROM cable WHERE id IN (SELECT cable_id FROM cable_end WHERE `+which+clause+")", args...)
		return err
	})
}

// writeCables writes the cables that the changed machines and devices plan.
func (a *application) writeCables(ctx context.Context) error {
	sockets := connectors(a.after())
	if err := a.refit(ctx, sockets); err != nil {
		return err
	}
	cables := a.db.batch(a.tx, `INSERT INTO cable (id, type, a_connector, b_connector, length_m, label)`, "", 6)
	ends := a.db.batch(a.tx, `INSERT INTO cable_end (owner_id, port, cable_id, side)`, "", 4)
	defer cables.close()
	defer ends.close()
	var rows [][2][]any // ends wait until their cables are there
	var bad error
	machines, devices := values(a.machines), values(a.devices)
	eachCable(machines, devices, func(owner, port string, from inventory.Connector, c *inventory.Cable) {
		id, near, far, to := newID(), a.owner(owner), a.owner(c.To.Owner), sockets[c.To]
		if far == "" && bad == nil {
			bad = fault.Conflictf("the cable of %s:%s leads to %s, and there is no %s", owner, port, c.To, c.To.Owner)
		}
		if c.Type == "" { // nothing is known of what it joins
			from, to = "", ""
		}
		if err := cables.add(ctx, id, c.Type, orNull(string(from)), orNull(string(to)), c.LengthM, c.Label); err != nil && bad == nil {
			bad = unfit(err)
		}
		rows = append(rows, [2][]any{{near, port, id, "a"}, {far, c.To.Port, id, "b"}})
	})
	if bad != nil {
		return bad
	}
	if err := cables.done(ctx); err != nil {
		return unfit(err)
	}
	for _, r := range rows {
		for _, end := range r {
			if err := ends.add(ctx, end...); err != nil {
				return err
			}
		}
	}
	return ends.done(ctx)
}

// owner is the id of the machine or device of that name.
func (a *application) owner(name string) string {
	if id := a.ids.devices[name]; id != "" {
		return id
	}
	return a.ids.machines[name]
}

// refit writes down the connectors of changed devices and machines at the ends of cables
// that others plan: one that does not fit any more is refused by the schema.
func (a *application) refit(ctx context.Context, sockets map[inventory.End]inventory.Connector) error {
	names := map[string]string{}
	for _, d := range a.devices {
		names[d.ID] = d.Name
	}
	for _, m := range a.machines {
		names[m.ID] = m.Name
	}
	type plug struct{ cable, old, new string }
	var plugs []plug
	err := a.db.forEach(keys(names), "e.owner_id", func(clause string, args []any) error {
		found, err := collect(ctx, a.tx, func(scan func(...any) error) (p plug, err error) {
			var owner, port string
			err = scan(asText{&p.cable}, asText{&p.old}, asText{&owner}, &port)
			p.new = string(sockets[inventory.End{Owner: names[owner], Port: port}])
			return p, err
		}, `SELECT c.id, c.b_connector, e.owner_id, e.port FROM cable_end e JOIN cable c ON c.id = e.cable_id WHERE e.side = 'b' AND c.type <> '' AND `+clause, args...)
		plugs = append(plugs, found...)
		return err
	})
	if err != nil {
		return err
	}
	for _, p := range plugs {
		if p.old != p.new {
			if _, err := exec(ctx, a.tx, `UPDATE cable SET b_connector = $1 WHERE id = $2`, orNull(p.new), p.cable); err != nil {
				return unfit(err)
			}
		}
	}
	return nil
}
