package racksim

import (
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"rackwright/fault"
)

// Limits of a rack file.
const (
	maxMachines = 10_000
	maxNICs     = 8
	maxDisks    = 8
	maxFaults   = 32       // of one BMC
	maxDiskSize = 64 << 40 // bytes; sparse, but the host's file system must carry it
)

// check collects every bad field of the rack.
func (r *Rack) check() error {
	c := &checker{seen: map[string]string{}}
	c.name("rack", r.Name)
	c.name("site", r.Site)
	c.ok(r.Units >= 1 && r.Units <= 100, "units", "must be 1 to 100")
	c.ok(len(r.Machines) > 0, "machines", "the rack is empty: add at least one machine")
	c.ok(len(r.Machines) <= maxMachines, "machines", "more than %d machines", maxMachines)
	c.ok(r.OOB.Prefix >= 0 && r.OOB.Prefix <= 128, "oob.prefix", "must be 1 to 128")
	c.interfaceName("bridge.name", r.Bridge.Name)
	c.interfaceName("oob.interface", r.OOB.Interface)
	c.relay(r.Relay)
	c.delay("delay", r.Delay)
	for i := range r.Machines {
		c.machine(fmt.Sprintf("machines[%d]", i), &r.Machines[i], r)
	}
	if len(c.fields) == 0 {
		return nil
	}
	e := fault.Invalidf("rack file has %d wrong field(s)", len(c.fields))
	e.Fields = c.fields
	return e
}

type checker struct {
	fields []fault.Field
	seen   map[string]string // "mac 52:..." to the path that has it
}

func (c *checker) bad(path, format string, args ...any) {
	c.fields = append(c.fields, fault.Field{Path: path, Message: fmt.Sprintf(format, args...)})
}

func (c *checker) ok(cond bool, path, format string, args ...any) {
	if !cond {
		c.bad(path, format, args...)
	}
}

// once refuses the second owner of a name, MAC, address, serial or unit.
func (c *checker) once(kind, value, path string) {
	key := kind + " " + value
	if first, taken := c.seen[key]; taken {
		c.bad(path, "%s %s is used already by %s", kind, value, first)
		return
	}
	c.seen[key] = path
}

var (
	namePattern = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	wwnPattern  = regexp.MustCompile(`^0x[0-9a-fA-F]{16}$`)
	nicModels   = []string{"virtio-net-pci", "e1000", "e1000e", "rtl8139", "vmxnet3", "igb"}
	diskBuses   = []string{"virtio", "nvme", "ahci", "scsi"}
)

func (c *checker) name(path, name string) {
	c.ok(namePattern.MatchString(name), path, "%q is not a name: use 1 to 63 of a-z, 0-9 and -, as in a host name", name)
}

func (c *checker) interfaceName(path, name string) {
	c.ok(len(name) <= 15 && !strings.ContainsAny(name, "/ \t\n"), path, "%q is not an interface name", name)
}

func (c *checker) machine(path string, m *Machine, r *Rack) {
	c.name(path+".name", m.Name)
	c.once("name", m.Name, path+".name")
	c.slot(path, m, r.Units)
	c.kind(path, m)
	c.name(path+".rack", m.Rack)
	c.ok(m.Firmware == BIOS || m.Firmware == UEFI, path+".firmware", "%q is not bios or uefi", m.Firmware)
	c.arch(path, m)
	c.ok(!m.HTTP || m.Firmware == UEFI, path+".http_boot", "only uefi has it")
	c.ok(m.HTTPSCA == "" || m.Firmware == UEFI && m.Kind == KindQEMU, path+".https_ca", "only a qemu machine with uefi has it")
	c.ok(m.HTTPSCA == "" || filepath.IsAbs(m.HTTPSCA), path+".https_ca", "%q is no absolute path", m.HTTPSCA)
	c.ok(!m.Secure || m.Firmware == UEFI && m.Kind == KindQEMU, path+".secure_boot", "only a qemu machine with uefi has it")
	c.ok(m.Memory >= 128 && m.Memory <= 1<<20, path+".memory", "%d MiB is not between 128 and 1048576", m.Memory)
	c.ok(m.CPUs >= 1 && m.CPUs <= 64, path+".cpus", "%d is not between 1 and 64", m.CPUs)
	recorded := m.Kind == KindMockup
	c.ok(m.Power == "on" || m.Power == "off" || m.Power == "" && recorded, path+".power", "%q is not on or off", m.Power)
	c.label(path+".serial", m.Serial, 64)
	if m.Serial != "" || !recorded {
		c.once("serial", m.Serial, path+".serial")
	}
	c.label(path+".vendor", m.Vendor, 64)
	c.label(path+".model", m.Model, 64)
	c.label(path+".sku", m.SKU, 64)
	if m.UUID != "" || !recorded {
		if _, err := uuid.Parse(m.UUID); err != nil || len(m.UUID) != 36 {
			c.bad(path+".uuid", "%q is not a UUID", m.UUID)
		}
		c.once("uuid", m.UUID, path+".uuid")
	}
	for i, class := range m.Boot {
		c.ok(class == ClassNetwork || class == ClassDisk, fmt.Sprintf("%s.boot[%d]", path, i), "%q is not network or disk", class)
		c.ok(slices.Index(m.Boot, class) == i, fmt.Sprintf("%s.boot[%d]", path, i), "%s stands twice", class)
	}
	c.parts(path, m, r)
	c.told(path, m)
	c.bmc(path+".bmc", m.BMC)
}

