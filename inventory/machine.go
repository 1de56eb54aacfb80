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
	ID         string            `json:"id" doc:"UUIDv7; never used again"`
	Name       string            `json:"name" doc:"Unique host name label"`
	Phase      Phase             `json:"phase" enum:"planned,racked,discovered,verified,ready,active,maintenance,retired"`
	Slot       *Slot             `json:"slot,omitempty" doc:"Where it sits; absent for a machine nobody planned"`
	Firmware   Firmware          `json:"firmware,omitempty" enum:"bios,uefi" doc:"Planned boot mode"`
	Netboot    Netboot           `json:"netboot,omitempty" enum:"pxe,http" doc:"By which way its UEFI firmware netboots; absent: as its model does"`
	Arch       string            `json:"arch,omitempty" doc:"amd64 or arm64"`
	Vendor     string            `json:"vendor,omitempty"`
	Model      string            `json:"model,omitempty" doc:"Name of a declared model, or free text"`
	Serial     string            `json:"serial,omitempty"`
	UUID       string            `json:"uuid,omitempty" doc:"SMBIOS system UUID in lower case"`
	NICs       []NIC             `json:"nics,omitempty" nullable:"false"`
	Bonds      []Bond            `json:"bonds,omitempty" nullable:"false" doc:"What is said of bonds beyond which NICs are in them"`
	BMC        *BMC              `json:"bmc,omitempty"`
	PSUs       []PSU             `json:"psus,omitempty" nullable:"false" doc:"Power supplies as planned"`
	RootDisk   DiskHint          `json:"root_disk,omitzero" doc:"Which disk a deployment may write"`
	AssetTag   string            `json:"asset_tag,omitempty" doc:"The owner's own label on the machine"`
	Batch      string            `json:"batch,omitempty" doc:"Bought together: machines of one model and batch are compared with each other"`
	Project    string            `json:"project,omitempty" doc:"Whose it is"`
	Labels     map[string]string `json:"labels,omitempty"`
	Tags       []string          `json:"tags,omitempty" nullable:"false"`
	Waivers    []Waiver          `json:"waivers,omitempty" nullable:"false"`
	Hold       *Hold             `json:"hold,omitempty" doc:"Who keeps it in maintenance"`
	Replaces   string            `json:"replaces,omitempty" doc:"Id of the machine whose place it took"`
	Erased     time.Time         `json:"erased_at,omitzero" doc:"When its disks were last proven empty; zero once a deployment wrote"`
	Power      Power             `json:"power" enum:"on,off,unknown"`
	Conditions []Condition       `json:"conditions,omitempty" nullable:"false"`
	Facts      *Facts            `json:"facts,omitempty" doc:"Last observed parts"`
	Image      string            `json:"image,omitempty" doc:"Name of the image that phoned home"`
	Version    int64             `json:"version" doc:"Grows with each change; the entity tag"`
	CreatedAt  time.Time         `json:"created_at"`
	UpdatedAt  time.Time         `json:"updated_at"`
}

// NIC is a network port of a machine and what the plan says of it.
type NIC struct {
	Name      string     `json:"name" doc:"Plan's name of the port, e.g. nic1"`
	MAC       MAC        `json:"mac,omitzero" doc:"Absent until the plan says it or the port was seen"`
	Network   string     `json:"network,omitempty" doc:"Network it is cabled to"`
	Connector Connector  `json:"connector,omitempty" enum:"rj45,sfp,qsfp,osfp"`
	Bond      string     `json:"bond,omitempty" doc:"NICs of one bond have one name here"`
	Cable     *Cable     `json:"cable,omitempty" doc:"To a switch's port"`
	Address   netip.Addr `json:"address,omitzero" doc:"Reserved address"`
	Address6  netip.Addr `json:"address6,omitzero" doc:"Reserved IPv6 address"`
	VLANs     []Tagged   `json:"vlans,omitempty" nullable:"false" doc:"Networks it carries with their VLAN tags"`
	Boot      bool       `json:"boot,omitempty" doc:"The machine netboots from this port"`
}

// BMC is a machine's management controller. Credentials never appear here: they are
// write-only through the plan and stand sealed in the store.
type BMC struct {
	Address           string `json:"address" doc:"URL, https://host[:port]"`
	Username          string `json:"username,omitempty"`
	CertificateSHA256 string `json:"certificate_sha256,omitempty" doc:"Pinned SHA-256 of the certificate, hexadecimal; empty until first contact"`
	MAC               MAC    `json:"mac,omitzero"`

	Claimed time.Time `json:"claimed_at,omitzero" doc:"Since when it is ours: its password is one that only we know"`

	PlannedCertificate string `json:"-"` // what a plan said last, which may be old; see docs/decisions/0023
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
	Type     string    `json:"type" doc:"Stable name, e.g. bmc-unusable"`
	Subject  string    `json:"subject,omitempty" doc:"Which part, e.g. a DIMM slot; one condition per machine, type and subject"`
	Reason   string    `json:"reason" doc:"Stable code"`
	Evidence string    `json:"evidence,omitempty" doc:"What was seen"`
	Hint     string    `json:"hint,omitempty" doc:"What to do"`
	Since    time.Time `json:"since"`
	Waived   Waived    `json:"waived,omitzero" doc:"Somebody let it pass"`
}

// Waived is who let a condition pass and why.
type Waived struct {
	By     string    `json:"by"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
}

// Hold is a maintenance lock: netboot and power wait until it ends.
type Hold struct {
	By     string    `json:"by"`
	Reason string    `json:"reason"`
	Since  time.Time `json:"since"`
	Until  time.Time `json:"until" doc:"When it ends by itself"`
}

// Held reports whether somebody keeps the machine in maintenance.
func (m *Machine) Held(now time.Time) bool { return m.Hold != nil && now.Before(m.Hold.Until) }
