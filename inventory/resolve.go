package inventory

import (
	"cmp"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"strings"

	"rackwright/fault"
)

// Wanted is a plan resolved into nouns, with the BMC passwords beside them by machine
// name.
type Wanted struct {
	Site      string
	Projects  []Project
	Models    []Model
	Networks  []Network
	Racks     []Rack
	Devices   []Device
	Machines  []Machine
	Passwords map[string]string
}

// Resolve checks the plan by itself and turns it into nouns. All faults are reported at
// once, each with the path of the bad field.
func (p Plan) Resolve() (*Wanted, error) {
	r := resolver{out: &Wanted{Site: p.Site, Passwords: map[string]string{}}, seen: map[string]string{}}
	r.name("site", p.Site)
	for i, n := range p.Networks {
		r.network(fmt.Sprintf("networks[%d]", i), n)
	}
	for i, rack := range p.Racks {
		r.rack(fmt.Sprintf("racks[%d]", i), rack)
	}
	r.overlaps()
	if len(r.bad) > 0 {
		return nil, &fault.Error{Kind: fault.Invalid, Message: fmt.Sprintf("the plan has %d faults", len(r.bad)), Fields: r.bad,
			Hint: "correct the named fields; nothing was changed"}
	}
	return r.out, nil
}

// resolver collects nouns and faults while it walks the plan.
type resolver struct {
	out  *Wanted
	bad  []fault.Field
	seen map[string]string // what may stand once ("mac ...", "cell ...") -> who has it
}

// maxFaults is how many faults of a plan are told: nobody reads more, and two networks
// of many that overlap make a fault each.
const maxFaults = 200

func (r *resolver) fail(path, format string, args ...any) {
	if len(r.bad) == maxFaults {
		return
	}
	r.bad = append(r.bad, fault.Field{Path: path, Message: fmt.Sprintf(format, args...)})
}

// once reports a fault when what was claimed before by somebody else.
func (r *resolver) once(path, what, owner string) {
	if first, taken := r.seen[what]; taken {
		r.fail(path, "%s is taken twice: by %s and by %s", what, first, owner)
		return
	}
	r.seen[what] = owner
}

var domainForm = regexp.MustCompile(`^(?i)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$`)

var label = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

func (r *resolver) name(path, s string) {
	if !label.MatchString(s) {
		r.fail(path, "%q is not a name: use 1 to 63 of a-z, 0-9 and -, not - at an end (RFC 1123)", s)
	} else if uuidForm.MatchString(s) {
		r.fail(path, "%q is not a name: it has the form of an id", s)
	}
}

func (r *resolver) oneOf(path, value string, allowed ...string) {
	for _, a := range allowed {
		if value == a {
			return
		}
	}
	r.fail(path, "%q is none of %s", value, strings.Join(allowed, ", "))
}

func (r *resolver) addr(path, s string) netip.Addr {
	if s == "" {
		return netip.Addr{}
	}
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" {
		r.fail(path, "%q is not an IP address", s)
	}
	return a
}

func (r *resolver) addrs(path string, list []string) []netip.Addr {
	var out []netip.Addr
	for i, s := range list {
		out = append(out, r.addr(fmt.Sprintf("%s[%d]", path, i), s))
	}
	return out
}

