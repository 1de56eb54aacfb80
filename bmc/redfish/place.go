package redfish

import (
	"context"
	"maps"

	"rackwright/bmc"
	"rackwright/fault"
)

// location is what we use of the Location object (Resource v1.3). Building is the site:
// Dell shows its attribute DataCenterName there.
type location struct {
	PostalAddress struct{ Building, Room string }
	Placement     struct {
		Row, Rack  string
		RackOffset int
	}
}

func (l location) place() bmc.Place {
	return bmc.Place{Site: tidy(l.PostalAddress.Building), Room: tidy(l.PostalAddress.Room),
		Row: tidy(l.Placement.Row), Rack: tidy(l.Placement.Rack), Unit: max(l.Placement.RackOffset, 0)}
}

// located is any resource with a Location.
type located struct{ Location *location }

// spot is a resource with a location.
type spot struct {
	uri   string
	has   bool
	place bmc.Place
}

// spots reads the system's chassis and the manager; those that tell a location come first.
// The asset tag is no place.
func (c *Controller) spots(ctx context.Context) ([]spot, error) {
	sys, err := c.read(ctx)
	if err != nil {
		return nil, err
	}
	var uris []string
	for _, l := range sys.Links.Chassis[:min(len(sys.Links.Chassis), maxChassis)] {
		uris = append(uris, l.URI)
	}
	if c.manager != "" {
		uris = append(uris, c.manager)
	}
	var told, untold []spot
	for _, uri := range uris {
		r, readErr := get[located](c.under(ctx), uri)
		switch {
		case readErr != nil:
			err = readErr
		case r.Location != nil:
			told = append(told, spot{uri: uri, has: true, place: r.Location.place()})
		default:
			untold = append(untold, spot{uri: uri})
		}
	}
	if all := append(told, untold...); len(all) > 0 {
		return all, nil
	}
	if err == nil {
		err = c.lacks("place to tell")
	}
	return nil, err
}

// Place reads where the BMC thinks it is; empty when nobody told it.
func (c *Controller) Place(ctx context.Context) (bmc.Place, error) {
	all, err := c.spots(withBudget(ctx, maxCustodyReads))
	if err != nil {
		return bmc.Place{}, c.explain("read the place", err)
	}
	for _, s := range all {
		if s.place != (bmc.Place{}) {
			return s.place, nil
		}
	}
	if !all[0].has {
		return bmc.Place{}, c.lacks("place to tell")
	}
	return bmc.Place{}, nil
}

// SetPlace writes it to the chassis, else to the manager, and reads it back. What p leaves
// empty is left alone. Only what differs is written.
func (c *Controller) SetPlace(ctx context.Context, p bmc.Place) error {
	done, err := c.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	ctx = withBudget(ctx, maxCustodyReads)
	all, err := c.spots(ctx)
	if err != nil {
		return c.explain("read the place", err)
	}
	for _, s := range all {
		payload := moved(s.place, p)
		if payload == nil {
			return nil
		}
		_, wrote := c.write(ctx, s.uri, payload)
		if wrote != nil && elsewhere(wrote) {
			err = c.explain("write the place", wrote)
			continue
		}
		err = c.readBack(ctx, "write the place", wrote, func(ctx context.Context) (bool, error) {
			now, err := get[located](c.under(ctx), s.uri)
			return err == nil && now.Location != nil && moved(now.Location.place(), p) == nil, err
		})
		if s.has || !fault.Is(err, fault.Conflict) {
			return err
		}
		err = nil // it has none there, and takes any PATCH for good (sushy-emulator's manager)
	}
	if fault.Is(err, fault.Conflict) {
		return err
	}
	return c.lacks("place that can be written")
}

// moved is what to write to come from one place to another; nil for nothing.
func moved(from, to bmc.Place) map[string]any {
	address, placement := map[string]any{}, map[string]any{}
	for _, field := range []struct {
		into     map[string]any
		name     string
		is, want string
	}{{address, "Building", from.Site, to.Site}, {address, "Room", from.Room, to.Room}, {placement, "Row", from.Row, to.Row}, {placement, "Rack", from.Rack, to.Rack}} {
		if want := tidy(field.want); want != "" && field.is != want {
			field.into[field.name] = want
		}
	}
	if to.Unit > 0 && from.Unit != to.Unit {
		maps.Copy(placement, map[string]any{"RackOffset": to.Unit, "RackOffsetUnits": "EIA_310"})
	}
	out := map[string]any{}
	if len(address) > 0 {
		out["PostalAddress"] = address
	}
	if len(placement) > 0 {
		out["Placement"] = placement
	}
	if len(out) == 0 {
		return nil
	}
	return map[string]any{"Location": out}
}
