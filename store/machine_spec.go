package store

import (
	"context"
	"slices"

	"rackwright/inventory"
)

// machineSpec is what a plan says of a machine, as one document in its row, so that reading a
// machine reads one row of it. Ports, bonds, VLANs, cables and labels stand in tables of their
// own as well, for what must be unique or fit and for searches; whoever writes the one writes
// the other, in the same transaction.
type machineSpec struct {
	NICs     []inventory.NIC    `json:"nics,omitempty"`
	Bonds    []inventory.Bond   `json:"bonds,omitempty"`
	PSUs     []inventory.PSU    `json:"psus,omitempty"`
	RootDisk inventory.DiskHint `json:"root_disk,omitzero"`
	Labels   map[string]string  `json:"labels,omitempty"`
	Tags     []string           `json:"tags,omitempty"` // sorted
	Waivers  []inventory.Waiver `json:"waivers,omitempty"`
	Netboot  inventory.Netboot  `json:"netboot,omitempty"`
}

func specOfMachine(m *inventory.Machine) machineSpec {
	return machineSpec{m.NICs, m.Bonds, m.PSUs, m.RootDisk, m.Labels, slices.Sorted(slices.Values(m.Tags)), m.Waivers, m.Netboot}
}

// tell gives a machine what its document says.
func (s *machineSpec) tell(m *inventory.Machine) {
	m.NICs, m.Bonds, m.PSUs, m.RootDisk, m.Labels, m.Tags, m.Waivers, m.Netboot = s.NICs, s.Bonds, s.PSUs, s.RootDisk, s.Labels, s.Tags, s.Waivers, s.Netboot
}

func writeSpec(ctx context.Context, tx *txn, m *inventory.Machine) error {
	_, err := exec(ctx, tx, `UPDATE machine SET spec = $1 WHERE id = $2`, toJSON(specOfMachine(m)), m.ID)
	return err
}
