package redfish

import (
	"strings"

	"github.com/stmcginnis/gofish/schemas"

	"rackwright/inventory"
)

// disks lists the drives of every storage, and of SimpleStorage on BMCs without.
func disks(client schemas.Client, s *system) ([]inventory.Disk, error) {
	stores, err := schemas.ListReferencedStorages(client, s.Storage.URI)
	var out []inventory.Disk
	seen := map[string]bool{}
	for _, store := range stores {
		drives, readErr := store.Drives()
		if readErr != nil {
			err = readErr
		}
		for _, d := range drives {
			if seen[d.ODataID] || d.Status.State == schemas.AbsentState {
				continue
			}
			seen[d.ODataID] = true
			out = append(out, disk(d))
		}
	}
	if len(out) > 0 || s.SimpleStorage.URI == "" {
		return out, err
	}
	return simpleDisks(client, s)
}

func disk(d *schemas.Drive) inventory.Disk {
	out := inventory.Disk{Serial: tidy(d.SerialNumber), Model: first(d.Model, d.Name), Bytes: int64(number(d.CapacityBytes)),
		BlockBytes: number(d.BlockSizeBytes), Bay: first(d.PhysicalLocation.PartLocation.ServiceLabel, d.ID)}
	switch {
	case d.Protocol == schemas.NVMeProtocol:
		out.Type = "nvme"
	case d.MediaType == schemas.SSDMediaType:
		out.Type = "ssd"
	case d.MediaType == schemas.HDDMediaType || d.MediaType == schemas.SMRMediaType:
		out.Type = "hdd"
	}
	for _, id := range d.Identifiers {
		if id.DurableNameFormat == schemas.NAADurableNameFormat || id.DurableNameFormat == schemas.EUIDurableNameFormat {
			out.WWN = strings.ToLower(tidy(id.DurableName))
		}
	}
	return out
}

func simpleDisks(client schemas.Client, s *system) ([]inventory.Disk, error) {
	all, err := schemas.ListReferencedSimpleStorages(client, s.SimpleStorage.URI)
	var out []inventory.Disk
	for _, store := range all {
		for _, d := range store.Devices {
			if d.Status.State == schemas.AbsentState || d.CapacityBytes == nil || *d.CapacityBytes == 0 {
				continue
			}
			out = append(out, inventory.Disk{Model: first(d.Model, d.Name), Bytes: int64(*d.CapacityBytes)})
		}
	}
	return out, err
}