func (c *checker) kind(path string, m *Machine) {
	c.delay(path+".delay", m.Delay)
	switch m.Kind {
	case KindQEMU:
		only := "only scripted machines have it: add kind: scripted"
		c.ok(m.Fault == "", path+".fault", "%s", only)
		c.ok(m.Delay == 0, path+".delay", "%s", only)
		c.ok(!m.Keep, path+".keep", "%s", only)
	case KindScripted:
		c.ok(m.Fault == "" || slices.Contains(Faults(), m.Fault), path+".fault", "%q is not one of %s", m.Fault, strings.Join(Faults(), ", "))
	case KindMockup:
		c.ok(m.BMC.Mockup != "", path+".bmc.mockup", "is empty: name a folder that holds redfish/v1, or a vendor's tree")
		c.ok(len(m.Disks) == 0 && m.Fault == "" && m.Delay == 0 && !m.Keep, path, "has disks, fault, delay or keep, but no machine stands behind a mockup")
		c.ok(m.Vendor == "" && m.Model == "" && m.SKU == "", path, "has vendor, model or sku: a mockup tells its own")
		return
	default:
		c.bad(path+".kind", "%q is not a kind of machine: use qemu, scripted or mockup", m.Kind)
	}
	c.ok(m.BMC.Mockup == "", path+".bmc.mockup", "no machine stands behind a mockup: leave kind out, or write kind: mockup")
}

// delay bounds the wait of a stage.
func (c *checker) delay(path string, d time.Duration) {
	c.ok(d >= 0 && d <= 10*time.Minute, path, "%s is not between 0s and 10m", d)
}

// relay wants both addresses or none.
func (c *checker) relay(r Relay) {
	if r == (Relay{}) {
		return
	}
	for _, f := range [][2]string{{"relay.listen", r.Listen}, {"relay.server", r.Server}} {
		a, err := netip.ParseAddr(f[1])
		c.ok(err == nil && a.Is4() && !a.IsUnspecified() && !a.IsMulticast(), f[0], "%q is not an IPv4 address, like 10.77.0.2", f[1])
	}
	c.interfaceName("relay.interface", r.Interface)
	c.ok(r.Listen != r.Server, "relay.listen", "is the server's address: both use UDP port 67, so the relay needs an address and a network namespace of its own")
}

func (c *checker) slot(path string, m *Machine, units int) {
	if m.U < 1 || m.Height < 1 || m.Height > units || m.U+m.Height-1 > units {
		c.bad(path+".u", "units %d to %d are not inside the rack's 1 to %d", m.U, m.U+m.Height-1, units)
		return
	}
	for u := m.U; u < m.U+m.Height; u++ {
		c.once("unit", fmt.Sprintf("%s/%d", m.Rack, u), path+".u")
	}
}

func (c *checker) parts(path string, m *Machine, r *Rack) {
	c.ok(len(m.NICs) <= maxNICs, path+".nics", "more than %d", maxNICs)
	c.ok(len(m.Disks) <= maxDisks, path+".disks", "more than %d", maxDisks)
	switch m.Kind {
	case KindMockup: // on no network
	case KindScripted:
		c.ok(len(m.NICs) == 0 || r.Relay.Listen != "", path+".nics", "the rack names no relay for them: add relay: {listen: 10.77.0.2, server: 10.77.0.1}")
	default:
		c.ok(len(m.NICs) == 0 || r.Bridge.Name != "", path+".nics", "the rack names no bridge for them: add bridge: {name: br0}")
	}
	for i, n := range m.NICs {
		at := fmt.Sprintf("%s.nics[%d]", path, i)
		c.part(path, at, n.Name)
		c.mac(at+".mac", n.MAC)
		c.ok(slices.Contains(nicModels, n.Model), at+".model", "%q is not one of %s", n.Model, strings.Join(nicModels, ", "))
		c.ok((n.Switch == "") == (n.Port == ""), at+".switch", "switch and port go together")
		c.ok(len(n.Switch) <= 255 && len(n.Port) <= 255, at+".switch", "is longer than the 255 bytes LLDP has for a name")
		if n.IPv6 != "" {
			a, err := netip.ParseAddr(n.IPv6)
			c.ok(err == nil && a.Is6(), at+".address6", "%q is not an IPv6 address", n.IPv6)
		}
		if n.Address != "" {
			_, err := netip.ParseAddr(n.Address)
			c.ok(err == nil, at+".address", "%q is not an IP address", n.Address)
			c.ok(n.Address != r.Relay.Listen, at+".address", "%s is the relay's own", n.Address)
		}
	}
	ahci := 0
	for i, d := range m.Disks {
		c.disk(path, fmt.Sprintf("%s.disks[%d]", path, i), d)
		if d.Bus == "ahci" {
			ahci++
		}
	}
	c.ok(ahci <= 5, path+".disks", "more than 5 on ahci: the controller has 6 ports and one is the CD drive's")
}

