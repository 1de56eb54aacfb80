package inventory

import (
	"fmt"
	"slices"
	"strings"
)

// The identifiers of a machine, by the names they have everywhere.
const (
	IDBMCMAC  = "bmc-mac"
	IDMAC     = "mac"
	IDUUID    = "uuid"
	IDSerial  = "serial"
	IDCircuit = "circuit" // DHCP option 82, of the switch port the plan cables it to; see IDRemote
	IDLLDP    = "lldp"    // the switch port itself
	IDAsset   = "asset-tag"
)

// Evidence is identifiers seen together in one place: a DHCP packet, an agent's
// check-in, a BMC's answer. Empty fields were not seen.
type Evidence struct {
	Source   string // where it was seen: dhcp, agent, redfish, scan
	Vendor   string
	Serial   string
	UUID     string
	AssetTag string
	MACs     []MAC // of network ports
	BMCs     []MAC // of management controllers
	Circuit  string
	Remote   string // of the switch that wrote Circuit
	LLDP     []Neighbor
	Ports    []SeenPort // where Circuit, Remote and LLDP lead to in the plan; see Locate
}

// SeenPort is a planned switch port that a machine was seen at.
type SeenPort struct {
	Kind string // lldp or circuit
	At   End
	NIC  string // name of the port that heard the switch; "" for a circuit
}

// maxSeen bounds how much of each kind one piece of evidence carries.
const maxSeen = 64

// FromFacts is what observed parts say of identity.
func FromFacts(f *Facts) Evidence {
	e := Evidence{Source: f.Source, Vendor: f.System.Vendor, Serial: f.System.Serial, UUID: f.System.UUID, AssetTag: f.System.AssetTag}
	for _, n := range f.NICs[:min(len(f.NICs), maxSeen)] {
		if !n.MAC.IsZero() {
			e.MACs = append(e.MACs, n.MAC)
		}
	}
	e.BMCs = f.BMCs[:min(len(f.BMCs), maxSeen)]
	e.LLDP = f.LLDP[:min(len(f.LLDP), maxSeen)]
	return e
}

// Locate finds the planned switch ports that the evidence names. same tells whether two
// names are one port's. A switch that is in no plan says nothing.
func (e Evidence) Locate(devices []Device, same func(a, b string) bool) Evidence {
	e.Ports = e.relayed(devices)
	add := func(p SeenPort) {
		if !slices.Contains(e.Ports, p) {
			e.Ports = append(e.Ports, p)
		}
	}
	for i := range devices {
		d := &devices[i]
		for _, p := range d.Ports {
			for _, n := range e.LLDP {
				if strings.EqualFold(n.System, d.System()) && same(n.Port, p.Name) {
					add(SeenPort{Kind: IDLLDP, At: End{d.Name, p.Name}, NIC: n.NIC})
				}
			}
		}
	}
	return e
}

// relayed finds the planned switch ports that option 82 names: those of the circuit at the
// switch whose remote id was told with it; where the plan knows no such switch, at those
// that are planned without one. What several switches call a port names none.
func (e Evidence) relayed(devices []Device) (out []SeenPort) {
	if e.Circuit == "" {
		return nil
	}
	remote := ""
	if slices.ContainsFunc(devices, func(d Device) bool { return strings.EqualFold(d.RemoteID, e.Remote) }) {
		remote = e.Remote
	}
	for i := range devices {
		d := &devices[i]
		if !strings.EqualFold(d.RemoteID, remote) {
			continue
		}
		for _, p := range d.Ports {
			if strings.EqualFold(strings.ReplaceAll(p.Circuit, "{port}", p.Name), e.Circuit) {
				out = append(out, SeenPort{Kind: IDCircuit, At: End{d.Name, p.Name}})
			}
		}
	}
	if len(out) > 0 && out[0].At.Owner != out[len(out)-1].At.Owner {
		return nil
	}
	return out
}

// Verdict is how one identifier of the plan compares with what was seen.
type Verdict struct {
	Kind   string
	Agrees bool
	Text   string // what agrees, or both values
}

// Compare sets evidence beside what the plan says of a machine: a verdict for each
// identifier that both have. A junk serial or UUID is none. MACs disagree only when the
// plan names some and none was seen. A switch port says where, not what: once two
// identifiers of the hardware agree, a port that is not the planned one is a matter of
// cabling and no disagreement.
func (e Evidence) Compare(m *Machine) []Verdict {
	out := append(e.hardware(m), e.addresses(m)...)
	agree, against := 0, 0
	for _, v := range out {
		if v.Agrees {
			agree++
		} else {
			against++
		}
	}
	for _, v := range e.ports(m) {
		if v.Agrees || agree < 2 || against > 0 {
			out = append(out, v)
		}
	}
	return out
}

