package answer

import (
	"cmp"
	"net/netip"

	"rackwright/deploy"
	"rackwright/deploy/network"
	"rackwright/images"
	"rackwright/inventory"
)

// Data is all that a template may use. Its fields are the documentation: `template values`
// prints them.
type Data struct {
	Operation     string            // its id
	Image         string            // name of the image
	Machine       Machine           // the machine
	Boot          NIC               // the port it netboots from
	NICs          []NIC             // its ports that the plan gives a network
	Links         []Link            // the interfaces of the installed system: ports, then bonds, then VLANs
	Disk          Disk              // where the system goes
	SSHKeys       []string          // authorized_keys lines
	UserData      string            // as it was given
	Vars          map[string]string // as they were given; better by var NAME
	Answers       string            // URL of the folder of answer files
	Done          string            // URL to fetch when the system is installed
	Failed        string            // URL to fetch when it cannot be, with ?why=WORDS
	PhoneHome     string            // URL to POST hostname=NAME to, at the first boot
	NetworkConfig string            // cloud-init's network configuration, version 2, as JSON
	Networkd      []File            // the same for systemd-networkd: files of /etc/systemd/network
	Keyfiles      []File            // the same for NetworkManager: files of /etc/NetworkManager/system-connections

	parts []string
}

// Machine is what is known of a machine.
type Machine struct {
	ID       string
	Name     string
	Domain   string // of the network it boots from, may be empty
	FQDN     string // name and domain
	Serial   string
	UUID     string
	Vendor   string
	Model    string
	Arch     string // amd64 or arm64
	Consoles string // kernel arguments for screen and serial port
	Firmware string // bios or uefi
	Rack     string
	Slot     string // rack and unit
	Project  string
	Labels   map[string]string
}

// NIC is a port with its network. Texts are empty where the plan says nothing.
type NIC struct {
	Name                      string
	MAC                       string
	Network                   string
	Bond                      string
	VLAN                      int    // of the network, 0 without
	MTU                       int    // 0: as it is
	Address                   string // 10.0.0.5; empty: asks by DHCP
	Prefix                    int    // 24
	CIDR                      string // 10.0.0.5/24
	Gateway                   string // of the network
	Default                   bool   // its gateway is the default route
	DNS                       []string
	NTP                       []string
	Domain                    string
	Address6, CIDR6, Gateway6 string
	Prefix6                   int
}

// URLs are where an installer reports, made for one operation.
type URLs struct {
	Answers   string // folder of the answer files; done, failed and part/NAME stand below it
	PhoneHome string
}

// Subject is what values are made of.
type Subject struct {
	Machine  *inventory.Machine
	Networks []inventory.Network
	Order    deploy.Order
	ID       string // of the operation
	URLs     URLs
	Parts    []string // names of the image's parts
}

// NewData makes the values of one deployment.
func NewData(s Subject) Data {
	m := s.Machine
	d := Data{SSHKeys: s.Order.SSHKeys, UserData: s.Order.UserData, Vars: s.Order.Vars, Answers: s.URLs.Answers, Done: s.URLs.Answers + "/done",
		Failed: s.URLs.Answers + "/failed", PhoneHome: s.URLs.PhoneHome, parts: s.Parts, Image: s.Order.Image, Operation: s.ID}
	if d.Vars == nil {
		d.Vars = map[string]string{}
	}
	d.NICs = nics(m, s.Networks)
	if boot := m.BootNIC(); boot != nil {
		d.Boot = NIC{Name: boot.Name, MAC: boot.MAC.String()}
		for _, n := range d.NICs {
			if n.Name == boot.Name {
				d.Boot = n
			}
		}
	}
	d.Machine = machine(m, d.Boot.Domain)
	d.Disk = disk(m, s.Order.Vars)
	links := network.Links(m, s.Networks)
	d.Links = interfaces(links)
	d.NetworkConfig, d.Networkd, d.Keyfiles = network.NetplanText(links), files(network.Networkd(links)), files(network.Keyfiles(links))
	return d
}

func files(list []network.File) []File {
	out := make([]File, len(list))
	for i, f := range list {
		out[i] = File(f)
	}
	return out
}

func machine(m *inventory.Machine, domain string) Machine {
	out := Machine{ID: m.ID, Name: m.Name, Domain: domain, FQDN: m.Name, Serial: m.Serial, UUID: m.UUID, Vendor: m.Vendor, Model: m.Model,
		Arch: cmp.Or(m.Arch, "amd64"), Consoles: images.Consoles(m.Arch), Firmware: string(m.Firmware), Project: m.Project, Labels: m.Labels}
	if domain != "" {
		out.FQDN += "." + domain
	}
	if m.Slot != nil {
		out.Rack, out.Slot = m.Slot.Rack, m.Slot.String()
	}
	if out.Labels == nil {
		out.Labels = map[string]string{}
	}
	return out
}

// nics are the ports that the plan gives a network. The first with a gateway has the
// default route.
func nics(m *inventory.Machine, networks []inventory.Network) []NIC {
	byName := map[string]*inventory.Network{}
	for i := range networks {
		byName[networks[i].Name] = &networks[i]
	}
	var out []NIC
	routed := false
	for _, p := range m.NICs {
		n := byName[p.Network]
		if n == nil || p.MAC.IsZero() {
			continue
		}
		nic := NIC{Name: p.Name, MAC: p.MAC.String(), Network: n.Name, Bond: p.Bond, VLAN: n.VLAN, MTU: n.MTU, Domain: n.Domain, DNS: texts(n.DNS), NTP: texts(n.NTP)}
		nic.Address, nic.Prefix, nic.CIDR = held(p.Address, n.Prefix)
		nic.Address6, nic.Prefix6, nic.CIDR6 = held(p.Address6, n.Prefix6)
		nic.Gateway, nic.Gateway6 = text(n.Gateway), text(n.Gateway6)
		nic.Default = nic.Gateway != "" && !routed
		routed = routed || nic.Default
		out = append(out, nic)
	}
	return out
}

func held(a netip.Addr, p netip.Prefix) (address string, bits int, cidr string) {
	if !a.IsValid() || !p.IsValid() {
		return "", 0, ""
	}
	return a.String(), p.Bits(), netip.PrefixFrom(a, p.Bits()).String()
}

func text(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

func texts(list []netip.Addr) []string {
	out := []string{}
	for _, a := range list {
		out = append(out, a.String())
	}
	return out
}
