// Package plan is what people intend, in their words: its form checked, compared with what
// is there, warned about, and written out again from an inventory. It applies nothing.
package plan

import "rackwright/inventory"

// Plan is what people intend: networks, racks and what stands in them. It is written as
// YAML or JSON and applied whole or not at all. What a plan does not name it leaves
// alone, unless it is applied with prune.
type Plan struct {
	Site     string    `json:"site" yaml:"site" doc:"Site the racks stand in"`
	Projects []Project `json:"projects,omitempty" yaml:"projects,omitempty" nullable:"false"`
	Models   []Model   `json:"models,omitempty" yaml:"models,omitempty" nullable:"false"`
	Networks []Network `json:"networks,omitempty" yaml:"networks,omitempty" nullable:"false"`
	Racks    []Rack    `json:"racks,omitempty" yaml:"racks,omitempty" nullable:"false"`
	Prune    bool      `json:"prune,omitempty" yaml:"-" doc:"Also remove from the named racks what the plan does not name"`
}

// Project is a tenant or team that owns machines.
type Project struct {
	Name   string            `json:"name" yaml:"name"`
	Labels map[string]string `json:"labels,omitempty" yaml:"labels,omitempty"`
}

// Model is a kind of gear; see inventory.Build for the meaning and unit of each field.
type Model struct {
	Name            string `json:"name" yaml:"name" doc:"What machines and devices call it, e.g. dell-r660"`
	inventory.Build `yaml:",inline"`
	BMC             *FactoryLogin `json:"bmc,omitempty" yaml:"bmc,omitempty" doc:"What BMCs of this model leave the factory with"`
}

// FactoryLogin is the account that every new BMC of a model has. It goes in and never
// comes out; in a file, write password_file.
type FactoryLogin struct {
	Username string `json:"username" yaml:"username"`
	Password string `json:"password,omitempty" yaml:"password,omitempty" writeOnly:"true"`
}

// Network is a subnet; see inventory.Network for the meaning and unit of each field.
type Network struct {
	Name          string                   `json:"name" yaml:"name"`
	CIDR          string                   `json:"cidr" yaml:"cidr" doc:"e.g. 10.0.0.0/24"`
	VLAN          int                      `json:"vlan,omitempty" yaml:"vlan,omitempty" doc:"IEEE 802.1Q id, 1 to 4094"`
	RoutingDomain string                   `json:"routing_domain,omitempty" yaml:"routing_domain,omitempty" doc:"Networks of one domain may not overlap; default: one domain for all"`
	Gateway       string                   `json:"gateway,omitempty" yaml:"gateway,omitempty"`
	CIDR6         string                   `json:"cidr6,omitempty" yaml:"cidr6,omitempty" doc:"IPv6 subnet beside the IPv4 one, e.g. 2001:db8:0:20::/64"`
	Gateway6      string                   `json:"gateway6,omitempty" yaml:"gateway6,omitempty" doc:"IPv6 router; may be link-local. Default: the one that announces itself"`
	DNS           []string                 `json:"dns,omitempty" yaml:"dns,omitempty" nullable:"false"`
	NTP           []string                 `json:"ntp,omitempty" yaml:"ntp,omitempty" nullable:"false"`
	Domain        string                   `json:"domain,omitempty" yaml:"domain,omitempty"`
	MTU           int                      `json:"mtu,omitempty" yaml:"mtu,omitempty"`
	Purpose       string                   `json:"purpose,omitempty" yaml:"purpose,omitempty" doc:"provision (default), oob or production"`
	DHCP          inventory.DHCPMode       `json:"dhcp,omitempty" yaml:"dhcp,omitempty" doc:"off (default), reservations, authoritative or proxy"`
	Strangers     inventory.StrangerPolicy `json:"strangers,omitempty" yaml:"strangers,omitempty" doc:"ignore (default), discover or hold"`
	Pool          *Pool                    `json:"pool,omitempty" yaml:"pool,omitempty" doc:"Addresses lent to strangers"`
	LeaseSeconds  int                      `json:"lease_seconds,omitempty" yaml:"lease_seconds,omitempty" doc:"Default 3600"`
	RouterAdverts bool                     `json:"router_adverts,omitempty" yaml:"router_adverts,omitempty" doc:"Send router advertisements: of cidr6 where there is one, else empty ones"`
	DHCP6         inventory.DHCP6Mode      `json:"dhcp6,omitempty" yaml:"dhcp6,omitempty" doc:"off (default), stateless or reservations"`
	SLAAC         bool                     `json:"slaac,omitempty" yaml:"slaac,omitempty" doc:"Machines make addresses of cidr6 by themselves; needs router_adverts and a /64"`
	Options       []inventory.Option       `json:"options,omitempty" yaml:"options,omitempty" nullable:"false" doc:"DHCP options beyond those of the fields above"`
}

