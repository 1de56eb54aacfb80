package run

import (
	"time"

	"rackwright/racksim"
	"rackwright/racksim/faults"
	"rackwright/racksim/mockup"
)

// How long a mockup's machine takes for what takes a real one minutes.
const (
	mockupTurn = 500 * time.Millisecond // from one power state to the next
	mockupWork = 2 * time.Second        // of an update
)

// shelf holds the trees that are read: the machines of a rack share them.
type shelf map[string]*mockup.Tree

// open is a machine's tree; nil for one that is no mockup.
func (s shelf) open(spec racksim.Machine) (*mockup.Tree, error) {
	name := spec.BMC.Mockup
	if name == "" {
		return nil, nil
	}
	if s[name] == nil {
		tree, err := mockup.Open(name)
		if err != nil {
			return nil, err
		}
		s[name] = tree
	}
	return s[name], nil
}

// replay makes the BMC of a tree.
func (b *bay) replay(cfg Config) error {
	set := faults.New(b.spec.BMC.Faults...)
	if d := b.spec.BMC.Latency; d > 0 {
		set.Add(faults.Fault{Kind: faults.Slow, Wait: d})
	}
	if n := b.spec.BMC.Lockout; n > 0 {
		set.Add(faults.Fault{Kind: faults.Lockout, After: n})
	}
	own := mockup.Own{Serial: b.spec.Serial, UUID: b.spec.UUID, AssetTag: b.spec.AssetTag}
	for _, n := range b.spec.NICs {
		own.MACs = append(own.MACs, n.MAC)
	}
	service, err := mockup.New(mockup.Config{
		Name: b.spec.Name, Tree: b.tree, Username: b.spec.BMC.Username, Password: b.spec.BMC.Password, Expired: b.spec.BMC.Expired,
		Own: own, Power: map[string]string{"on": "On", "off": "Off"}[b.spec.Power], Faults: set, Clock: b.spec.BMC.Clock,
		Turn: mockupTurn, Work: mockupWork, Restart: b.spec.BMC.Restart,
		SavePassword: b.state.savePassword, Logger: cfg.Logger, Now: cfg.Now,
	})
	b.service = service
	return err
}

// identify fills in what a mockup tells of its machine, for the plan.
func (b *bay) identify() racksim.Machine {
	spec := b.spec
	if b.tree == nil {
		return spec
	}
	is := b.tree.Identity()
	spec.Vendor, spec.Model, spec.Firmware = is.Vendor, is.Model, is.Firmware
	if spec.Serial == "" {
		spec.Serial = is.Serial
	}
	if spec.UUID == "" {
		spec.UUID = is.UUID
	}
	if spec.NICs == nil {
		for _, p := range is.Ports {
			spec.NICs = append(spec.NICs, racksim.NIC{Name: p.Name, MAC: p.MAC})
		}
	}
	return spec
}

// console is the log of the serial console; a mockup has none.
func (b *bay) console() string {
	if b.tree != nil {
		return "-"
	}
	return b.state.path("console.log")
}
