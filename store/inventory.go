package store

import (
	"context"
	"slices"

	"rackwright/inventory"
	"rackwright/inventory/plan"
)

// Inventory reads everything but what is retired.
func (db *DB) Inventory(ctx context.Context) (*inventory.Inventory, error) {
	inv, err := db.wholeInventory(ctx, db.sql)
	if err != nil {
		return nil, db.fault(err)
	}
	return &inv, nil
}

func (db *DB) wholeInventory(ctx context.Context, q queryer) (inv inventory.Inventory, err error) {
	if inv, err = catalogue(ctx, q); err != nil {
		return inv, err
	}
	if inv.Sites, err = sites(ctx, q); err != nil {
		return inv, err
	}
	if inv.Racks, err = racks(ctx, q, "1 = 1"); err != nil {
		return inv, err
	}
	if inv.Devices, err = db.devices(ctx, q, "1 = 1"); err != nil {
		return inv, err
	}
	inv.Machines, err = db.machines(ctx, q, "m.phase <> 'retired' ORDER BY m.name")
	return inv, err
}

// catalogue reads what is no rack's own: projects, models, networks.
func catalogue(ctx context.Context, q queryer) (inv inventory.Inventory, err error) {
	if inv.Projects, err = projects(ctx, q); err != nil {
		return inv, err
	}
	if inv.Models, err = models(ctx, q); err != nil {
		return inv, err
	}
	inv.Networks, err = networks(ctx, q)
	return inv, err
}

func sites(ctx context.Context, q queryer) ([]inventory.Site, error) {
	return collect(ctx, q, func(scan func(...any) error) (s inventory.Site, err error) {
		err = scan(asText{&s.ID}, &s.Name)
		return s, err
	}, `SELECT id, name FROM site ORDER BY name`)
}

// RackInventory reads one rack by name: what stands in it, what that is of, belongs to and
// talks on, and the devices of other racks that a cable leads to.
func (db *DB) RackInventory(ctx context.Context, name string) (*inventory.Inventory, error) {
	inv, err := db.rackInventory(ctx, db.sql, name)
	return inv, db.fault(err)
}

func (db *DB) rackInventory(ctx context.Context, q queryer, name string) (*inventory.Inventory, error) {
	r, err := rack(ctx, q, name)
	if err != nil {
		return nil, err
	}
	inv, err := catalogue(ctx, q)
	if err != nil {
		return nil, err
	}
	inv.Racks = []inventory.Rack{*r}
	if inv.Sites, err = sites(ctx, q); err != nil {
		return nil, err
	}
	inv.Sites = slices.DeleteFunc(inv.Sites, func(s inventory.Site) bool { return s.Name != r.Site })
	if inv.Machines, err = db.machines(ctx, q, "m.rack_id = $1 AND m.phase <> 'retired' ORDER BY m.name", r.ID); err != nil {
		return nil, err
	}
	if err := db.rackDevices(ctx, q, &inv, r); err != nil {
		return nil, err
	}
	inv.DropUnused()
	return &inv, nil
}

// rackDevices reads the devices in a rack and those at the other ends of its cables.
func (db *DB) rackDevices(ctx context.Context, q queryer, inv *inventory.Inventory, r *inventory.Rack) (err error) {
	if inv.Devices, err = db.devices(ctx, q, "d.rack_id = $1", r.ID); err != nil {
		return err
	}
	var owners []string
	here := map[string]bool{}
	for _, d := range inv.Devices {
		owners, here[d.ID] = append(owners, d.ID), true
	}
	for _, m := range inv.Machines {
		owners = append(owners, m.ID)
	}
	far, err := db.farDevices(ctx, q, owners)
	if err != nil {
		return err
	}
	more, err := gather(db, slices.DeleteFunc(far, func(id string) bool { return here[id] }), "d.id", func(clause string, args []any) ([]inventory.Device, error) {
		return db.devices(ctx, q, clause, args...)
	})
	inv.Devices = append(inv.Devices, more...)
	return err
}

// identities are the ids of what has a name.
type identities struct {
	racks, projects, networks, devices, machines map[string]string
}

// identitiesOf gives what is new in a plan its id and lists all.
func identitiesOf(want *plan.Wanted, have *inventory.Inventory) identities {
	return identities{
		racks:    identify(want.Racks, have.Racks, func(r *inventory.Rack) (string, *string) { return r.Name, &r.ID }),
		projects: identify(want.Projects, have.Projects, func(p *inventory.Project) (string, *string) { return p.Name, &p.ID }),
		networks: identify(want.Networks, have.Networks, func(n *inventory.Network) (string, *string) { return n.Name, &n.ID }),
		devices:  identify(want.Devices, have.Devices, func(d *inventory.Device) (string, *string) { return d.Name, &d.ID }),
		machines: identify(want.Machines, have.Machines, func(m *inventory.Machine) (string, *string) { return m.Name, &m.ID }),
	}
}

func identify[T any](want, have []T, of func(*T) (string, *string)) map[string]string {
	ids := make(map[string]string, len(want)+len(have))
	for i := range have {
		name, id := of(&have[i])
		ids[name] = *id
	}
	for i := range want {
		name, id := of(&want[i])
		if *id == "" {
			*id = newID()
		}
		ids[name] = *id
	}
	return ids
}