// Identified lists by which identifiers the plan tells a machine from others, as Compare
// compares them: several MACs of network ports count as one, and so do several switch ports.
func (m *Machine) Identified() (by []string) {
	add := func(kind string, is bool) {
		if is {
			by = append(by, kind)
		}
	}
	add(IDSerial, !JunkSerial(m.Serial))
	add(IDUUID, !JunkUUID(m.UUID))
	add(IDAsset, !JunkSerial(m.AssetTag))
	add(IDMAC, slices.ContainsFunc(m.NICs, func(n NIC) bool { return !n.MAC.IsZero() }))
	add(IDBMCMAC, m.BMC != nil && !m.BMC.MAC.IsZero())
	add("switch port", slices.ContainsFunc(m.NICs, func(n NIC) bool { return n.Cable != nil }))
	return by
}

// hardware compares serial, UUID and asset tag.
func (e Evidence) hardware(m *Machine) (out []Verdict) {
	compare := func(kind, planned, seen string, junk func(string) bool) {
		planned, seen = strings.TrimSpace(planned), strings.TrimSpace(seen)
		switch {
		case junk(planned) || junk(seen):
		case strings.EqualFold(planned, seen):
			out = append(out, Verdict{kind, true, kind})
		default:
			out = append(out, Verdict{kind, false, fmt.Sprintf("%s: plan has %s, %s saw %s", kind, planned, e.Source, seen)})
		}
	}
	compare(IDSerial, m.Serial, e.Serial, JunkSerial)
	compare(IDUUID, m.UUID, e.UUID, JunkUUID)
	if strings.EqualFold(strings.TrimSpace(m.AssetTag), strings.TrimSpace(e.AssetTag)) { // firmware seldom has it right: another tag says nothing
		compare(IDAsset, m.AssetTag, e.AssetTag, JunkSerial)
	}
	return out
}

// addresses compares MACs. A NIC whose MAC the plan does not say may be the one that was
// seen alone.
func (e Evidence) addresses(m *Machine) (out []Verdict) {
	all := true
	var planned MAC
	agreed := false
	for i := range m.NICs {
		switch mac := m.NICs[i].MAC; {
		case mac.IsZero():
			all = false
		case slices.Contains(e.MACs, mac) && !agreed:
			agreed = true
			out = append(out, Verdict{IDMAC, true, IDMAC + " " + mac.String()})
		case planned.IsZero():
			planned = mac
		}
	}
	if m.BMC != nil && !m.BMC.MAC.IsZero() {
		switch bmc := m.BMC.MAC; {
		case slices.Contains(e.BMCs, bmc) || slices.Contains(e.MACs, bmc):
			return append(out, Verdict{IDBMCMAC, true, IDBMCMAC + " " + bmc.String()})
		case len(e.BMCs) > 0:
			out = append(out, Verdict{IDBMCMAC, false, fmt.Sprintf("%s: plan has %s, %s saw %s", IDBMCMAC, bmc, e.Source, e.BMCs[0])})
		}
	}
	if !agreed && !planned.IsZero() && (all && len(e.MACs) > 0 || len(e.MACs) > 1) {
		out = append(out, Verdict{IDMAC, false, fmt.Sprintf("%s: plan has %s, %s saw %s", IDMAC, planned, e.Source, e.MACs[0])})
	}
	return out
}

// ports compares switch ports, each kind for itself.
func (e Evidence) ports(m *Machine) (out []Verdict) {
	for _, kind := range []string{IDLLDP, IDCircuit} {
		var planned, seen End
		var at *End
		for _, p := range e.Ports {
			if p.Kind != kind {
				continue
			}
			seen = p.At
			for i := range m.NICs {
				if c := m.NICs[i].Cable; c != nil {
					planned = c.To
					if c.To == p.At {
						at = &c.To
					}
				}
			}
		}
		switch {
		case seen == End{} || planned == End{}:
		case at != nil:
			out = append(out, Verdict{kind, true, kind + " " + at.String()})
		default:
			out = append(out, Verdict{kind, false, fmt.Sprintf("%s: plan has %s, %s saw %s", kind, planned, e.Source, seen)})
		}
	}
	return out
}

// Match is Compare in words: what agrees, and a sentence for each that disagrees.
func (e Evidence) Match(m *Machine) (agree, disagree []string) {
	for _, v := range e.Compare(m) {
		if v.Agrees {
			agree = append(agree, v.Text)
		} else {
			disagree = append(disagree, v.Text)
		}
	}
	return agree, disagree
}

// SerialKey is what makes a serial number one machine's own: vendor/serial in lower case,
// "" when the serial is junk.
func (m *Machine) SerialKey() string {
	if JunkSerial(m.Serial) {
		return ""
	}
	return strings.ToLower(strings.TrimSpace(m.Vendor) + "/" + strings.TrimSpace(m.Serial))
}
