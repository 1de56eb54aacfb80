package sheet

import (
	"slices"
	"strings"

	"rackwright/inventory"
	"rackwright/inventory/overlay"
)

// field is one thing a cell can say. Its setter returns what is wrong with the cell, ""
// for nothing.
type field struct {
	name string   // # is the number of a port or power supply
	path string   // where it stands in a machine of a plan
	also []string // titles that mean it, squeezed; # is a number in them
	set  func(e *entry, c *column, cell string) string
}

// FieldNames lists the fields, as --map takes them.
func FieldNames() []string {
	var out []string
	for _, f := range fields {
		switch {
		case f.name == "label.":
			out = append(out, "label.KEY")
		default:
			out = append(out, strings.Replace(f.name, "#", "1", 1))
		}
	}
	return out
}

func fieldNamed(name string) *field {
	if i := slices.IndexFunc(fields, func(f *field) bool { return f.name == name }); i >= 0 {
		return fields[i]
	}
	return nil
}

// byTitle finds a field by squeezed title.
var byTitle = titles()

func titles() map[string]*field {
	out := map[string]*field{}
	for _, f := range fields {
		if f.name != "label." {
			out[squeeze(f.name)] = f
		}
		for _, title := range f.also {
			out[title] = f
		}
	}
	return out
}

// with joins each prefix and each word.
func with(prefixes, words []string) (out []string) {
	for _, p := range prefixes {
		for _, w := range words {
			out = append(out, p+w)
		}
	}
	return out
}

// port are titles about a network port: mac, mac 2, nic2 mac, eth2 mac, ...
func port(words ...string) []string {
	out := slices.Clone(words)
	for _, w := range words {
		out = append(out, w+"#")
	}
	return append(out, with([]string{"nic", "nic#", "eth#", "eno#", "port#", "lan#", "interface#", "pxe", "boot"}, words)...)
}

// psu are titles about a power supply: pdu, pdu 2, psu2 pdu, ...
func psu(words ...string) []string {
	out := slices.Clone(words)
	for _, w := range words {
		out = append(out, w+"#")
	}
	return append(out, with([]string{"psu#", "power#", "psu"}, words)...)
}

// controller are titles about the BMC, by its vendors' names for it.
func controller(words ...string) []string {
	return with([]string{"bmc", "idrac", "ilo", "ipmi", "oob", "xcc", "cimc", "irmc", "redfish", "mgmt", "management"}, words)
}

