package sheet

import (
	"slices"
	"strings"

	"rackwright/inventory"
	"rackwright/inventory/plan"
)

// device reports whether the row is gear that is not provisioned.
func (e *entry) device() bool { return e.kind != "" && e.kind != inventory.KindMachine }

// ofDevices are the parts of a row that a device has too.
var ofDevices = []string{"rack", "room", "row", "rack_units", "u", "name", "kind", "height", "face", "side", "model", "vendor", "serial", "asset_tag",
	"tags", "labels", "feed", "lldp", "psus"}

// device adds a device; a cell that only a machine has is bad.
func (b *builder) device(e *entry, r *plan.Rack) {
	for path, title := range e.cells {
		if first := path[:cut(path)]; !slices.Contains(ofDevices, first) {
			b.sheet.fail(e.line, title, "a %s has no such field in a plan: empty the cell", e.kind)
		}
	}
	m := e.m
	d := plan.Device{Name: m.Name, Kind: e.kind, U: m.U, Height: m.Height, Face: m.Face, Side: m.Side, Model: b.model(m.Model), Serial: m.Serial,
		AssetTag: m.AssetTag, Feed: e.feed, LLDP: e.lldp, PSUs: m.PSUs, Labels: m.Labels, Tags: m.Tags}
	if m.Vendor != "" {
		d.Labels = withLabel(d.Labels, "vendor", m.Vendor)
	}
	r.Devices = append(r.Devices, d)
}

func withLabel(labels map[string]string, key, value string) map[string]string {
	if labels == nil {
		labels = map[string]string{}
	}
	labels[key] = value
	return labels
}

// cut is where the first part of a path ends.
func cut(path string) int {
	if i := strings.IndexAny(path, ".["); i >= 0 {
		return i
	}
	return len(path)
}
