// Package netbox makes a plan of what a NetBox holds of one site: racks, devices, ports,
// cables, networks, addresses. It fetches nothing (rest does) and compares with no
// inventory. What a plan cannot hold is said in notes, by kind.
package netbox

import (
	"encoding/json"
	"fmt"

	"rackwright/fault"
)

// Source is what was read of a NetBox.
type Source struct {
	Sites        []Site
	Locations    []Location
	Racks        []Rack
	Reservations []Reservation
	Feeds        []PowerFeed
	Types        []DeviceType
	Devices      []Device
	Bays         []DeviceBay
	Interfaces   []Interface
	PowerPorts   []PowerPort
	Outlets      []PowerOutlet
	Cables       []Cable
	Prefixes     []Prefix
	Addresses    []Address
}

// List is one list of the REST API, and where its objects go.
type List struct {
	Path   string // below /api/
	BySite bool   // can be narrowed with ?site=
	Query  string // what else narrows it, as name=value
	add    func(results []json.RawMessage) error
}

// maxObjects bounds one list.
const maxObjects = 2_000_000

// Lists are the lists to fetch, in order. Sites are the first.
func (s *Source) Lists() []List {
	return []List{
		{Path: "dcim/sites/", add: into(&s.Sites, func(o *Site) int64 { return o.ID })},
		{Path: "dcim/locations/", BySite: true, add: into(&s.Locations, func(o *Location) int64 { return o.ID })},
		{Path: "dcim/racks/", BySite: true, add: into(&s.Racks, func(o *Rack) int64 { return o.ID })},
		{Path: "dcim/rack-reservations/", BySite: true, add: into(&s.Reservations, func(o *Reservation) int64 { return o.ID })},
		{Path: "dcim/power-feeds/", BySite: true, add: into(&s.Feeds, func(o *PowerFeed) int64 { return o.ID })},
		{Path: "dcim/device-types/", add: into(&s.Types, func(o *DeviceType) int64 { return o.ID })},
		{Path: "dcim/devices/", BySite: true, Query: "exclude=config_context", add: into(&s.Devices, func(o *Device) int64 { return o.ID })},
		{Path: "dcim/device-bays/", BySite: true, add: into(&s.Bays, func(o *DeviceBay) int64 { return o.ID })},
		{Path: "dcim/interfaces/", BySite: true, add: into(&s.Interfaces, func(o *Interface) int64 { return o.ID })},
		{Path: "dcim/power-ports/", BySite: true, add: into(&s.PowerPorts, func(o *PowerPort) int64 { return o.ID })},
		{Path: "dcim/power-outlets/", BySite: true, add: into(&s.Outlets, func(o *PowerOutlet) int64 { return o.ID })},
		{Path: "dcim/cables/", BySite: true, add: into(&s.Cables, func(o *Cable) int64 { return o.ID })},
		{Path: "ipam/prefixes/", add: into(&s.Prefixes, func(o *Prefix) int64 { return o.ID })},
		{Path: "ipam/ip-addresses/", Query: "assigned_to_interface=true", add: into(&s.Addresses, func(o *Address) int64 { return o.ID })},
	}
}

// into decodes objects to the end of a list. An object that stands on two pages, because
// the list changed meanwhile, is taken once.
func into[T any](to *[]T, id func(*T) int64) func([]json.RawMessage) error {
	seen := map[int64]bool{}
	return func(results []json.RawMessage) error {
		for _, raw := range results {
			var o T
			if err := json.Unmarshal(raw, &o); err != nil {
				return err
			}
			if n := id(&o); n <= 0 || seen[n] {
				continue
			} else {
				seen[n] = true
			}
			if len(*to) == maxObjects {
				return fmt.Errorf("there are more than %d", maxObjects)
			}
			*to = append(*to, o)
		}
		return nil
	}
}

// Add takes one page of the list in. Next is the address of the next one, "" for none.
func (l List) Add(page []byte) (next string, err error) {
	var p struct {
		Next    *string           `json:"next"`
		Results []json.RawMessage `json:"results"`
	}
	if err = json.Unmarshal(page, &p); err == nil && p.Results == nil {
		err = fmt.Errorf("it has no results")
	}
	if err == nil {
		err = l.add(p.Results)
	}
	if err != nil {
		return "", fault.New(fault.Unreachable, "the answer about %s cannot be read: %w", l.Path, err).WithHint("is a NetBox of version 3 or 4 at that address?")
	}
	return text(p.Next), nil
}
