package run

import (
	"bytes"
	"slices"

	"go.yaml.in/yaml/v3"

	"rackwright/fault"
	"rackwright/racksim"
)

// The rack plan that Rackwright reads; its fields are described in the docs of the
// plan, and what is not known here is left out.
type (
	rackPlan struct {
		Site  string     `yaml:"site"`
		Racks []planRack `yaml:"racks"`
	}
	planRack struct {
		Name     string        `yaml:"name"`
		Units    int           `yaml:"units"`
		Devices  []planDevice  `yaml:"devices,omitempty"`
		Machines []planMachine `yaml:"machines"`
	}
	planDevice struct {
		Name  string     `yaml:"name"`
		Kind  string     `yaml:"kind"`
		Ports []planPort `yaml:"ports"`
	}
	planPort struct {
		Name string `yaml:"name"`
	}
	planMachine struct {
		Name     string    `yaml:"name"`
		U        int       `yaml:"u"`
		Height   int       `yaml:"height,omitempty"`
		Arch     string    `yaml:"arch,omitempty"`
		Firmware string    `yaml:"firmware"`
		Netboot  string    `yaml:"netboot,omitempty"`
		Vendor   string    `yaml:"vendor"`
		Model    string    `yaml:"model"`
		Serial   string    `yaml:"serial"`
		UUID     string    `yaml:"uuid"`
		NICs     []planNIC `yaml:"nics,omitempty"`
		BMC      planBMC   `yaml:"bmc"`
		RootDisk *planDisk `yaml:"root_disk,omitempty"`
	}
	planNIC struct {
		Name    string     `yaml:"name"`
		MAC     string     `yaml:"mac"`
		Network string     `yaml:"network,omitempty"`
		Address string     `yaml:"address,omitempty"`
		IPv6    string     `yaml:"address6,omitempty"`
		Boot    bool       `yaml:"boot,omitempty"`
		Cable   *planCable `yaml:"cable,omitempty"`
	}
	planCable struct {
		To string `yaml:"to"`
	}
	planBMC struct {
		Address           string `yaml:"address"`
		Username          string `yaml:"username"`
		PasswordFile      string `yaml:"password_file"`
		CertificateSHA256 string `yaml:"certificate_sha256"`
		MAC               string `yaml:"mac,omitempty"`
	}
	planDisk struct {
		Serial string `yaml:"serial"`
	}
)

// Plan is the Rackwright rack plan for these machines, as YAML. A machine's root disk
// is the one that is marked so.
func (r *Rack) Plan() ([]byte, error) {
	p := rackPlan{Site: r.cfg.Rack.Site}
	at := map[string]int{}
	for _, b := range r.bays {
		i, known := at[b.spec.Rack]
		if !known {
			i = len(p.Racks)
			at[b.spec.Rack] = i
			p.Racks = append(p.Racks, planRack{Name: b.spec.Rack, Units: r.cfg.Rack.Units})
		}
		p.Racks[i].Machines = append(p.Racks[i].Machines, b.plan())
		for _, n := range b.spec.NICs {
			p.plug(i, n.Switch, n.Port)
		}
	}
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := enc.Encode(p); err != nil {
		return nil, fault.Internalf("rack plan: %w", err)
	}
	return out.Bytes(), nil
}

// plug gives a switch the port that a NIC is cabled to. A switch stands in the rack of the
// first machine on it.
func (p *rackPlan) plug(rack int, name, port string) {
	if name == "" {
		return
	}
	for i := range p.Racks {
		for j := range p.Racks[i].Devices {
			if d := &p.Racks[i].Devices[j]; d.Name == name {
				d.Ports = append(d.Ports, planPort{Name: port})
				return
			}
		}
	}
	p.Racks[rack].Devices = append(p.Racks[rack].Devices, planDevice{Name: name, Kind: "switch", Ports: []planPort{{Name: port}}})
}

func (b *bay) plan() planMachine {
	spec := b.identify()
	m := planMachine{
		Name: spec.Name, U: spec.U, Firmware: spec.Firmware,
		Vendor: spec.Vendor, Model: spec.Model, Serial: spec.Serial, UUID: spec.UUID,
		BMC: planBMC{
			Address: url(b.address()), Username: b.spec.BMC.Username, PasswordFile: b.state.passwordFile(),
			CertificateSHA256: b.fingerprint, MAC: b.spec.BMC.MAC,
		},
	}
	if b.spec.HTTP {
		m.Netboot = "http"
	}
	if spec.Arch != racksim.AMD64 { // the plan's default
		m.Arch = spec.Arch
	}
	if b.spec.Height > 1 {
		m.Height = b.spec.Height
	}
	for _, n := range spec.NICs {
		out := planNIC{Name: n.Name, MAC: n.MAC, Network: n.Network, Address: n.Address, IPv6: n.IPv6, Boot: n.Boots()}
		if n.Switch != "" {
			out.Cable = &planCable{To: n.Switch + ":" + n.Port}
		}
		m.NICs = append(m.NICs, out)
	}
	m.RootDisk = rootDisk(b.spec.Disks)
	return m
}

// rootDisk names the one marked disk, else the first. With two marked it names none.
func rootDisk(disks []racksim.Disk) *planDisk {
	marked := slices.DeleteFunc(slices.Clone(disks), func(d racksim.Disk) bool { return !d.Root })
	switch {
	case len(marked) == 1:
		return &planDisk{Serial: marked[0].Serial}
	case len(marked) == 0 && len(disks) > 0:
		return &planDisk{Serial: disks[0].Serial}
	}
	return nil
}
