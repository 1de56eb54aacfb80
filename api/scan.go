package api

import (
	"context"

	"rackwright/access"
	"rackwright/api/wire"
	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/inventory/racking"
	"rackwright/store"
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
		if scopeOf(ctx).Whole() {
			return bodyOf(s.Store.ScanCodes(ctx, b.Codes, b.Rack, spot, b.Confirm, actor(ctx)))
		}
		return bodyOf(s.scanWithin(ctx, b, spot))
	})
}

// scanWithin is a scan by a caller with a scope: it has to stand in it, and what is beyond
// is not told.
func (s *server) scanWithin(ctx context.Context, b wire.Codes, spot *racking.Spot) (*racking.Scan, error) {
	if b.Rack != "" {
		if err := s.atRack(ctx, access.Rack, b.Rack); err != nil {
			return nil, err
		}
	}
	scan, err := s.Store.ScanCodes(ctx, b.Codes, b.Rack, spot, false, actor(ctx))
	if err != nil {
		return nil, err
	}
	switch {
	case scan.Place != nil:
		if err := s.atRack(ctx, access.Rack, scan.Place.Slot.Rack); err != nil {
			return nil, err
		}
	case b.Rack == "":
		return nil, badBody("rack", "is missing: which rack are you in?")
	}
	if b.Confirm {
		if scan, err = s.Store.ScanCodes(store.Bounded(ctx, scopeOf(ctx)), b.Codes, b.Rack, spot, true, actor(ctx)); err != nil {
			return nil, err
		}
	}
	return scan, s.hide(ctx, scan)
}

// hide takes from a scan what belongs to other racks than the caller's.
func (s *server) hide(ctx context.Context, scan *racking.Scan) error {
	for i, r := range scan.Codes {
		rack := r.Owner
		if r.Slot != nil {
			rack = r.Slot.Rack
		}
		if rack == "" {
			continue
		}
		err := s.atRack(ctx, access.Rack, rack)
		if err == nil {
			continue
		}
		if !fault.Is(err, fault.NotFound) {
			return err
		}
		scan.Codes[i].Owner, scan.Codes[i].Slot, scan.Codes[i].Says = "", nil, "does not belong here"
		if len(scan.Problems) > 0 {
			scan.Problems = []string{"a code belongs to what is not in this rack"}
		}
	}
	return nil
}