func (r *resolver) network(path string, n PlannedNetwork) {
	r.name(path+".name", n.Name)
	r.once(path+".name", "network "+n.Name, path)
	prefix, err := netip.ParsePrefix(n.CIDR)
	if err != nil || prefix != prefix.Masked() || !prefix.Addr().Is4() || prefix.Bits() > 30 {
		r.fail(path+".cidr", "%q is not an IPv4 network address, e.g. 10.0.0.0/24", n.CIDR)
		return
	}
	out := Network{Name: n.Name, Prefix: prefix, Gateway: r.addr(path+".gateway", n.Gateway), DNS: r.addrs(path+".dns", n.DNS),
		NTP: r.addrs(path+".ntp", n.NTP), Domain: n.Domain, MTU: n.MTU, Purpose: cmp.Or(n.Purpose, "provision"),
		DHCP: cmp.Or(n.DHCP, DHCPOff), Strangers: cmp.Or(n.Strangers, StrangerIgnore),
		LeaseSeconds: cmp.Or(n.LeaseSeconds, 3600), RouterAdverts: n.RouterAdverts}
	r.oneOf(path+".purpose", out.Purpose, "provision", "oob", "production")
	r.oneOf(path+".dhcp", string(out.DHCP), string(DHCPOff), string(DHCPReservations), string(DHCPAuthoritative))
	r.oneOf(path+".strangers", string(out.Strangers), string(StrangerIgnore), string(StrangerDiscover))
	if out.Gateway.IsValid() && !prefix.Contains(out.Gateway) {
		r.fail(path+".gateway", "%s is outside %s", out.Gateway, prefix)
	}
	if out.LeaseSeconds < 60 || out.LeaseSeconds > 30*86400 {
		r.fail(path+".lease_seconds", "%d is not between 60 and 2592000", out.LeaseSeconds)
	}
	if out.MTU != 0 && (out.MTU < 576 || out.MTU > 9216) {
		r.fail(path+".mtu", "%d is not between 576 and 9216", out.MTU)
	}
	if n.Domain != "" && (len(n.Domain) > 253 || !domainForm.MatchString(n.Domain)) {
		r.fail(path+".domain", "%.60q is not a domain name", n.Domain)
	}
	if n.Pool != nil {
		out.Pool = r.pool(path+".pool", *n.Pool, &out)
	}
	if out.Strangers == StrangerDiscover && out.Pool.IsZero() {
		r.fail(path+".pool", "strangers: discover needs a pool to lend addresses from")
	}
	r.out.Networks = append(r.out.Networks, out)
}

func (r *resolver) pool(path string, p PlannedPool, in *Network) Pool {
	first, last := r.addr(path+".first", p.First), r.addr(path+".last", p.Last)
	if !in.Usable(first) || !in.Usable(last) || last.Less(first) {
		r.fail(path, "%s to %s is not a range of host addresses inside %s", p.First, p.Last, in.Prefix)
		return Pool{}
	}
	return Pool{First: first, Last: last}
}

// overlaps refuses two networks that share addresses.
func (r *resolver) overlaps() {
	for i, a := range r.out.Networks {
		for _, b := range r.out.Networks[:i] {
			if a.Prefix.Overlaps(b.Prefix) {
				r.fail("networks", "%s (%s) overlaps %s (%s)", a.Name, a.Prefix, b.Name, b.Prefix)
			}
		}
	}
}

func (r *resolver) rack(path string, p PlannedRack) {
	r.name(path+".name", p.Name)
	r.once(path+".name", "rack "+p.Name, path)
	units := cmp.Or(p.Units, 42)
	if units < 1 || units > 100 {
		r.fail(path+".units", "%d is not between 1 and 100", units)
		units = 100
	}
	r.out.Racks = append(r.out.Racks, Rack{Name: p.Name, Site: r.out.Site, Units: units})
	for i, m := range p.Machines {
		r.machine(fmt.Sprintf("%s.machines[%d]", path, i), p.Name, units, m)
	}
}

func (r *resolver) machine(path, rack string, units int, p PlannedMachine) {
	r.name(path+".name", p.Name)
	r.once(path+".name", "machine "+p.Name, path)
	m := Machine{Name: p.Name, Phase: Planned, Power: PowerUnknown,
		Slot:     &Slot{Rack: rack, U: p.U, Height: cmp.Or(p.Height, 1), Face: cmp.Or(p.Face, Front)},
		Firmware: cmp.Or(p.Firmware, UEFI), Arch: cmp.Or(p.Arch, "amd64"),
		Vendor: p.Vendor, Model: p.Model, Serial: strings.TrimSpace(p.Serial), UUID: strings.ToLower(p.UUID)}
	r.oneOf(path+".firmware", string(m.Firmware), string(BIOS), string(UEFI))
	r.oneOf(path+".arch", m.Arch, "amd64", "arm64")
	r.oneOf(path+".face", string(m.Slot.Face), "front", "rear", "both")
	r.slot(path, units, m)
	if key := m.SerialKey(); key != "" {
		r.once(path+".serial", "serial "+key, m.Name)
	}
	if m.UUID != "" && !uuidForm.MatchString(m.UUID) {
		r.fail(path+".uuid", "%q is not a UUID", p.UUID)
	}
	for i, n := range p.NICs {
		out := r.nic(fmt.Sprintf("%s.nics[%d]", path, i), i, p.Name, n)
		r.once(fmt.Sprintf("%s.nics[%d].name", path, i), "nic "+p.Name+"/"+out.Name, p.Name)
		m.NICs = append(m.NICs, out)
	}
	if p.BMC != nil {
		m.BMC = r.bmc(path+".bmc", p.Name, *p.BMC)
	}
	if p.RootDisk != nil {
		m.RootDisk = r.disk(path+".root_disk", *p.RootDisk)
	}
	r.out.Machines = append(r.out.Machines, m)
}

