package redfish

import (
	"net/http"
	"slices"
)

// Where the machine stands, as somebody wrote it over what the rack file says (Redfish
// Resource.Location).
var (
	placementTexts = []string{"Row", "Rack", "RackOffsetUnits", "AdditionalInfo"}
	postalTexts    = []string{"Country", "Territory", "City", "Street", "HouseNumber", "Name", "PostalCode", "Building", "Floor", "Room", "Location",
		"Landmark", "AdditionalInfo"}
)

// maxPlaceText bounds one of them, bytes.
const maxPlaceText = 128

func (s *Service) location() body {
	placement := body{"Rack": s.Rack, "RackOffset": s.Machine.U, "RackOffsetUnits": "EIA_310"}
	postal := body{}
	s.memory.look(func(k *kept) {
		for name, value := range k.Placement {
			placement[name] = value
		}
		for name, value := range k.Postal {
			postal[name] = value
		}
	})
	b := body{"Placement": placement}
	if len(postal) > 0 {
		b["PostalAddress"] = postal
	}
	return b
}

// changeLocation takes the properties that were sent and leaves the others. What it returns
// writes them.
func changeLocation(c *changes) (func(*kept), *problem) {
	placement, postal := body{}, body{}
	if o, ok := c.object("Placement"); ok {
		takeTexts(o, placementTexts, placement)
		if n, ok := o.number("RackOffset"); ok {
			placement["RackOffset"] = n
		}
		c.also(o)
	}
	if o, ok := c.object("PostalAddress"); ok {
		takeTexts(o, postalTexts, postal)
		c.also(o)
	}
	if p := c.done(); p != nil {
		return nil, p
	}
	if units, ok := placement["RackOffsetUnits"]; ok && !slices.Contains([]string{"EIA_310", "OpenU"}, units.(string)) {
		return nil, refuse(http.StatusBadRequest, msgNotInList, units, "RackOffsetUnits")
	}
	return func(k *kept) {
		for name, value := range placement {
			k.Placement[name] = value
		}
		for name, value := range postal {
			k.Postal[name] = value
		}
	}, nil
}

func takeTexts(c *changes, names []string, to body) {
	for _, name := range names {
		text, ok := c.text(name)
		if !ok {
			continue
		}
		if len(text) > maxPlaceText && c.bad == nil {
			c.bad = refuse(http.StatusBadRequest, msgFormat, "(text)", name)
		}
		to[name] = text
	}
}
