package ramdisk

import (
	"path"
	"slices"
	"strings"

	"rackwright/fault"
)

// set is modules that are wanted for one purpose: whole folders of the kernel's tree, and
// single ones.
type set struct {
	name    string
	folders []string // below kernel/, without those of except
	except  []string
	modules []string
}

// sets are what an ordinary ramdisk is made of: every driver of a server's network ports
// and disk controllers that the kernel has, what reads the file systems on its disks, and
// what reaches its BMC and a person's keyboard.
func sets() []set {
	return []set{
		{name: "network", folders: []string{"drivers/net/ethernet", "drivers/net/phy", "drivers/net/mdio", "drivers/net/pcs", "drivers/net/hyperv", "drivers/net/vmxnet3"},
			except:  []string{"drivers/net/ethernet/mellanox/mlxsw", "drivers/net/ethernet/mellanox/mlxfw"}, // ASICs of switches
			modules: []string{"virtio_net", "xen_netfront", "af_packet", "8021q", "bonding"}},
		{name: "storage", folders: []string{"drivers/nvme/host", "drivers/nvme/common", "drivers/ata", "drivers/scsi", "drivers/message/fusion"},
			except: []string{"drivers/scsi/pcmcia", "drivers/ata/pata_pcmcia.ko"},
			modules: []string{"virtio_blk", "virtio_scsi", "xen_blkfront", "mtip32xx", "loop", "mmc_block", "sdhci_pci", "sdhci_acpi", "vmd", "pci_hyperv", "md_mod", "linear", "raid0", "raid1",
				"raid10", "raid456", "dm_mod", "dm_raid", "dm_mirror", "dm_snapshot", "dm_thin_pool", "dm_crypt", "dm_multipath", "dm_round_robin", "dm_service_time"}},
		{name: "files", modules: []string{"ext4", "xfs", "btrfs", "vfat", "nls_cp437", "nls_ascii", "nls_iso8859_1", "nls_utf8", "isofs", "squashfs", "overlay", "efivarfs",
			"crc32c_generic", "crc32c_intel", "dm_mod"}},
		{name: "virtual", folders: []string{"drivers/virtio", "drivers/hv"}, modules: []string{"virtio_rng"}},
		{name: "management", folders: []string{"drivers/edac"}, modules: []string{"ipmi_si", "ipmi_ssif", "ipmi_devintf", "ipmi_msghandler"}},
		{name: "console", modules: []string{"xhci_pci", "xhci_hcd", "ehci_pci", "ohci_pci", "uhci_hcd", "usb_storage", "uas", "usbhid", "hid_generic", "atkbd", "i8042", "cdc_ether", "rndis_host", "rtc_cmos"}},
	}
}

// small is the set of a ramdisk that must be small: hypervisors' devices and the most
// common of servers'.
func small() set {
	return set{name: "small", modules: []string{"virtio_net", "virtio_blk", "virtio_scsi", "virtio_pci", "virtio_mmio", "virtio_rng", "e1000", "e1000e", "igb", "ixgbe", "mlx5_core", "bnxt_en",
		"nvme", "ahci", "ata_piix", "sd_mod", "sr_mod", "af_packet", "8021q", "efivarfs", "md_mod", "raid1", "loop", "ext4", "isofs", "squashfs", "overlay", "vfat", "nls_cp437", "nls_ascii", "nls_iso8859_1", "crc32c_generic",
		"ipmi_si", "ipmi_devintf"}}
}

// defaultModules are drivers that any kernel for servers and hypervisors should have:
// those it lacks are reported.
func defaultModules() []string {
	return []string{"virtio_net", "virtio_blk", "virtio_scsi", "virtio_pci", "virtio_mmio", "virtio_rng", "nvme", "ahci", "ata_piix", "sd_mod",
		"e1000", "e1000e", "igb", "igc", "ixgbe", "i40e", "ice", "bnxt_en", "bnx2x", "mlx4_en", "mlx5_core", "tg3", "r8169", "ena", "gve",
		"vmxnet3", "vmw_pvscsi", "hv_netvsc", "hv_storvsc", "megaraid_sas", "mpt3sas", "hpsa", "smartpqi", "af_packet", "efivarfs"}
}

// SetNames are the sets that Options.Only may name.
func SetNames() []string {
	names := []string{small().name}
	for _, s := range sets() {
		names = append(names, s.name)
	}
	return names
}

// choose lists the modules wanted, by name and sorted, and the ones that are missed when
// the kernel does not have them. A name in Only that is no set is a module.
func (o Options) choose(t *kernelTree) (wanted, expected []string, err error) {
	named := slices.Clone(o.Modules)
	var chosen []set
	for _, only := range o.Only {
		if i := slices.IndexFunc(append(sets(), small()), func(s set) bool { return s.name == only }); i >= 0 {
			chosen = append(chosen, append(sets(), small())[i])
		} else {
			named = append(named, only)
		}
	}
	switch {
	case len(o.Modules) == 0 && len(o.Only) == 0:
		chosen, expected = sets(), defaultModules()
	case slices.ContainsFunc(chosen, func(s set) bool { return s.name == "small" }):
		expected = small().modules
	}
	for i := range named {
		named[i] = plainName(named[i])
		if strings.ContainsAny(named[i], "/ *") {
			return nil, nil, fault.Invalidf("%q is no module and no set", named[i]).WithHint("sets are %s", strings.Join(SetNames(), ", "))
		}
		if err := t.unknown(named[i]); err != nil {
			return nil, nil, err
		}
	}
	wanted, expected = append(wanted, named...), append(expected, named...)
	for _, s := range chosen {
		wanted = append(wanted, s.in(t)...)
	}
	slices.Sort(wanted)
	slices.Sort(expected)
	return slices.Compact(wanted), slices.Compact(expected), nil
}

// in lists the modules of a set that this kernel may have.
func (s set) in(t *kernelTree) []string {
	names := slices.Clone(s.modules)
	for name, file := range t.paths {
		file = strings.TrimPrefix(path.Clean(file), "kernel/")
		if within(file, s.folders) && !within(file, s.except) {
			names = append(names, name)
		}
	}
	return names
}

func within(file string, folders []string) bool {
	return slices.ContainsFunc(folders, func(f string) bool {
		return strings.HasPrefix(file, f+"/") || strings.HasPrefix(file, f) && strings.HasSuffix(f, ".ko")
	})
}

// plainName is a module's name as the kernel has it: it reads '-' and '_' as one.
func plainName(s string) string { return strings.ReplaceAll(s, "-", "_") }
