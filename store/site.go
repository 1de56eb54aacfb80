package store

import (
	"context"

	"rackwright/access"
	"rackwright/fault"
	"rackwright/inventory"
)

// Sites lists the sites by name with what of them is in a scope; one of which nothing is
// stays out.
func (db *DB) Sites(ctx context.Context, scope access.Scope) ([]inventory.SiteTally, error) {
	all, err := sites(ctx, db.sql)
	if err != nil {
		return nil, db.fault(err)
	}
	at := map[string]*inventory.SiteTally{}
	for _, s := range all {
		at[s.ID] = &inventory.SiteTally{Site: s, Rooms: []inventory.Room{}, Phases: map[inventory.Phase]int{}}
	}
	within, args := db.rackWithin(scope, "r.id", nil)
	if _, err := collect(ctx, db.sql, func(scan func(...any) error) (spec rackSpec, err error) {
		var site string
		if err = scan(asText{&site}, asJSON{&spec}); err == nil && at[site] != nil {
			at[site].Add(spec.Room)
		}
		return spec, err
	}, `SELECT site_id, spec FROM rack r WHERE 1 = 1`+within, args...); err != nil {
		return nil, db.fault(err)
	}
	within, args = db.machinesWithin(scope, "m", nil)
	if _, err := collect(ctx, db.sql, func(scan func(...any) error) (none struct{}, err error) {
		var site string
		var phase inventory.Phase
		var n int
		if err = scan(asText{&site}, &phase, &n); err == nil && at[site] != nil {
			at[site].Phases[phase], at[site].Machines = n, at[site].Machines+n
		}
		return none, err
	}, `SELECT r.site_id, m.phase, count(*) FROM machine m JOIN rack r ON r.id = m.rack_id WHERE m.phase <> 'retired'`+within+` GROUP BY r.site_id, m.phase`, args...); err != nil {
		return nil, db.fault(err)
	}
	out := []inventory.SiteTally{}
	for _, s := range all {
		if t := at[s.ID]; scope.Whole() || t.Racks+t.Machines > 0 {
			out = append(out, *t)
		}
	}
	return out, nil
}

// Device returns a device by name.
func (db *DB) Device(ctx context.Context, name string) (*inventory.Device, error) {
	found, err := db.devices(ctx, db.sql, "d.name = $1", name)
	if err == nil && len(found) == 0 {
		err = fault.NotFoundf("there is no device %q", name).WithHint("'rackwright device list' shows them")
	}
	return first(found), db.fault(err)
}

// Lease returns the lease of an address that runs.
func (db *DB) Lease(ctx context.Context, network, address string) (*inventory.Lease, error) {
	found, err := collect(ctx, db.sql, readLease, leaseRows+` AND n.name = $2 AND l.address = $3`, db.now(), network, address)
	if err == nil && len(found) == 0 {
		err = noLease(network, address)
	}
	return first(found), db.fault(err)
}