// Pool is a range of addresses, both ends included.
type Pool struct {
	First string `json:"first" yaml:"first"`
	Last  string `json:"last" yaml:"last"`
}

// Rack is a cabinet and what stands in it; see inventory.Rack for the meaning and unit of
// each field.
type Rack struct {
	Name          string                  `json:"name" yaml:"name"`
	Room          string                  `json:"room,omitempty" yaml:"room,omitempty"`
	Row           string                  `json:"row,omitempty" yaml:"row,omitempty"`
	Units         int                     `json:"units,omitempty" yaml:"units,omitempty" doc:"Default 42"`
	Numbering     inventory.Numbering     `json:"numbering,omitempty" yaml:"numbering,omitempty" doc:"up (default): unit 1 is at the bottom; or down"`
	DepthMM       int                     `json:"depth_mm,omitempty" yaml:"depth_mm,omitempty"`
	WeightLimitKG float64                 `json:"weight_limit_kg,omitempty" yaml:"weight_limit_kg,omitempty"`
	Feeds         []inventory.Feed        `json:"feeds,omitempty" yaml:"feeds,omitempty" nullable:"false"`
	Reserved      []inventory.Reservation `json:"reserved,omitempty" yaml:"reserved,omitempty" nullable:"false"`
	Labels        map[string]string       `json:"labels,omitempty" yaml:"labels,omitempty"`
	Tags          []string                `json:"tags,omitempty" yaml:"tags,omitempty" nullable:"false"`
	Waive         []inventory.Waiver      `json:"waive,omitempty" yaml:"waive,omitempty" nullable:"false"`
	Devices       []Device                `json:"devices,omitempty" yaml:"devices,omitempty" nullable:"false" doc:"Switches, PDUs, chassis, panels"`
	Machines      []Machine               `json:"machines,omitempty" yaml:"machines,omitempty" nullable:"false"`
}

// Device is gear that is not provisioned. What its model says of height, width,
// ports, power supplies and bays it need not repeat.
type Device struct {
	Name     string            `json:"name" yaml:"name" doc:"Unique among devices and machines"`
	Kind     inventory.Kind    `json:"kind,omitempty" yaml:"kind,omitempty" doc:"switch, pdu, chassis, panel or other; default: its model's"`
	U        int               `json:"u,omitempty" yaml:"u,omitempty" doc:"Lowest unit; 0 (default) is beside the units"`
	Height   int               `json:"height,omitempty" yaml:"height,omitempty" doc:"Units; default: its model's, else 1"`
	Face     inventory.Face    `json:"face,omitempty" yaml:"face,omitempty" doc:"front, rear or both; default: both for a model of full depth, else front"`
	Side     inventory.Side    `json:"side,omitempty" yaml:"side,omitempty" doc:"left or right, of half width"`
	Model    string            `json:"model,omitempty" yaml:"model,omitempty"`
	Serial   string            `json:"serial,omitempty" yaml:"serial,omitempty"`
	AssetTag string            `json:"asset_tag,omitempty" yaml:"asset_tag,omitempty"`
	Feed     string            `json:"feed,omitempty" yaml:"feed,omitempty" doc:"Of a PDU: the rack's feed it hangs on"`
	LLDP     string            `json:"lldp,omitempty" yaml:"lldp,omitempty" doc:"Of a switch: the system name it announces; default: its name"`
	RemoteID string            `json:"remote_id,omitempty" yaml:"remote_id,omitempty" doc:"Of a switch: what DHCP relays write for it (option 82 remote id), as text or 0x and hexadecimal; default: anything"`
	Ports    []inventory.Port  `json:"ports,omitempty" yaml:"ports,omitempty" nullable:"false" doc:"Added to those of its model, or in place of the one of that name"`
	PSUs     []inventory.PSU   `json:"psus,omitempty" yaml:"psus,omitempty" nullable:"false" doc:"In place of its model's of that name; says where they are plugged in"`
	Bays     []string          `json:"bays,omitempty" yaml:"bays,omitempty" nullable:"false"`
	Labels   map[string]string `json:"labels,omitempty" yaml:"labels,omitempty"`
	Tags     []string          `json:"tags,omitempty" yaml:"tags,omitempty" nullable:"false"`
}

