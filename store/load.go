package store

import (
	"context"

	"rackwright/inventory"
)

// loads writes what the racks carry in which something changes: the schema refuses more
// weight or power than they may.
func (a *application) loads(ctx context.Context) error {
	after := a.after()
	models := make(map[string]*inventory.Model, len(after.Models))
	for i := range after.Models {
		models[after.Models[i].Name] = &after.Models[i]
	}
	model := func(name string) *inventory.Model { return models[name] }
	near := nearby(after)
	for _, name := range a.loaded(after) {
		r := after.Rack(name)
		if r == nil {
			continue
		}
		load := inventory.RackLoad(*r, near[name].Devices, near[name].Machines, model)
		if err := a.writeLoad(ctx, r, load); err != nil {
			return err
		}
	}
	return nil
}

// loaded lists the racks whose load may change: those in which something changes or is of
// a model that does, and those of the PDUs that such a thing hangs on.
func (a *application) loaded(after *inventory.Inventory) []string {
	racks, pdus := map[string]bool{}, rackOfPDU(after)
	for _, name := range a.touched {
		racks[name] = true
	}
	eachCable(values(a.machines), values(a.devices), func(_, _ string, _ inventory.Connector, c *inventory.Cable) {
		if rack := pdus[c.To.Owner]; rack != "" {
			racks[rack] = true
		}
	})
	models := a.changes("model")
	for i := range after.Machines {
		if m := &after.Machines[i]; models[m.Model] {
			loadedBy(racks, pdus, m.Slot, m.PSUs)
		}
	}
	for i := range after.Devices {
		if d := &after.Devices[i]; models[d.Model] {
			loadedBy(racks, pdus, d.Slot, d.PSUs)
		}
	}
	return keys(racks)
}

// rackOfPDU is where each PDU stands, by name.
func rackOfPDU(inv *inventory.Inventory) map[string]string {
	at := map[string]string{}
	for i := range inv.Devices {
		if d := &inv.Devices[i]; d.Kind == inventory.KindPDU && d.Slot != nil {
			at[d.Name] = d.Slot.Rack
		}
	}
	return at
}

// loadedBy adds the racks that a thing weighs on or draws from.
func loadedBy(racks map[string]bool, pdus map[string]string, s *inventory.Slot, psus []inventory.PSU) {
	touch(racks, s)
	for i := range psus {
		if c := psus[i].Cable; c != nil && pdus[c.To.Owner] != "" {
			racks[pdus[c.To.Owner]] = true
		}
	}
}

// nearby is for each rack what stands in it or is plugged in there, and the PDUs that
// those hang on: all that its load depends on.
func nearby(inv *inventory.Inventory) map[string]*inventory.Inventory {
	pdus, out, has := map[string]*inventory.Device{}, map[string]*inventory.Inventory{}, map[[2]string]bool{}
	of := func(rack string) *inventory.Inventory {
		if out[rack] == nil {
			out[rack] = &inventory.Inventory{}
		}
		return out[rack]
	}
	add := func(rack string, d *inventory.Device) {
		if key := [2]string{rack, d.Name}; !has[key] {
			has[key] = true
			of(rack).Devices = append(of(rack).Devices, *d)
		}
	}
	for i := range inv.Devices {
		if d := &inv.Devices[i]; d.Kind == inventory.KindPDU && d.Slot != nil {
			pdus[d.Name] = d
			add(d.Slot.Rack, d)
		}
	}
	at := rackOfPDU(inv)
	where := func(s *inventory.Slot, psus []inventory.PSU) map[string]bool {
		racks := map[string]bool{}
		loadedBy(racks, at, s, psus)
		for rack := range racks {
			for i := range psus {
				if c := psus[i].Cable; c != nil && pdus[c.To.Owner] != nil {
					add(rack, pdus[c.To.Owner])
				}
			}
		}
		return racks
	}
	for i := range inv.Racks {
		of(inv.Racks[i].Name)
	}
	for i := range inv.Machines {
		for rack := range where(inv.Machines[i].Slot, inv.Machines[i].PSUs) {
			of(rack).Machines = append(of(rack).Machines, inv.Machines[i])
		}
	}
	for i := range inv.Devices {
		if d := &inv.Devices[i]; d.Kind != inventory.KindPDU {
			for rack := range where(d.Slot, d.PSUs) {
				add(rack, d)
			}
		}
	}
	return out
}

func (a *application) writeLoad(ctx context.Context, r *inventory.Rack, load inventory.Load) error {
	if _, err := exec(ctx, a.tx, `UPDATE rack SET weight_kg = $1, weight_limit_kg = $2 WHERE id = $3`, load.WeightKG, r.WeightLimitKG, r.ID); err != nil {
		return err
	}
	if _, err := exec(ctx, a.tx, `DELETE FROM rack_feed WHERE rack_id = $1`, r.ID); err != nil {
		return err
	}
	for _, f := range load.Feeds {
		if _, err := exec(ctx, a.tx, `INSERT INTO rack_feed (rack_id, name, usable_w, worst_w) VALUES ($1, $2, $3, $4)`, r.ID, f.Feed, f.UsableW, f.WorstW); err != nil {
			return err
		}
	}
	return nil
}