func (r *resolver) disk(path string, p PlannedDisk) DiskHint {
	if p.Type != "" {
		r.oneOf(path+".type", p.Type, "nvme", "ssd", "hdd", "virtual")
	}
	if p.MinBytes < 0 || p.MaxBytes < 0 || (p.MaxBytes > 0 && p.MaxBytes < p.MinBytes) {
		r.fail(path, "no disk has between %d and %d bytes", p.MinBytes, p.MaxBytes)
	}
	return DiskHint(p)
}

var uuidForm = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

func (r *resolver) slot(path string, units int, m Machine) {
	s := *m.Slot
	if s.U < 1 || s.U > units || s.Height < 1 || s.Height > units || s.U+s.Height-1 > units {
		r.fail(path+".u", "unit %d with height %d does not fit rack %s of %d units", s.U, s.Height, s.Rack, units)
		return
	}
	for _, c := range s.Cells() {
		r.once(path+".u", fmt.Sprintf("slot %s/u%d %s %s", s.Rack, c.U, c.Face, c.Side), m.Name)
	}
}

func (r *resolver) nic(path string, i int, owner string, p PlannedNIC) NIC {
	out := NIC{Name: cmp.Or(p.Name, fmt.Sprintf("nic%d", i+1)), Network: p.Network, Address: r.addr(path+".address", p.Address), Boot: p.Boot}
	mac, err := ParseMAC(p.MAC)
	if err != nil {
		r.fail(path+".mac", "%s", err)
		return out
	}
	out.MAC = mac
	r.once(path+".mac", "mac "+mac.String(), owner)
	if out.Address.IsValid() {
		r.once(path+".address", "address "+out.Address.String(), owner)
		if p.Network == "" {
			r.fail(path+".network", "address %s needs the network it is in", out.Address)
		}
	}
	return out
}

func (r *resolver) bmc(path, owner string, p PlannedBMC) *BMC {
	u, err := url.Parse(p.Address)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || !systemPath.MatchString(u.Path) {
		r.fail(path+".address", "%q is not a BMC address: write https://host or https://host:port, with /redfish/v1/Systems/ID behind it where one BMC serves several systems", p.Address)
		return nil
	}
	out := &BMC{Address: u.Scheme + "://" + u.Host + strings.TrimSuffix(u.Path, "/"), Username: p.Username, CertificateSHA256: strings.ToLower(strings.ReplaceAll(p.CertificateSHA256, ":", ""))}
	r.once(path+".address", "bmc "+out.Address, owner)
	if out.CertificateSHA256 != "" && !sha256Form.MatchString(out.CertificateSHA256) {
		r.fail(path+".certificate_sha256", "is not a SHA-256 fingerprint of 64 hexadecimal digits")
	}
	if p.MAC != "" {
		if out.MAC, err = ParseMAC(p.MAC); err != nil {
			r.fail(path+".mac", "%s", err)
		} else {
			r.once(path+".mac", "mac "+out.MAC.String(), owner)
		}
	}
	if p.Password != "" {
		r.out.Passwords[owner] = p.Password
	}
	return out
}

// systemPath is nothing, or the path of one ComputerSystem (DMTF DSP0266 section 6.5).
var systemPath = regexp.MustCompile(`^(/|/redfish/v1/Systems/[A-Za-z0-9._-]+/?)?$`)

var sha256Form = regexp.MustCompile(`^[0-9a-f]{64}$`)