// Machine is one machine in its slot, or in a bay of a chassis.
type Machine struct {
	Name     string             `json:"name" yaml:"name" doc:"Host name label, unique"`
	U        int                `json:"u,omitempty" yaml:"u,omitempty" doc:"Lowest unit; not for a node of a chassis"`
	Height   int                `json:"height,omitempty" yaml:"height,omitempty" doc:"Units; default: its model's, else 1"`
	Face     inventory.Face     `json:"face,omitempty" yaml:"face,omitempty" doc:"front, rear or both; default: both for a model of full depth, else front"`
	Side     inventory.Side     `json:"side,omitempty" yaml:"side,omitempty" doc:"left or right, of half width"`
	Chassis  string             `json:"chassis,omitempty" yaml:"chassis,omitempty" doc:"Device the machine is a node of"`
	Bay      string             `json:"bay,omitempty" yaml:"bay,omitempty" doc:"Bay of the chassis"`
	Firmware inventory.Firmware `json:"firmware,omitempty" yaml:"firmware,omitempty" doc:"uefi (default) or bios"`
	Netboot  inventory.Netboot  `json:"netboot,omitempty" yaml:"netboot,omitempty" doc:"By which way its UEFI firmware netboots: pxe or http; default: its model's"`
	Arch     string             `json:"arch,omitempty" yaml:"arch,omitempty" doc:"amd64 (default) or arm64"`
	Vendor   string             `json:"vendor,omitempty" yaml:"vendor,omitempty" doc:"Default: its model's"`
	Model    string             `json:"model,omitempty" yaml:"model,omitempty" doc:"Name of a model; of one that is not declared nothing is checked"`
	Serial   string             `json:"serial,omitempty" yaml:"serial,omitempty"`
	UUID     string             `json:"uuid,omitempty" yaml:"uuid,omitempty"`
	AssetTag string             `json:"asset_tag,omitempty" yaml:"asset_tag,omitempty"`
	Batch    string             `json:"batch,omitempty" yaml:"batch,omitempty" doc:"Bought together; compared with each other"`
	Project  string             `json:"project,omitempty" yaml:"project,omitempty"`
	Labels   map[string]string  `json:"labels,omitempty" yaml:"labels,omitempty"`
	Tags     []string           `json:"tags,omitempty" yaml:"tags,omitempty" nullable:"false"`
	Waive    []inventory.Waiver `json:"waive,omitempty" yaml:"waive,omitempty" nullable:"false"`
	NICs     []NIC              `json:"nics,omitempty" yaml:"nics,omitempty" nullable:"false"`
	Bonds    []Bond             `json:"bonds,omitempty" yaml:"bonds,omitempty" nullable:"false" doc:"How bonds work, beyond which nics are in them"`
	PSUs     []inventory.PSU    `json:"psus,omitempty" yaml:"psus,omitempty" nullable:"false" doc:"In place of its model's of that name; says where they are plugged in"`
	BMC      *BMC               `json:"bmc,omitempty" yaml:"bmc,omitempty"`
	RootDisk *Disk              `json:"root_disk,omitempty" yaml:"root_disk,omitempty"`
}

// NIC is a network port.
type NIC struct {
	Name      string              `json:"name,omitempty" yaml:"name,omitempty" doc:"Default nic1, nic2, ..."`
	MAC       string              `json:"mac,omitempty" yaml:"mac,omitempty" doc:"Default: learned when the machine is seen"`
	Connector inventory.Connector `json:"connector,omitempty" yaml:"connector,omitempty" doc:"rj45, sfp, qsfp or osfp"`
	Network   string              `json:"network,omitempty" yaml:"network,omitempty"`
	Address   string              `json:"address,omitempty" yaml:"address,omitempty"`
	Address6  string              `json:"address6,omitempty" yaml:"address6,omitempty" doc:"IPv6 address beside the IPv4 one"`
	VLANs     []Tagged            `json:"vlans,omitempty" yaml:"vlans,omitempty" nullable:"false" doc:"Networks it carries with their VLAN tags, beside network; not for a nic of a bond"`
	Bond      string              `json:"bond,omitempty" yaml:"bond,omitempty" doc:"NICs of one bond have one name here"`
	Boot      bool                `json:"boot,omitempty" yaml:"boot,omitempty"`
	Cable     *inventory.Cable    `json:"cable,omitempty" yaml:"cable,omitempty" doc:"To a switch's port"`
}

