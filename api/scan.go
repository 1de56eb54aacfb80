package api

import (
	"context"

	"rackwright/api/wire"
	"rackwright/inventory"
	"rackwright/inventory/racking"
)

// scans registers what a hand scanner asks.
func (s *server) scans() {
	o := op("POST", "/scan", "scan", "Say what scanned codes are, and bind hardware to its slot")
	o.Tags = []string{"racking"}
	route(s, o, func(ctx context.Context, in *struct{ Body wire.Codes }) (*body[*racking.Scan], error) {
		b := in.Body
		var spot *racking.Spot
		switch {
		case b.U > 0 && b.Rack == "":
			return nil, badBody("rack", "is missing: which rack is u in?")
		case b.U > 0:
			spot = &racking.Spot{U: b.U, Face: inventory.Face(b.Face), Side: inventory.Side(b.Side)}
		}
		return bodyOf(s.Store.ScanCodes(ctx, b.Codes, b.Rack, spot, b.Confirm, actor(ctx)))
	})
}
