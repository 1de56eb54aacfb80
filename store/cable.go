package store

import (
	"context"
	"slices"

	"rackwright/fault"
	"rackwright/inventory"
)

// farDevices returns the ids of the devices at the other ends of the cables of some
// machines and devices, whichever end plans them.
func (db *DB) farDevices(ctx context.Context, q queryer, owners []string) ([]string, error) {
	return gather(db, owners, "near.owner_id", func(clause string, args []any) ([]string, error) {
		return collect(ctx, q, readText, `SELECT DISTINCT far.owner_id FROM cable_end near
			JOIN cable_end far ON far.cable_id = near.cable_id AND far.side <> near.side JOIN device d ON d.id = far.owner_id WHERE `+clause, args...)
	})
}

// eachSocket calls f for each port and power supply of machines and devices, with its form
// and where the cable is that is planned from it.
func eachSocket(machines []inventory.Machine, devices []inventory.Device, f func(owner, port string, form inventory.Connector, c **inventory.Cable)) {
	psus := func(owner string, list []inventory.PSU) {
		for i := range list {
			f(owner, list[i].Name, list[i].Connector, &list[i].Cable)
		}
	}
	for i := range machines {
		m := &machines[i]
		for j := range m.NICs {
			f(m.Name, m.NICs[j].Name, m.NICs[j].Connector, &m.NICs[j].Cable)
		}
		psus(m.Name, m.PSUs)
	}
	for i := range devices {
		d := &devices[i]
		for j := range d.Ports {
			f(d.Name, d.Ports[j].Name, d.Ports[j].Connector, &d.Ports[j].Cable)
		}
		psus(d.Name, d.PSUs)
	}
}

// eachCable calls f for each cable that they plan.
func eachCable(machines []inventory.Machine, devices []inventory.Device, f func(owner, port string, from inventory.Connector, c *inventory.Cable)) {
	eachSocket(machines, devices, func(owner, port string, form inventory.Connector, c **inventory.Cable) {
		if *c != nil {
			f(owner, port, form, *c)
		}
	})
}

// unplug removes the cables that changed machines or devices plan, until they are written again.
func (a *application) unplug(ctx context.Context, owners []string) error {
	return a.db.forEach(owners, "owner_id", func(clause string, args []any) error {
		_, err := exec(ctx, a.tx, `DELETE FROM cable WHERE id IN (SELECT cable_id FROM cable_end WHERE side = 'a' AND `+clause+")", args...)
		return err
	})
}

// cut removes all cables that end at machines or devices that leave, and what others say of
// those that they planned.
func (db *DB) cut(ctx context.Context, tx *txn, owners []string) error {
	planners, err := gather(db, owners, "far.owner_id", func(clause string, args []any) ([]string, error) {
		return collect(ctx, tx, readText, `SELECT DISTINCT near.owner_id FROM cable_end far JOIN cable_end near ON near.cable_id = far.cable_id AND near.side = 'a'
			WHERE far.side = 'b' AND `+clause, args...)
	})
	if err != nil {
		return err
	}
	if err := db.forEach(owners, "owner_id", func(clause string, args []any) error {
		_, err := exec(ctx, tx, `DELETE FROM cable WHERE id IN (SELECT cable_id FROM cable_end WHERE `+clause+")", args...)
		return err
	}); err != nil {
		return err
	}
	for _, id := range planners {
		if err := db.pullOut(ctx, tx, id); err != nil {
			return err
		}
	}
	return nil
}

// pullOut takes cables that are no more out of the document of a machine or device.
func (db *DB) pullOut(ctx context.Context, tx *txn, id string) error {
	machines, err := db.machines(ctx, tx, "m.id = $1", id)
	if err != nil {
		return err
	}
	devices, err := db.devices(ctx, tx, "d.id = $1", id)
	if err != nil {
		return err
	}
	left, err := collect(ctx, tx, readText, `SELECT port FROM cable_end WHERE owner_id = $1 AND side = 'a'`, id)
	if err != nil {
		return err
	}
	eachSocket(machines, devices, func(_, port string, _ inventory.Connector, c **inventory.Cable) {
		if !slices.Contains(left, port) {
			*c = nil
		}
	})
	for i := range machines {
		if err := writeSpec(ctx, tx, &machines[i]); err != nil {
			return err
		}
	}
	for i := range devices {
		if _, err := exec(ctx, tx, `UPDATE device SET spec = $1 WHERE id = $2`, toJSON(specOf(&devices[i])), id); err != nil {
			return err
		}
	}
	return nil
}

// writeCables writes the cables that the changed machines and devices plan.
func (a *application) writeCables(ctx context.Context) error {
	sockets, after := map[inventory.End]inventory.Connector{}, a.after()
	eachSocket(after.Machines, after.Devices, func(owner, port string, form inventory.Connector, _ **inventory.Cable) {
		sockets[inventory.End{Owner: owner, Port: port}] = form
	})
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