// Tagged is a network carried with its VLAN tag. The VLAN id is the network's.
type Tagged struct {
	Network  string `json:"network" yaml:"network"`
	Address  string `json:"address,omitempty" yaml:"address,omitempty"`
	Address6 string `json:"address6,omitempty" yaml:"address6,omitempty"`
}

// Bond is how several nics work as one; see inventory.Bond. A bond that is not listed is
// active-backup, with the network and addresses of its nics.
type Bond struct {
	Name     string             `json:"name" yaml:"name" doc:"As its nics call it under bond"`
	Mode     inventory.BondMode `json:"mode,omitempty" yaml:"mode,omitempty" doc:"active-backup (default), 802.3ad (LACP), balance-xor, balance-rr, balance-tlb or balance-alb"`
	LACPRate string             `json:"lacp_rate,omitempty" yaml:"lacp_rate,omitempty" doc:"slow or fast; of 802.3ad"`
	Hash     string             `json:"hash,omitempty" yaml:"hash,omitempty" doc:"layer2, layer2+3, layer3+4, encap2+3 or encap3+4; of 802.3ad, balance-xor and balance-tlb"`
	MIIMon   int                `json:"miimon_ms,omitempty" yaml:"miimon_ms,omitempty" doc:"How often links are looked at; default 100"`
	MTU      int                `json:"mtu,omitempty" yaml:"mtu,omitempty" doc:"Default: its network's"`
	Primary  string             `json:"primary,omitempty" yaml:"primary,omitempty" doc:"nic that works while it can; of active-backup, balance-tlb and balance-alb"`
	Network  string             `json:"network,omitempty" yaml:"network,omitempty" doc:"Carried without a tag; default: that of its nics"`
	Address  string             `json:"address,omitempty" yaml:"address,omitempty" doc:"Unless one of its nics has it, as the one that netboots must"`
	Address6 string             `json:"address6,omitempty" yaml:"address6,omitempty"`
	VLANs    []Tagged           `json:"vlans,omitempty" yaml:"vlans,omitempty" nullable:"false" doc:"Networks it carries with their VLAN tags"`
}

// BMC is how to reach the management controller. Password goes in and never
// comes out; in a file, write password_file, which the command reads and sends.
type BMC struct {
	Address           string `json:"address" yaml:"address" doc:"https://host[:port], with /redfish/v1/Systems/ID where one BMC serves several; ipmi://host[:port] without Redfish"`
	Username          string `json:"username,omitempty" yaml:"username,omitempty"`
	Password          string `json:"password,omitempty" yaml:"password,omitempty" writeOnly:"true"`
	CertificateSHA256 string `json:"certificate_sha256,omitempty" yaml:"certificate_sha256,omitempty"`
	MAC               string `json:"mac,omitempty" yaml:"mac,omitempty"`
}

// Disk is an inventory.DiskHint with sizes a person can write.
type Disk struct {
	Serial     string             `json:"serial,omitempty" yaml:"serial,omitempty"`
	WWN        string             `json:"wwn,omitempty" yaml:"wwn,omitempty"`
	BusPath    string             `json:"bus_path,omitempty" yaml:"bus_path,omitempty" doc:"As 'rackwright machine show' has it, e.g. pci-0000:00:1f.2-ata-1"`
	Model      string             `json:"model,omitempty" yaml:"model,omitempty"`
	Type       string             `json:"type,omitempty" yaml:"type,omitempty"`
	Rotational string             `json:"rotational,omitempty" yaml:"rotational,omitempty" doc:"yes or no"`
	MinBytes   int64              `json:"min_bytes,omitempty" yaml:"min_bytes,omitempty"`
	MaxBytes   int64              `json:"max_bytes,omitempty" yaml:"max_bytes,omitempty"`
	Pick       inventory.DiskPick `json:"pick,omitempty" yaml:"pick,omitempty" doc:"Which of several that match: only (default), smallest, largest or first, by bus path and serial number"`
}
