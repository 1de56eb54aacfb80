package plan

import (
	"cmp"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"strings"

	"rackwright/inventory"
)

// maxNICs is how many ports one machine may have.
const maxNICs = 256

// reservedName is what stands where a machine is named in a path and means something else.
func reservedName(name string) string {
	return map[string]string{"stream": "the stream of all machines", "actions": "what is done to many machines"}[name]
}

func (r *resolver) machine(p place, rack *inventory.Rack, in Machine) {
	r.name(p.of(".name"), in.Name)
	if other := reservedName(in.Name); other != "" {
		r.fail(p.of(".name"), "%q is not a machine's name: %s is called so", in.Name, other)
	}
	r.once(p.of(".name"), claim{what: "name", text: in.Name}, in.Name)
	m := inventory.Machine{Name: in.Name, Phase: inventory.Planned, Power: inventory.PowerUnknown,
		Slot:     &inventory.Slot{Rack: rack.Name, U: in.U, Height: in.Height, Face: in.Face, Side: in.Side, Chassis: in.Chassis, Bay: in.Bay},
		Firmware: cmp.Or(in.Firmware, inventory.UEFI), Netboot: in.Netboot, Arch: cmp.Or(in.Arch, "amd64"), Vendor: strings.TrimSpace(in.Vendor), Model: strings.TrimSpace(in.Model),
		Serial: strings.TrimSpace(in.Serial), UUID: strings.ToLower(in.UUID), AssetTag: strings.TrimSpace(in.AssetTag), Batch: in.Batch, Project: in.Project}
	r.oneOf(p.of(".firmware"), string(m.Firmware), string(inventory.BIOS), string(inventory.UEFI))
	r.netboot(p.of(".netboot"), in.Netboot)
	if m.Firmware == inventory.BIOS && in.Netboot == inventory.NetbootHTTP {
		r.fail(p.of(".netboot"), "firmware of mode bios netboots by pxe")
	}
	r.oneOf(p.of(".arch"), m.Arch, "amd64", "arm64")
	r.slotForm(p, in.Height, in.Face, in.Side)
	r.node(p, in)
	r.text(p.of(".vendor"), in.Vendor)
	r.text(p.of(".model"), in.Model)
	r.text(p.of(".serial"), in.Serial)
	r.text(p.of(".asset_tag"), in.AssetTag)
	r.text(p.of(".batch"), in.Batch)
	r.refer(p.of(".project"), in.Project)
	if m.UUID != "" && !uuidForm.MatchString(m.UUID) {
		r.fail(p.of(".uuid"), "%.60q is not a UUID", in.UUID)
	}
	m.Labels, m.Tags = r.labels(p, in.Labels, in.Tags)
	m.Waivers = r.waivers(p, in.Waive)
	m.NICs = r.nics(p, in.Name, in.NICs)
	r.bonds(p, &m, in.Bonds)
	m.PSUs = r.psus(p, in.Name, in.PSUs)
	if in.BMC != nil {
		m.BMC = r.bmc(p.of(".bmc"), in.Name, *in.BMC)
	}
	if in.RootDisk != nil {
		m.RootDisk = r.disk(p.of(".root_disk"), *in.RootDisk)
	}
	r.out.Machines, r.machines = append(r.out.Machines, m), append(r.machines, p)
}

func (r *resolver) netboot(p place, n inventory.Netboot) {
	r.oneOf(p, string(n), "", string(inventory.NetbootPXE), string(inventory.NetbootHTTP))
}

// node checks that a machine has either a unit or a bay.
func (r *resolver) node(p place, in Machine) {
	switch {
	case in.Chassis == "" && in.Bay != "":
		r.fail(p.of(".bay"), "say of which chassis")
	case in.Chassis == "":
	case in.Bay == "":
		r.fail(p.of(".bay"), "say which bay of %.70s it is in", in.Chassis)
	case in.U != 0 || in.Height != 0 || in.Face != "" || in.Side != "":
		r.fail(p.of(".u"), "a node is where its chassis is: leave out u, height, face and side")
	}
	r.refer(p.of(".chassis"), in.Chassis)
	r.text(p.of(".bay"), in.Bay)
}

func (r *resolver) nics(p place, owner string, list []NIC) (out []inventory.NIC) {
	if len(list) > maxNICs {
		r.fail(p.of(".nics"), "%d ports are more than %d", len(list), maxNICs)
		return nil
	}
	if len(list) > 0 {
		out = make([]inventory.NIC, 0, len(list))
	}
	boots := 0
	for i := range list {
		n := r.nic(p.item(".nics", i), i, owner, &list[i])
		if n.Boot {
			boots++
		}
		for j := range out {
			if out[j].Name == n.Name {
				r.fail(p.item(".nics", i).of(".name"), "nic %s is taken twice", n.Name)
				break
			}
		}
		out = append(out, n)
	}
	if boots > 1 {
		r.fail(p.of(".nics"), "%d ports are marked boot: the machine netboots from one", boots)
	}
	return out
}

