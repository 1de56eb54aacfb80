package main

import (
	"context"
	"fmt"
	"time"

	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/inventory/draw"
)

// Drawings of one measurement: the median is reported.
const drawings = 201

// measureElevation draws a full rack of 48 units, front and rear, again and again.
func measureElevation(ctx context.Context, b *bench) error {
	inv := fullRack(48)
	took := make([]time.Duration, 0, drawings)
	for range drawings {
		if err := ctx.Err(); err != nil {
			return err
		}
		start := time.Now()
		svg, err := draw.Elevation(inv, "r1", inventory.Both, draw.Options{})
		took = append(took, time.Since(start))
		if err != nil {
			return err
		}
		if len(svg) < 48*100 {
			return fault.Internalf("an elevation of %d bytes does not hold 48 machines", len(svg))
		}
	}
	return b.report("elevation.48u", reading{value: middle(took).Seconds() * 1000})
}

// fullRack has a machine of full depth with a condition in every unit.
func fullRack(units int) *inventory.Inventory {
	inv := &inventory.Inventory{Racks: []inventory.Rack{{Name: "r1", Site: "lab", Units: units}}}
	for u := 1; u <= units; u++ {
		inv.Machines = append(inv.Machines, inventory.Machine{
			Name: fmt.Sprintf("r1-u%02d", u), Phase: inventory.Active, Model: "dell-r660", Serial: fmt.Sprintf("SER%06d", u),
			Slot:       &inventory.Slot{Rack: "r1", U: u, Height: 1, Face: inventory.Both},
			Conditions: []inventory.Condition{{Type: "dimm-missing", Subject: "A5", Hint: "seat DIMM A5"}},
		})
	}
	return inv
}
