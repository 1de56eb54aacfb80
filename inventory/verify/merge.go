package verify

import (
	"maps"
	"slices"
	"strings"

	"rackwright/inventory"
)

// Merge makes one view of what the sources saw. Of each kind of component, and of each
// word about the system, the newest source that has it wins, and the whole list is its;
// network ports are as Ports says. The view's source and time are the newest's. It is
// nil when nothing was seen.
func Merge(seen []inventory.Facts) *inventory.Facts {
	if len(seen) == 0 {
		return nil
	}
	seen = newestFirst(seen)
	out := inventory.Facts{Source: seen[0].Source, Observed: seen[0].Observed, NICs: Ports(seen)}
	for i := range seen {
		f := &seen[i]
		first(&out.Firmware, f.Firmware)
		first(&out.System.Vendor, f.System.Vendor)
		first(&out.System.Product, f.System.Product)
		first(&out.System.Serial, f.System.Serial)
		first(&out.System.UUID, f.System.UUID)
		first(&out.System.BIOSVersion, f.System.BIOSVersion)
		first(&out.System.AssetTag, f.System.AssetTag)
		first(&out.MemoryMiB, f.MemoryMiB)
		firstOf(&out.CPUs, f.CPUs)
		firstOf(&out.DIMMs, f.DIMMs)
		firstOf(&out.Disks, f.Disks)
		firstOf(&out.BMCs, f.BMCs)
		firstOf(&out.LLDP, f.LLDP)
		firstOf(&out.PSUs, f.PSUs)
		firstOf(&out.Versions, f.Versions)
		firstOf(&out.Unbound, f.Unbound)
		if out.BIOS == nil {
			out.BIOS = maps.Clone(f.BIOS)
		}
	}
	return &out
}

func first[T comparable](to *T, v T) {
	var zero T
	if *to == zero {
		*to = v
	}
}

func firstOf[T any](to *[]T, v []T) {
	if len(*to) == 0 {
		*to = v
	}
}

// Ports are a machine's network ports. Those the agent saw are as it saw them, because
// what it heard by LLDP names them so and it sees every port; a source that looked later
// adds those whose MAC the agent does not know. Without an agent, the newest source's.
func Ports(seen []inventory.Facts) []inventory.SeenNIC {
	seen = newestFirst(seen)
	var out []inventory.SeenNIC
	known := map[inventory.MAC]bool{}
	agent := slices.IndexFunc(seen, func(f inventory.Facts) bool { return f.Source == "agent" && len(f.NICs) > 0 })
	if agent >= 0 {
		out = slices.Clone(seen[agent].NICs)
		for _, n := range out {
			known[n.MAC] = true
		}
		seen = seen[:agent]
	}
	for _, f := range seen {
		for _, n := range f.NICs {
			if !known[n.MAC] && !n.MAC.IsZero() || agent < 0 {
				out = append(out, n)
				known[n.MAC] = true
			}
		}
		if agent < 0 && len(out) > 0 {
			break
		}
	}
	return out
}

// maxParts bounds how many parts of a machine are kept in its history.
const maxParts = 512

// Parts lists the components of facts for the history: one for each kind and location. A
// disk without a bay stands at its serial number, a NIC at its MAC. Junk serial numbers
// are left out.
func Parts(f *inventory.Facts) []inventory.Part {
	var out []inventory.Part
	seen := map[string]bool{}
	add := func(kind, location, serial, model string) {
		if inventory.JunkSerial(serial) {
			serial = ""
		}
		if location == "" || seen[kind+" "+location] || len(out) == maxParts {
			return
		}
		seen[kind+" "+location] = true
		out = append(out, inventory.Part{Source: f.Source, Kind: kind, Location: location, Serial: cut(strings.TrimSpace(serial)), Model: cut(strings.TrimSpace(model))})
	}
	if s := f.System; s.Serial+s.Product != "" {
		add("board", "system", s.Serial, strings.TrimSpace(s.Vendor+" "+s.Product))
	}
	for _, p := range f.CPUs {
		add("cpu", Location(p.Socket), "", p.Model)
	}
	for _, d := range f.DIMMs {
		add("dimm", Location(d.Slot), d.Serial, strings.TrimSpace(d.Vendor+" "+d.Part))
	}
	for _, d := range f.Disks {
		where := Location(d.Bay)
		if where == "" {
			where = strings.ToLower(cut(strings.TrimSpace(d.Serial + " " + d.WWN)))
		}
		add("disk", where, d.Serial, d.Model)
	}
	for _, n := range f.NICs {
		if !n.MAC.IsZero() {
			add("nic", n.MAC.String(), n.MAC.String(), n.Driver)
		}
	}
	for _, p := range f.PSUs {
		add("psu", Location(p.Name), p.Serial, p.Model)
	}
	return out
}