// fields is every field there is; a text with no check of its own is checked by the plan.
var fields = []*field{
	{"rack", "", []string{"rack", "cabinet", "rackname", "cab"}, func(e *entry, _ *column, s string) string { e.rack = s; return "" }},
	{"room", "", []string{"room", "hall", "datahall"}, text(func(e *entry) *string { return &e.room })},
	{"row", "", []string{"row", "aisle", "rackrow"}, text(func(e *entry) *string { return &e.row })},
	{"rack_units", "", []string{"rackunits", "rackheight", "racksize"}, number(func(e *entry) *int { return &e.units })},
	{"u", "u", []string{"u", "unit", "position", "ru", "rackunit", "rackposition", "uposition", "startu", "slot", "upos", "lowestu"}, (*entry).setU},
	{"name", "name", []string{"name", "hostname", "host", "server", "servername", "machine", "device", "devicename", "fqdn"}, func(e *entry, _ *column, s string) string { e.m.Name = strings.ToLower(s); return "" }},
	{"kind", "kind", []string{"kind", "type", "role", "devicetype", "category"}, (*entry).setKind},
	{"height", "height", []string{"height", "uheight", "units", "size", "usize", "heightu", "rus"}, number(func(e *entry) *int { return &e.m.Height })},
	{"face", "face", []string{"face", "rackface", "mounting"}, (*entry).setFace},
	{"side", "side", []string{"side", "half"}, (*entry).setSide},
	{"chassis", "chassis", []string{"chassis", "enclosure", "chassisname"}, func(e *entry, _ *column, s string) string { e.m.Chassis = strings.ToLower(s); return "" }},
	{"bay", "bay", []string{"bay", "sled", "blade"}, text(func(e *entry) *string { return &e.m.Bay })},
	{"model", "model", []string{"model", "machinemodel", "product", "servermodel"}, text(func(e *entry) *string { return &e.m.Model })},
	{"vendor", "vendor", []string{"vendor", "manufacturer", "make", "brand"}, text(func(e *entry) *string { return &e.m.Vendor })},
	{"serial", "serial", []string{"serial", "sn", "serialnumber", "servicetag", "serialno", "sno"}, text(func(e *entry) *string { return &e.m.Serial })},
	{"uuid", "uuid", []string{"uuid", "systemuuid", "smbiosuuid"}, text(func(e *entry) *string { return &e.m.UUID })},
	{"asset_tag", "asset_tag", []string{"assettag", "asset", "tag", "assetno", "assetnumber", "inventorynumber"}, text(func(e *entry) *string { return &e.m.AssetTag })},
	{"batch", "batch", []string{"batch", "order", "purchaseorder", "po"}, text(func(e *entry) *string { return &e.m.Batch })},
	{"project", "project", []string{"project", "tenant", "team"}, func(e *entry, _ *column, s string) string { e.m.Project = overlay.Name(s); return "" }},
	{"tags", "tags", []string{"tags", "keywords"}, (*entry).setTags},
	{"label.", "labels", nil, (*entry).setLabel},
	{"firmware", "firmware", []string{"firmware", "bootmode", "bootfirmware"}, (*entry).setFirmware},
	{"arch", "arch", []string{"arch", "architecture", "cpuarch"}, (*entry).setArch},
	{"feed", "feed", []string{"feed", "powerfeed"}, text(func(e *entry) *string { return &e.feed })},
	{"lldp", "lldp", []string{"lldp", "lldpname", "systemname"}, text(func(e *entry) *string { return &e.lldp })},
	{"root_disk_serial", "root_disk.serial", []string{"rootdiskserial", "bootdiskserial", "rootdisk", "bootdisk"}, text(func(e *entry) *string { return &e.disk.Serial })},
	{"root_disk_wwn", "root_disk.wwn", []string{"rootdiskwwn", "bootdiskwwn"}, text(func(e *entry) *string { return &e.disk.WWN })},
	{"bmc_address", "bmc.address", controller("", "ip", "address", "ipaddress", "url", "host", "ipv4"), (*entry).setBMC},
	{"bmc_mac", "bmc.mac", controller("mac", "macaddress", "mac1"), func(e *entry, _ *column, s string) string { e.bmc.MAC = s; return badMAC(s) }},
	{"bmc_username", "bmc.username", controller("user", "username", "login", "account"), text(func(e *entry) *string { return &e.bmc.Username })},
	{"nic#_mac", "nics.mac", port("mac", "macaddress", "hwaddress", "hwaddr"), func(e *entry, c *column, s string) string { e.nic(c.n).MAC = s; return badMAC(s) }},
	{"nic#_name", "nics.name", port("nicname", "interfacename", "ifname"), func(e *entry, c *column, s string) string { e.nic(c.n).Name = s; return "" }},
	{"nic#_network", "nics.network", port("network", "net", "subnet", "vlanname"), func(e *entry, c *column, s string) string { e.nic(c.n).Network = strings.ToLower(s); return "" }},
	{"nic#_address", "nics.address", port("address", "ip", "ipaddress", "ipv4", "ipv4address"), (*entry).setAddress},
	{"nic#_bond", "nics.bond", port("bond", "bondname", "lag"), func(e *entry, c *column, s string) string { e.nic(c.n).Bond = overlay.Name(s); return "" }},
	{"nic#_connector", "nics.connector", port("connector"), func(e *entry, c *column, s string) string {
		e.nic(c.n).Connector = inventory.Connector(strings.ToLower(s))
		return ""
	}},
	{"nic#_switch", "nics.cable", port("switch", "switchname", "leaf", "tor"), func(e *entry, c *column, s string) string { e.nic(c.n).to = s; return "" }},
	{"nic#_switch_port", "nics.cable", port("switchport", "swport", "switchinterface"), func(e *entry, c *column, s string) string { e.nic(c.n).port = s; return "" }},
	{"nic#_cable_type", "nics.cable.type", port("cabletype"), func(e *entry, c *column, s string) string { e.nic(c.n).cable.Type = strings.ToLower(s); return "" }},
	{"nic#_cable_length_m", "nics.cable.length_m", port("cablelengthm", "cablelength"), (*entry).setLength},
	{"nic#_cable_label", "nics.cable.label", port("cablelabel", "cableid", "cable"), func(e *entry, c *column, s string) string { e.nic(c.n).cable.Label = s; return "" }},
	{"psu#_pdu", "psus.cable", psu("pdu", "pduname"), func(e *entry, c *column, s string) string { e.psu(c.n).to = s; return "" }},
	{"psu#_outlet", "psus.cable", psu("outlet", "pduoutlet", "pduport", "socket"), func(e *entry, c *column, s string) string { e.psu(c.n).port = s; return "" }},
}
