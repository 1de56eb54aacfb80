package schema

import (
	"reflect"
	"strconv"

	"rackwright/inventory"
)

// enums are the values of the types that have few.
var enums = map[reflect.Type][]any{
	reflect.TypeFor[inventory.Numbering]():      {inventory.NumberedUp, inventory.NumberedDown},
	reflect.TypeFor[inventory.Kind]():           {inventory.KindMachine, inventory.KindSwitch, inventory.KindPDU, inventory.KindChassis, inventory.KindPanel, inventory.KindOther},
	reflect.TypeFor[inventory.Face]():           {inventory.Front, inventory.Rear, inventory.Both},
	reflect.TypeFor[inventory.Side]():           {inventory.LeftHalf, inventory.RightHalf},
	reflect.TypeFor[inventory.Firmware]():       {inventory.UEFI, inventory.BIOS},
	reflect.TypeFor[inventory.Netboot]():        {inventory.NetbootPXE, inventory.NetbootHTTP},
	reflect.TypeFor[inventory.DHCPMode]():       {inventory.DHCPOff, inventory.DHCPReservations, inventory.DHCPAuthoritative, inventory.DHCPProxy},
	reflect.TypeFor[inventory.DHCP6Mode]():      {inventory.DHCP6Off, inventory.DHCP6Stateless, inventory.DHCP6Reservations},
	reflect.TypeFor[inventory.StrangerPolicy](): {inventory.StrangerIgnore, inventory.StrangerDiscover, inventory.StrangerHold},
	reflect.TypeFor[inventory.Connector](): {inventory.RJ45, inventory.SFP, inventory.QSFP, inventory.OSFP,
		inventory.C13, inventory.C14, inventory.C19, inventory.C20},
}

// The forms of texts.
const (
	nameForm = `^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$` // RFC 1123 label
	ipForm   = `^[0-9A-Fa-f:.]+$`
	macForm  = `^([0-9A-Fa-f]{2}([:-][0-9A-Fa-f]{2}){5}|[0-9A-Fa-f]{4}(\.[0-9A-Fa-f]{4}){2}|[0-9A-Fa-f]{12})$`
)

// forms narrow single fields, by type and key, beyond what the Go type says.
var forms = map[string]func(*node) *node{
	"Plan.site":                     named,
	"PlannedProject.name":           named,
	"PlannedModel.name":             named,
	"PlannedNetwork.name":           named,
	"PlannedNetwork.cidr":           like(`^([0-9]{1,3}\.){3}[0-9]{1,3}/[0-9]{1,2}$`),
	"PlannedNetwork.vlan":           between(0, 4094),
	"PlannedNetwork.gateway":        like(ipForm),
	"PlannedNetwork.cidr6":          like(`^[0-9A-Fa-f:]+/[0-9]{1,3}$`),
	"PlannedNetwork.gateway6":       like(ipForm),
	"PlannedNetwork.dns":            eachLike(ipForm),
	"PlannedNetwork.ntp":            eachLike(ipForm),
	"PlannedNetwork.mtu":            between(576, 9216),
	"PlannedNetwork.purpose":        oneOf("provision", "oob", "production"),
	"PlannedNetwork.lease_seconds":  between(60, 30*86400),
	"PlannedPool.first":             like(ipForm),
	"PlannedPool.last":              like(ipForm),
	"PlannedRack.name":              named,
	"PlannedRack.units":             between(1, 100),
	"PlannedDevice.name":            named,
	"PlannedDevice.kind":            oneOf("switch", "pdu", "chassis", "panel", "other"),
	"PlannedDevice.u":               between(0, 100),
	"PlannedDevice.height":          between(1, 100),
	"PlannedMachine.name":           named,
	"PlannedMachine.u":              between(1, 100),
	"PlannedMachine.height":         between(1, 100),
	"PlannedMachine.arch":           oneOf("amd64", "arm64"),
	"PlannedMachine.uuid":           like(`^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`),
	"PlannedNIC.mac":                like(macForm),
	"PlannedNIC.address":            like(ipForm),
	"PlannedNIC.address6":           like(ipForm),
	"PlannedTagged.address":         like(ipForm),
	"PlannedTagged.address6":        like(ipForm),
	"PlannedBond.name":              named,
	"PlannedBond.mode":              oneOf("active-backup", "802.3ad", "balance-xor", "balance-rr", "balance-tlb", "balance-alb"),
	"PlannedBond.lacp_rate":         oneOf("slow", "fast"),
	"PlannedBond.hash":              oneOf("layer2", "layer2+3", "layer3+4", "encap2+3", "encap3+4"),
	"PlannedBond.miimon_ms":         between(10, 10000),
	"PlannedBond.mtu":               between(576, 9216),
	"PlannedBond.address":           like(ipForm),
	"PlannedBond.address6":          like(ipForm),
	"PlannedNIC.connector":          oneOf("rj45", "sfp", "qsfp", "osfp"),
	"PlannedBMC.address":            like(`^(https?|ipmi)://[^/?#@]+(/.*)?$`),
	"PlannedBMC.mac":                like(macForm),
	"PlannedBMC.certificate_sha256": like(`^([0-9A-Fa-f]{2}:?){31}[0-9A-Fa-f]{2}$`),
	"Option.code":                   between(1, 254),
	"Cable.type":                    oneOf("cat5e", "cat6", "cat6a", "dac", "aoc", "mmf", "smf", "breakout", "c14-c13", "c20-c19", "c20-c13"),
	"PlannedDisk.type":              oneOf("nvme", "ssd", "hdd", "virtual"),
}

// named is a name of ours; one of digits alone may be written without quotes.
func named(n *node) *node {
	n.Pattern = nameForm
	return n
}

func like(pattern string) func(*node) *node {
	return func(n *node) *node { n.Type, n.Pattern = "string", pattern; return n }
}

func eachLike(pattern string) func(*node) *node {
	return func(n *node) *node { n.Items = &node{Type: "string", Pattern: pattern}; return n }
}

func between(low, high float64) func(*node) *node {
	return func(n *node) *node { n.Minimum, n.Maximum = at(low), at(high); return n }
}

func oneOf(values ...string) func(*node) *node {
	return func(n *node) *node { return valuesOf(n, values) }
}

// valuesOf makes the schema one of a few values: numbers where the type is one.
func valuesOf(n *node, values []string) *node {
	n.Enum, n.Minimum = nil, nil
	for _, v := range values {
		if i, err := strconv.Atoi(v); err == nil && n.Type == "integer" {
			n.Enum = append(n.Enum, i)
		} else {
			n.Type, n.Enum = "string", append(n.Enum, v)
		}
	}
	return n
}