func (r *resolver) nic(p place, i int, owner string, in *NIC) inventory.NIC {
	out := inventory.NIC{Name: in.Name, Network: in.Network, Connector: in.Connector, Bond: in.Bond, Boot: in.Boot,
		Cable: r.cable(p, in.Cable), VLANs: r.tagged(p, in.Network, in.VLANs)}
	out.Address, out.Address6 = r.pair(p, in.Address, in.Address6)
	if out.Name == "" {
		out.Name = nicName(i)
	} else if !portForm.MatchString(out.Name) {
		r.fail(p.of(".name"), "%.70q is not the name of a port", in.Name)
	}
	switch in.Connector {
	case "", inventory.RJ45, inventory.SFP, inventory.QSFP, inventory.OSFP:
	default:
		r.oneOf(p.of(".connector"), string(in.Connector), string(inventory.RJ45), string(inventory.SFP), string(inventory.QSFP), string(inventory.OSFP))
	}
	r.refer(p.of(".network"), in.Network)
	r.refer(p.of(".bond"), in.Bond)
	for _, a := range []netip.Addr{out.Address, out.Address6} {
		if a.IsValid() && in.Network == "" {
			r.fail(p.of(".network"), "address %s needs the network it is in", a)
		}
	}
	if in.MAC != "" {
		out.MAC = r.mac(p.of(".mac"), in.MAC)
	}
	return out
}

// nicName is what a port is called that the plan gives no name.
func nicName(i int) string { return fmt.Sprintf("nic%d", i+1) }

func (r *resolver) mac(p place, s string) inventory.MAC {
	mac, err := inventory.ParseMAC(s)
	if err != nil {
		r.fail(p, "%s", err)
	}
	return mac
}

func (r *resolver) disk(p place, d Disk) inventory.DiskHint {
	r.oneOf(p.of(".type"), d.Type, "", "nvme", "ssd", "hdd", "virtual")
	r.oneOf(p.of(".rotational"), d.Rotational, "", "yes", "no")
	r.oneOf(p.of(".pick"), string(d.Pick), "", string(inventory.PickOnly), string(inventory.PickSmallest), string(inventory.PickLargest), string(inventory.PickFirst))
	r.text(p.of(".bus_path"), d.BusPath)
	if d.MinBytes < 0 || d.MaxBytes < 0 || (d.MaxBytes > 0 && d.MaxBytes < d.MinBytes) {
		r.fail(p, "no disk has between %d and %d bytes", d.MinBytes, d.MaxBytes)
	}
	r.text(p.of(".serial"), d.Serial)
	r.text(p.of(".wwn"), d.WWN)
	r.text(p.of(".model"), d.Model)
	return inventory.DiskHint(d)
}

func (r *resolver) bmc(p place, owner string, in BMC) *inventory.BMC {
	u, err := url.Parse(in.Address)
	if strings.Contains(in.Address, "@") { // not quoted: a password may stand before it
		r.fail(p.of(".address"), "contains a user name or password, which belong into username and password: write https://host")
		return nil
	}
	if err != nil || !bmcSchemes.MatchString(u.Scheme) || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || !systemPath.MatchString(u.Path) {
		r.fail(p.of(".address"), "%.200q is not a BMC address: write https://host or https://host:port, with /redfish/v1/Systems/ID behind it where one BMC serves several systems, "+
			"or ipmi://host for a BMC without Redfish", in.Address)
		return nil
	}
	if u.Scheme == "ipmi" && in.CertificateSHA256 != "" {
		r.fail(p.of(".certificate_sha256"), "is nothing that IPMI has: leave it out, or give the BMC's https address")
	}
	out := &inventory.BMC{Address: u.Scheme + "://" + u.Host + strings.TrimSuffix(u.Path, "/"), Username: in.Username, CertificateSHA256: strings.ToLower(strings.ReplaceAll(in.CertificateSHA256, ":", ""))}
	out.PlannedCertificate = out.CertificateSHA256
	if out.CertificateSHA256 != "" && !sha256Form.MatchString(out.CertificateSHA256) {
		r.fail(p.of(".certificate_sha256"), "is not a SHA-256 fingerprint of 64 hexadecimal digits")
	}
	if in.MAC != "" {
		out.MAC = r.mac(p.of(".mac"), in.MAC)
	}
	if in.Password != "" {
		r.out.Passwords[owner] = in.Password
	}
	return out
}

var bmcSchemes = regexp.MustCompile(`^(https?|ipmi)$`)

// systemPath is nothing, or the path of one ComputerSystem (DMTF DSP0266 section 6.5).
var systemPath = regexp.MustCompile(`^(/|/redfish/v1/Systems/[A-Za-z0-9._-]+/?)?$`)

var sha256Form = regexp.MustCompile(`^[0-9a-f]{64}$`)