func (c *checker) part(machine, path, name string) {
	c.name(path+".name", name)
	c.ok(name != Media, path+".name", "%q is the virtual CD drive's name", Media)
	c.once("part", machine+"/"+name, path+".name")
}

func (c *checker) disk(machine, path string, d Disk) {
	c.part(machine, path, d.Name)
	c.ok(d.Size >= 1<<20 && d.Size <= maxDiskSize && d.Size%512 == 0, path+".size", "must be a multiple of 512 bytes, 1MiB to 64TiB")
	c.label(path+".serial", d.Serial, 20)
	c.once("disk serial", d.Serial, path+".serial")
	c.ok(slices.Contains(diskBuses, d.Bus), path+".bus", "%q is not one of %s", d.Bus, strings.Join(diskBuses, ", "))
	if d.WWN != "" {
		c.ok(wwnPattern.MatchString(d.WWN), path+".wwn", "%q is not 0x and 16 hex digits", d.WWN)
		c.ok(d.Bus == "ahci" || d.Bus == "scsi", path+".wwn", "only ahci and scsi disks carry one")
		c.once("wwn", strings.ToLower(d.WWN), path+".wwn")
	}
}

func (c *checker) bmc(path string, b BMC) {
	ap, err := netip.ParseAddrPort(b.Address)
	if err != nil || ap.Port() == 0 || ap.Addr().IsUnspecified() || ap.Addr().IsMulticast() {
		c.bad(path+".address", "%q is not an IP address with an optional port, like 10.78.0.11 or 127.0.0.1:8443", b.Address)
	} else {
		c.once("bmc address", ap.String(), path+".address")
	}
	c.label(path+".username", b.Username, 32)
	c.ok(!strings.Contains(b.Username, ":"), path+".username", "holds a colon, which HTTP Basic authentication forbids")
	if b.Password != "" {
		c.ok(len(b.Password) <= 128 && printable(b.Password), path+".password", "must be 1 to 128 printable characters")
	}
	if b.MAC != "" {
		c.mac(path+".mac", b.MAC)
	}
	c.ok(b.Lockout >= 0 && b.Lockout <= 100, path+".lockout", "%d is not between 0 and 100", b.Lockout)
	c.ok(b.Restart >= 0 && b.Restart <= 10*time.Minute, path+".restart", "%s is not between 0s and 10m", b.Restart)
	c.ok(b.Latency >= 0 && b.Latency <= 10*time.Minute, path+".latency", "%s is not between 0s and 10m", b.Latency)
	c.ok(len(b.Faults) <= maxFaults, path+".faults", "more than %d", maxFaults)
	for i, f := range b.Faults {
		err := f.Check()
		c.ok(err == nil, fmt.Sprintf("%s.faults[%d]", path, i), "%v", err)
	}
	c.ok(b.Console >= 0 && b.Console <= 65535, path+".console_port", "%d is no port", b.Console)
	c.ok(b.Clock.Abs() <= 100*365*24*time.Hour, path+".clock", "is more than a hundred years off")
}

func (c *checker) mac(path, text string) {
	hw, err := net.ParseMAC(text)
	if err != nil || len(hw) != 6 {
		c.bad(path, "%q is not a MAC address like 52:54:00:77:00:01", text)
		return
	}
	c.ok(hw[0]&1 == 0, path, "%s is a multicast address", text)
	c.once("mac", hw.String(), path)
}

func (c *checker) label(path, text string, longest int) {
	c.ok(len(text) <= longest && printable(text), path, "must be at most %d printable ASCII characters", longest)
}

func printable(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < 0x20 || r > 0x7e })
}
