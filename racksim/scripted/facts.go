package scripted

import (
	"cmp"
	"fmt"
	"time"

	"rackwright/inventory"
	"rackwright/racksim"
)

// facts are what an agent would read of this machine.
func (m *Machine) facts() inventory.Facts {
	spec := m.Machine
	m.mu.Lock()
	bios := cmp.Or(m.bios, "racksim")
	m.mu.Unlock()
	f := inventory.Facts{Source: "agent", Observed: time.Now().UTC(), Firmware: inventory.Firmware(spec.Firmware), MemoryMiB: int64(spec.Memory),
		System: inventory.System{Vendor: spec.Vendor, Product: spec.Model, Serial: spec.Serial, UUID: spec.UUID, BIOSVersion: bios},
		CPUs:   []inventory.CPU{{Socket: "CPU 0", Model: "scripted processor", Cores: spec.CPUs, Threads: spec.CPUs}}}
	for _, d := range spec.DIMMs {
		f.DIMMs = append(f.DIMMs, inventory.DIMM{Slot: d.Slot, SizeMiB: int64(d.Size), SpeedMTs: d.Speed, Vendor: d.Vendor, Serial: d.Serial})
	}
	for i, d := range spec.Disks {
		f.Disks = append(f.Disks, m.disk(i, d))
	}
	for i, n := range spec.NICs {
		mac, err := inventory.ParseMAC(n.MAC)
		if err != nil {
			continue
		}
		f.NICs = append(f.NICs, inventory.SeenNIC{Name: fmt.Sprintf("eth%d", i), MAC: mac, Driver: "scripted", Mbps: 25000, Link: true})
		if n.Switch != "" {
			f.LLDP = append(f.LLDP, inventory.Neighbor{NIC: fmt.Sprintf("eth%d", i), Chassis: "52:54:00:4c:4c:44", Port: n.Port, System: n.Switch})
		}
	}
	return f
}

// disk is a disk as the agent's kernel shows it.
func (m *Machine) disk(i int, d racksim.Disk) inventory.Disk {
	path, kind := fmt.Sprintf("/dev/sd%c", 'a'+i), "hdd"
	switch d.Bus {
	case "virtio":
		path, kind = fmt.Sprintf("/dev/vd%c", 'a'+i), "virtual"
	case "nvme":
		path, kind = fmt.Sprintf("/dev/nvme%dn1", i), "nvme"
	}
	serial := d.Serial
	if m.Machine.Fault == racksim.FaultWrongDisk {
		serial = "WRONG-" + serial
	}
	out := inventory.Disk{Path: path, Serial: serial, WWN: d.WWN, Model: "racksim disk", Bytes: int64(d.Size), Type: kind, BlockBytes: 512}
	m.mu.Lock()
	defer m.mu.Unlock()
	if s := m.disks[d.Name]; s != nil {
		out.Holds, out.Owner = []string{"GPT with 2 partitions"}, &inventory.DiskOwner{Operation: s.operation, Whole: true}
	} else if !m.emptied[i] {
		out.Holds = d.Holds
	}
	return out
}
