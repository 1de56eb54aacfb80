package store

import (
	"context"
	"slices"

	"rackwright/inventory"
)

// remodelled adds the racks in which something is of a model that is to be of another
// form, weight or draw, and those whose PDUs feed such things: what they carry changes
// though the plan names nothing in them.
func (s *scope) remodelled(ctx context.Context) error {
	var models []string
	for i := range s.want.Models {
		if m := &s.want.Models[i]; heavier(s.have.Model(m.Name), m) {
			models = append(models, m.Name)
		}
	}
	const fed = ` JOIN cable_end a ON a.owner_id = x.id JOIN cable_end b ON b.cable_id = a.cable_id AND b.side <> a.side
		JOIN device d ON d.id = b.owner_id AND d.kind = 'pdu' WHERE `
	for _, query := range []string{
		`SELECT DISTINCT x.rack_id FROM machine x WHERE x.rack_id IS NOT NULL AND x.phase <> 'retired' AND `,
		`SELECT DISTINCT x.rack_id FROM device x WHERE `,
		`SELECT DISTINCT d.rack_id FROM machine x` + fed,
		`SELECT DISTINCT d.rack_id FROM device x` + fed,
	} {
		if err := s.gather(ctx, s.racks, models, "x.model", query); err != nil {
			return err
		}
	}
	return nil
}

// heavier reports whether a model changes in what a rack has to carry for it. was is nil
// for one that nobody declared, though things may have its name already.
func heavier(was, is *inventory.Model) bool {
	if was == nil {
		was = &inventory.Model{}
	}
	a, b := &was.Build, &is.Build
	return a.WeightKG != b.WeightKG || a.Watts != b.Watts || a.Height != b.Height || a.HalfWidth != b.HalfWidth || a.FullDepth != b.FullDepth ||
		!slices.Equal(a.PSUs, b.PSUs)
}
