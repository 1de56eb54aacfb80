package racksim

import (
	"fmt"
	"strings"
)

// DIMM is a memory module as Redfish and the scripted agent show it. It is what is told,
// not what QEMU gives the guest.
type DIMM struct {
	Slot   string `yaml:"slot"` // default A1, A2, ...
	Size   int    `yaml:"size"` // MiB
	Speed  int    `yaml:"speed"`
	Vendor string `yaml:"vendor"`
	Serial string `yaml:"serial"`
	Health string `yaml:"health"` // ok (default), warning or critical
}

// Fan is a fan as Redfish shows it.
type Fan struct {
	Name   string `yaml:"name"`   // default Fan 1, Fan 2, ...
	Failed bool   `yaml:"failed"` // stands still
}

// Health of a part, as a rack file says it.
const (
	HealthOK       = "ok"
	HealthWarning  = "warning"
	HealthCritical = "critical"
)

// PSU is a power supply as Redfish shows it.
type PSU struct {
	Name   string `yaml:"name"`  // default PSU 1, PSU 2, ...
	Watts  int    `yaml:"watts"` // capacity, default 500
	Serial string `yaml:"serial"`
	Input  string `yaml:"input"` // ok (default), lost, failed (it is fed and gives nothing), or absent for an empty bay
}

// Input of a power supply.
const (
	InputOK     = "ok"
	InputLost   = "lost"
	InputFailed = "failed"
	InputAbsent = "absent"
)

// Limits of what a BMC tells.
const (
	maxDIMMs      = 64
	maxPSUs       = 8
	maxFans       = 32
	maxVersions   = 64
	maxAttributes = 500
)

// setToldDefaults fills in what the BMC tells of parts that nothing simulates.
func (m *Machine) setToldDefaults() {
	if m.DIMMs == nil {
		m.DIMMs = []DIMM{{Slot: "DIMM 0", Size: m.Memory}}
	}
	for i := range m.DIMMs {
		setString(&m.DIMMs[i].Slot, fmt.Sprintf("A%d", i+1))
		setString(&m.DIMMs[i].Health, HealthOK)
	}
	if m.Fans == nil {
		m.Fans = make([]Fan, 2)
	}
	for i := range m.Fans {
		setString(&m.Fans[i].Name, fmt.Sprintf("Fan %d", i+1))
	}
	if m.PSUs == nil {
		m.PSUs = make([]PSU, 2)
	}
	for i := range m.PSUs {
		p := &m.PSUs[i]
		setString(&p.Name, fmt.Sprintf("PSU %d", i+1))
		setString(&p.Serial, fmt.Sprintf("%.17s-P%d", m.Serial, i+1))
		setString(&p.Input, InputOK)
		setInt(&p.Watts, 500)
	}
}

// told checks what the BMC tells.
func (c *checker) told(path string, m *Machine) {
	c.label(path+".asset_tag", m.AssetTag, 63)
	c.ok(len(m.DIMMs) <= maxDIMMs, path+".dimms", "more than %d", maxDIMMs)
	for i, d := range m.DIMMs {
		at := fmt.Sprintf("%s.dimms[%d]", path, i)
		c.label(at+".slot", d.Slot, 64)
		c.label(at+".vendor", d.Vendor, 64)
		c.label(at+".serial", d.Serial, 64)
		c.once("DIMM slot", m.Name+"/"+d.Slot, at+".slot")
		c.ok(d.Size >= 1 && d.Size <= 1<<22, at+".size", "%d MiB is not between 1 and 4194304", d.Size)
		c.ok(d.Health == HealthOK || d.Health == HealthWarning || d.Health == HealthCritical, at+".health", "%q is not ok, warning or critical", d.Health)
		c.ok(d.Speed >= 0 && d.Speed <= 100_000, at+".speed", "%d MT/s is not between 0 and 100000", d.Speed)
	}
	c.ok(len(m.PSUs) <= maxPSUs, path+".psus", "more than %d", maxPSUs)
	for i, p := range m.PSUs {
		at := fmt.Sprintf("%s.psus[%d]", path, i)
		c.label(at+".name", p.Name, 64)
		c.label(at+".serial", p.Serial, 64)
		c.once("power supply", m.Name+"/"+p.Name, at+".name")
		c.ok(p.Watts >= 1 && p.Watts <= 100_000, at+".watts", "%d is not between 1 and 100000", p.Watts)
		c.ok(p.Input == InputOK || p.Input == InputLost || p.Input == InputFailed || p.Input == InputAbsent, at+".input", "%q is not ok, lost, failed or absent", p.Input)
	}
	c.ok(len(m.Fans) <= maxFans, path+".fans", "more than %d", maxFans)
	for i, f := range m.Fans {
		at := fmt.Sprintf("%s.fans[%d].name", path, i)
		c.label(at, f.Name, 64)
		c.once("fan", m.Name+"/"+f.Name, at)
	}
	c.pairs(path+".versions", m.Versions, maxVersions, true)
	c.pairs(path+".attributes", m.Attributes, maxAttributes, false)
}

// pairs bounds a map of names and values; ids also stand in URIs.
func (c *checker) pairs(path string, all map[string]string, most int, ids bool) {
	c.ok(len(all) <= most, path, "more than %d", most)
	for name, value := range all {
		c.label(path, name, 64)
		c.label(path+"."+name, value, 256)
		c.ok(name != "" && (!ids || !strings.ContainsAny(name, "/?#% ")), path, "%q is not an id", name)
	}
}
