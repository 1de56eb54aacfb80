package api

import (
	"context"

	"rackwright/access"
	"rackwright/inventory"
	"rackwright/inventory/plan"
)

// exportIn narrows an export to racks. A repeated parameter, or names with commas.
type exportIn struct {
	Site string   `query:"site" maxLength:"63" doc:"Needed where there are several sites and no rack is named"`
	Rack []string `query:"rack,explode" maxItems:"1000" doc:"Only these racks; repeat it for several"`
}

func (s *server) exports() {
	o := op("GET", "/plan", "export-plan", "The plan that makes the inventory as it is, without passwords")
	o.Tags = []string{"plans"}
	route(s, o, func(ctx context.Context, in *exportIn) (*body[plan.Plan], error) {
		if err := s.mayExport(ctx, in.Rack); err != nil {
			return nil, err
		}
		inv, err := s.inventoryFor(ctx, in.Rack)
		if err != nil {
			return nil, err
		}
		part, err := inv.Only(in.Site, in.Rack)
		if err != nil {
			return nil, err
		}
		return &body[plan.Plan]{plan.Of(part)}, nil
	})
}

// mayExport refuses racks that are out of the caller's scope, and all there is unless it has
// none.
func (s *server) mayExport(ctx context.Context, racks []string) error {
	if len(racks) == 0 {
		return access.Allow(callOf(ctx).caller, access.Read, access.Everywhere())
	}
	for _, rack := range racks {
		if err := s.atRack(ctx, access.Read, rack); err != nil {
			return err
		}
	}
	return nil
}

// inventoryFor reads one rack where only one is asked for.
func (s *server) inventoryFor(ctx context.Context, racks []string) (*inventory.Inventory, error) {
	if len(racks) == 1 {
		return s.Store.RackInventory(ctx, racks[0])
	}
	return s.Store.Inventory(ctx)
}
