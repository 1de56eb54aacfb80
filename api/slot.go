package api

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"rackwright/api/wire"
	"rackwright/inventory"
	"rackwright/inventory/racking"
)

type slotIn struct {
	RackIn
	U    int            `path:"u" minimum:"0" maximum:"100" doc:"Any unit of what is there; 0 is beside the units"`
	Face inventory.Face `query:"face" enum:"front,rear,both" doc:"Where a unit holds several things"`
	Side inventory.Side `query:"side" enum:"left,right" doc:"Where a unit holds two things of half width"`
	Bay  string         `query:"bay" maxLength:"63" doc:"Bay of a chassis"`
}

// slots registers what is, was seen and should be in a place.
func (s *server) slots() {
	tag := func(o huma.Operation) huma.Operation { o.Tags = []string{"racks"}; return o }
	route(s, tag(op("GET", "/racks/{rack}/slots", "list-slots", "Every place of a rack and how it stands, in a word")),
		func(ctx context.Context, in *struct {
			RackIn
			PageIn
		}) (*body[wire.List[racking.Place]], error) {
			v, err := s.Store.RackView(ctx, in.Rack)
			if err != nil {
				return nil, err
			}
			return pageOf(ctx, in.PageIn, []order[racking.Place]{{"u", (*racking.Place).Key}}, v.Places(), nil)
		})
	route(s, tag(op("GET", "/racks/{rack}/slots/{u}", "get-slot", "What should be in a slot, what was seen there, what was adopted")), s.slot)
}

func (s *server) slot(ctx context.Context, in *slotIn) (*body[*racking.Answer], error) {
	v, err := s.Store.RackView(ctx, in.Rack)
	if err != nil {
		return nil, err
	}
	before, err := s.Store.SlotHistory(ctx, in.Rack)
	if err != nil {
		return nil, err
	}
	return bodyOf(v.Answer(racking.Spot{U: in.U, Face: in.Face, Side: in.Side, Bay: in.Bay}, before))
}
