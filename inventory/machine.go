// Package inventory holds the nouns of the datacenter and their rules: sites, racks,
// slots, machines, networks. It stores nothing and talks to nothing.
package inventory

import (
	"net/netip"
	"time"
)

// Firmware is how a machine boots.
type Firmware string

// The boot modes.
const (
	BIOS Firmware = "bios"
	UEFI Firmware = "uefi"
)

// Power is a machine's power state as last read back from its BMC.
type Power string

// The power states.
const (
	PowerOn      Power = "on"
	PowerOff     Power = "off"
	PowerUnknown Power = "unknown"
)

// Machine is one piece of hardware; it sits in at most one slot.
type Machine struct {
	ID         string      `json:"id" doc:"UUIDv7; never used again"`
	Name       string      `json:"name" doc:"Unique host name label"`
	Phase      Phase       `json:"phase" enum:"planned,racked,discovered,verified,ready,active,maintenance,retired"`
	Slot       *Slot       `json:"slot,omitempty" doc:"Where it sits; absent for a machine nobody planned"`
	Firmware   Firmware    `json:"firmware,omitempty" enum:"bios,uefi" doc:"Planned boot mode"`
	Arch       string      `json:"arch,omitempty" doc:"amd64 or arm64"`
	Vendor     string      `json:"vendor,omitempty"`
	Model      string      `json:"model,omitempty"`
	Serial     string      `json:"serial,omitempty"`
	UUID       string      `json:"uuid,omitempty" doc:"SMBIOS system UUID in lower case"`
	NICs       []NIC       `json:"nics,omitempty" nullable:"false"`
	BMC        *BMC        `json:"bmc,omitempty"`
	RootDisk   DiskHint    `json:"root_disk,omitzero" doc:"Which disk a deployment may write"`
	Power      Power       `json:"power" enum:"on,off,unknown"`
	Conditions []Condition `json:"conditions,omitempty" nullable:"false"`
	Facts      *Facts      `json:"facts,omitempty" doc:"Last observed parts"`
	Image      string      `json:"image,omitempty" doc:"Name of the image that phoned home"`
	Version    int64       `json:"version" doc:"Grows with each change; the entity tag"`
	CreatedAt  time.Time   `json:"created_at"`
	UpdatedAt  time.Time   `json:"updated_at"`
}

// NIC is a network port of a machine and what the plan says of it.
type NIC struct {
	Name    string     `json:"name" doc:"Plan's name of the port, e.g. nic1"`
	MAC     MAC        `json:"mac"`
	Network string     `json:"network,omitempty" doc:"Network it is cabled to"`
	Address netip.Addr `json:"address,omitzero" doc:"Reserved address"`
	Boot    bool       `json:"boot,omitempty" doc:"The machine netboots from this port"`
}

// BMC is a machine's management controller. Credentials never appear here: they are
// write-only through the plan and stand sealed in the store.
type BMC struct {
	Address           string `json:"address" doc:"URL, https://host[:port]"`
	Username          string `json:"username,omitempty"`
	CertificateSHA256 string `json:"certificate_sha256,omitempty" doc:"Pinned SHA-256 of the certificate, hexadecimal; empty until first contact"`
	MAC               MAC    `json:"mac,omitzero"`
}

// Slot is a place: rack, lowest unit, height and face.
type Slot struct {
	Rack   string `json:"rack"`
	U      int    `json:"u" doc:"Lowest unit, 1 at the bottom"`
	Height int    `json:"height" doc:"Units it takes"`
	Face   string `json:"face" enum:"front,rear"`
}

// Cells lists the units the slot takes.
func (s Slot) Cells() []int {
	cells := make([]int, 0, s.Height)
	for u := s.U; u < s.U+s.Height; u++ {
		cells = append(cells, u)
	}
	return cells
}

// BootNIC returns the port the machine netboots from: the one marked Boot, else the
// first with an address, else the first; nil when there is none.
func (m *Machine) BootNIC() *NIC {
	var pick *NIC
	for i := range m.NICs {
		n := &m.NICs[i]
		if n.Boot {
			return n
		}
		if pick == nil || (!pick.Address.IsValid() && n.Address.IsValid()) {
			pick = n
		}
	}
	return pick
}

// Condition is something about a machine that a person may have to act on.
type Condition struct {
	Type     string    `json:"type" doc:"Stable name, e.g. bmc-unreachable; one per machine"`
	Reason   string    `json:"reason" doc:"Stable code"`
	Evidence string    `json:"evidence,omitempty" doc:"What was seen"`
	Hint     string    `json:"hint,omitempty" doc:"What to do"`
	Since    time.Time `json:"since"`
}
