package plan

import (
	"slices"
	"strings"

	"rackwright/inventory"
)

func (r *resolver) device(p place, rack *inventory.Rack, in Device) {
	r.name(p.of(".name"), in.Name)
	r.once(p.of(".name"), claim{what: "name", text: in.Name}, "device "+in.Name)
	d := inventory.Device{Name: in.Name, Kind: in.Kind, Model: strings.TrimSpace(in.Model), Serial: strings.TrimSpace(in.Serial),
		AssetTag: strings.TrimSpace(in.AssetTag), Feed: in.Feed, LLDP: in.LLDP, RemoteID: in.RemoteID,
		Slot: &inventory.Slot{Rack: rack.Name, U: in.U, Height: in.Height, Face: in.Face, Side: in.Side}}
	if d.Kind != "" {
		r.oneOf(p.of(".kind"), string(d.Kind), kinds[1:]...)
	}
	r.slotForm(p, in.Height, in.Face, in.Side)
	r.text(p.of(".model"), in.Model)
	r.text(p.of(".serial"), in.Serial)
	r.text(p.of(".asset_tag"), in.AssetTag)
	r.text(p.of(".lldp"), in.LLDP)
	r.text(p.of(".remote_id"), in.RemoteID)
	if d.LLDP == d.Name {
		d.LLDP = ""
	}
	if d.Feed != "" && !slices.ContainsFunc(rack.Feeds, func(f inventory.Feed) bool { return f.Name == d.Feed }) {
		r.fail(p.of(".feed"), "rack %s has no feed %.70q", rack.Name, d.Feed)
	}
	d.Ports = r.ports(p, d.Name, in.Ports)
	d.PSUs = r.psus(p, d.Name, in.PSUs)
	d.Bays = r.bays(p, d.Name, in.Bays)
	d.Labels, d.Tags = r.labels(p, in.Labels, in.Tags)
	r.out.Devices, r.devices = append(r.out.Devices, d), append(r.devices, p)
}

// slotForm checks what a plan says of a slot before its model adds to it.
func (r *resolver) slotForm(p place, height int, face inventory.Face, side inventory.Side) {
	if height < 0 || height > 100 {
		r.fail(p.of(".height"), "%d is not between 1 and 100", height)
	}
	r.oneOf(p.of(".face"), string(face), "", string(inventory.Front), string(inventory.Rear), string(inventory.Both))
	r.oneOf(p.of(".side"), string(side), "", string(inventory.LeftHalf), string(inventory.RightHalf))
}
