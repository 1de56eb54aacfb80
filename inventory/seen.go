package inventory

import (
	"slices"
	"strings"
	"time"
)

// IDRemote is what a DHCP relay says of itself (option 82 remote id). It tells whose the
// circuit is, and is no identifier of its own.
const IDRemote = "remote"

// Identifier is one thing that a machine was seen by, and when.
type Identifier struct {
	Kind   string    `json:"kind" enum:"bmc-mac,mac,uuid,serial,circuit,remote,lldp,asset-tag" doc:"circuit and remote are what a DHCP relay writes (option 82)"`
	Value  string    `json:"value"`
	Source string    `json:"source" doc:"dhcp, http, agent, redfish or scan"`
	First  time.Time `json:"first_at"`
	Last   time.Time `json:"last_at"`
}

// MaxValue bounds a seen value, bytes.
const MaxValue = 256

// Identifiers lists what the evidence has seen, junk left out.
func (e Evidence) Identifiers() (out []Identifier) {
	add := func(kind, value string) {
		value = strings.TrimSpace(value)
		if value == "" || len(value) > MaxValue || len(out) >= 2*maxSeen {
			return
		}
		if !slices.ContainsFunc(out, func(i Identifier) bool { return i.Kind == kind && i.Value == value }) {
			out = append(out, Identifier{Kind: kind, Value: value, Source: e.Source})
		}
	}
	if !JunkSerial(e.Serial) {
		add(IDSerial, e.Serial)
	}
	if !JunkUUID(e.UUID) {
		add(IDUUID, strings.ToLower(e.UUID))
	}
	if !JunkSerial(e.AssetTag) {
		add(IDAsset, e.AssetTag)
	}
	for _, mac := range e.BMCs {
		add(IDBMCMAC, mac.String())
	}
	for _, mac := range e.MACs {
		add(IDMAC, mac.String())
	}
	add(IDCircuit, e.Circuit)
	add(IDRemote, e.Remote)
	for _, n := range e.LLDP {
		if n.System != "" && n.Port != "" {
			add(IDLLDP, n.System+":"+n.Port)
		}
	}
	return out
}

// Gather puts identifiers that were seen at different times together. Of serial, UUID and
// circuit, of which a machine has one, the newest counts.
func Gather(seen []Identifier) (e Evidence) {
	seen = slices.Clone(seen)
	slices.SortStableFunc(seen, func(a, b Identifier) int { return a.Last.Compare(b.Last) })
	for _, i := range seen {
		switch i.Kind {
		case IDSerial:
			e.Serial = i.Value
		case IDUUID:
			e.UUID = i.Value
		case IDAsset:
			e.AssetTag = i.Value
		case IDCircuit:
			e.Circuit = i.Value
		case IDRemote:
			e.Remote = i.Value
		case IDMAC, IDBMCMAC:
			mac, err := ParseMAC(i.Value)
			if err != nil {
				continue
			}
			if i.Kind == IDMAC {
				e.MACs = append(e.MACs, mac)
			} else {
				e.BMCs = append(e.BMCs, mac)
			}
		case IDLLDP:
			system, port, _ := strings.Cut(i.Value, ":")
			e.LLDP = append(e.LLDP, Neighbor{System: system, Port: port})
		}
		e.Source = i.Source
	}
	return e
}
