package store

import (
	"cmp"
	"context"

	"rackwright/fault"
	"rackwright/inventory"
)

// rackSpec is the part of a rack that no query looks into.
type rackSpec struct {
	Room      string                  `json:"room,omitempty"`
	Row       string                  `json:"row,omitempty"`
	Numbering inventory.Numbering     `json:"numbering,omitempty"`
	DepthMM   int                     `json:"depth_mm,omitempty"`
	Feeds     []inventory.Feed        `json:"feeds,omitempty"`
	Reserved  []inventory.Reservation `json:"reserved,omitempty"`
	Labels    map[string]string       `json:"labels,omitempty"`
	Tags      []string                `json:"tags,omitempty"`
	Waivers   []inventory.Waiver      `json:"waivers,omitempty"`
}

// Racks lists the racks by name.
func (db *DB) Racks(ctx context.Context) ([]inventory.Rack, error) {
	out, err := racks(ctx, db.sql, "1 = 1")
	return out, db.fault(err)
}

// Rack returns a rack by name.
func (db *DB) Rack(ctx context.Context, name string) (*inventory.Rack, error) {
	r, err := rack(ctx, db.sql, name)
	if err == nil {
		r.Load, err = rackLoad(ctx, db.sql, r.ID)
	}
	return r, db.fault(err)
}

// rackLoad is what a rack carries, as the last plan that touched it left it.
func rackLoad(ctx context.Context, q queryer, id string) (*inventory.Load, error) {
	var l inventory.Load
	if err := q.QueryRowContext(ctx, `SELECT weight_kg FROM rack WHERE id = $1`, id).Scan(&l.WeightKG); err != nil {
		return nil, err
	}
	feeds, err := collect(ctx, q, func(scan func(...any) error) (f inventory.FeedLoad, err error) {
		err = scan(&f.Feed, &f.UsableW, &f.WorstW)
		return f, err
	}, `SELECT name, usable_w, worst_w FROM rack_feed WHERE rack_id = $1 ORDER BY name`, id)
	l.Feeds = feeds
	return &l, err
}

func rack(ctx context.Context, q queryer, name string) (*inventory.Rack, error) {
	found, err := racks(ctx, q, "r.name = $1", name)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, noRack(name)
	}
	return &found[0], nil
}

func noRack(name string) error {
	return fault.NotFoundf("there is no rack %q", name).WithHint("'rackwright rack list' shows them")
}

func racks(ctx context.Context, q queryer, pick string, args ...any) ([]inventory.Rack, error) {
	return racksIn(ctx, q, pick, " ORDER BY r.name", args...)
}

func racksIn(ctx context.Context, q queryer, pick, order string, args ...any) ([]inventory.Rack, error) {
	return collect(ctx, q, func(scan func(...any) error) (r inventory.Rack, err error) {
		var s rackSpec
		err = scan(asText{&r.ID}, &r.Name, &r.Site, &r.Units, asJSON{&s}, &r.WeightLimitKG, &r.Version)
		r.Room, r.Row, r.Numbering, r.DepthMM, r.Feeds, r.Reserved = s.Room, s.Row, s.Numbering, s.DepthMM, s.Feeds, s.Reserved
		r.Labels, r.Tags, r.Waivers = s.Labels, s.Tags, s.Waivers
		return r, err
	}, `SELECT r.id, r.name, s.name, r.units, r.spec, r.weight_limit_kg, r.version FROM rack r JOIN site s ON s.id = r.site_id
		WHERE `+pick+order, args...)
}

// racks writes the changed racks. What they carry is written when all stands in them.
func (a *application) racks(ctx context.Context) error {
	changed := a.changes("rack")
	for i := range a.want.Racks {
		r := &a.want.Racks[i]
		if !changed[r.Name] {
			continue
		}
		spec := rackSpec{r.Room, r.Row, r.Numbering, r.DepthMM, r.Feeds, r.Reserved, r.Labels, r.Tags, r.Waivers}
		if _, err := exec(ctx, a.tx, `INSERT INTO rack (id, site_id, name, units, spec, version) SELECT $1, id, $2, $3, $4, 1 FROM site WHERE name = $5
			ON CONFLICT (id) DO UPDATE SET units = excluded.units, spec = excluded.spec, version = rack.version + 1`,
			r.ID, r.Name, r.Units, toJSON(spec), r.Site); err != nil {
			return err
		}
	}
	return nil
}

// reservations keeps the reserved cells of the racks in which something changes. Those
// that a machine of the reservation's project takes are free for it.
func (a *application) reservations(ctx context.Context) error {
	if err := a.inRacks(ctx, func(clause string, args []any) error {
		_, err := exec(ctx, a.tx, `DELETE FROM slot_cell WHERE machine_id IS NULL AND device_id IS NULL AND `+clause, args...)
		return err
	}); err != nil {
		return err
	}
	after, cells := a.after(), a.db.batch(a.tx, `INSERT INTO slot_cell (rack_id, face, u, side)`, "", 4)
	defer cells.close()
	for _, name := range a.touched {
		r := after.Rack(name)
		if r == nil {
			continue
		}
		taken := map[inventory.Cell]string{}
		for i := range after.Machines {
			if m := &after.Machines[i]; m.Slot != nil && m.Slot.Rack == name {
				for _, c := range m.Slot.Cells() {
					taken[c] = m.Project
				}
			}
		}
		if err := reserve(ctx, cells, r, taken); err != nil {
			return err
		}
	}
	return cells.done(ctx)
}

func reserve(ctx context.Context, to *batch, r *inventory.Rack, taken map[inventory.Cell]string) error {
	kept := map[inventory.Cell]bool{}
	for _, v := range r.Reserved {
		v.Height, v.Face = cmp.Or(v.Height, 1), cmp.Or(v.Face, inventory.Both)
		for _, c := range v.Slot(r.Name).Cells() {
			if kept[c] || v.Project != "" && taken[c] == v.Project {
				continue
			}
			kept[c] = true
			if err := to.add(ctx, r.ID, c.Face, c.U, c.Side); err != nil {
				return err
			}
		}
	}
	return nil
}
