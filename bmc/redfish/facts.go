package redfish

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/stmcginnis/gofish/schemas"

	"rackwright/inventory"
)

// maxFactReads bounds how many resources Facts reads; a full server with 24 drives and
// 32 DIMMs has about 100.
const maxFactReads = 1000

// Facts reads the system and its parts. A collection that fails is left out, or given
// as far as it could be read, with a warning in the log: half the truth about the parts is
// better than none. Only a system that cannot be read, a BMC that denies us and the end of
// ctx are errors.
func (c *Controller) Facts(ctx context.Context) (inventory.Facts, error) {
	ctx = withBudget(ctx, maxFactReads)
	sys, err := c.read(ctx)
	if err != nil {
		return inventory.Facts{}, c.explain("read the system", err)
	}
	f := inventory.Facts{Source: "redfish", Observed: time.Now().UTC(), System: systemFacts(sys)}
	client := c.client.WithContext(ctx)
	for _, part := range []struct {
		name string
		read func() error
	}{
		{"processors", func() (err error) { f.CPUs, err = cpus(client, sys); return err }},
		{"memory", func() (err error) { f.DIMMs, f.MemoryMiB, err = dimms(client, sys); return err }},
		{"network interfaces", func() (err error) { f.NICs, err = nics(client, sys); return err }},
		{"drives", func() (err error) { f.Disks, err = disks(client, sys); return err }},
	} {
		err := part.read()
		if err == nil {
			continue
		}
		told := c.explain("read the "+part.name, err)
		if ctx.Err() != nil || c.wire.shut() {
			return inventory.Facts{}, told
		}
		c.log.Warn("bmc facts incomplete", "part", part.name, "err", told)
	}
	return f, nil
}

func systemFacts(s *system) inventory.System {
	serial := tidy(s.SerialNumber)
	if serial == "" {
		serial = tidy(s.SKU) // Dell's service tag
	}
	return inventory.System{
		Vendor:      tidy(s.Manufacturer),
		Product:     tidy(s.Model),
		Serial:      serial,
		UUID:        strings.ToLower(tidy(s.UUID)),
		BIOSVersion: tidy(s.BiosVersion),
		AssetTag:    tidy(s.AssetTag),
	}
}

// cpus lists the populated sockets; without a collection, as many as the summary counts.
func cpus(client schemas.Client, s *system) ([]inventory.CPU, error) {
	all, err := schemas.ListReferencedProcessors(client, s.Processors.URI)
	var out []inventory.CPU
	for _, p := range all {
		if p.Status.State == schemas.AbsentState || (p.ProcessorType != "" && p.ProcessorType != schemas.CPUProcessorType) {
			continue
		}
		out = append(out, inventory.CPU{Socket: first(p.Socket, p.ID), Model: tidy(p.Model),
			Cores: number(p.TotalCores), Threads: number(p.TotalThreads)})
	}
	if len(out) == 0 {
		for range min(max(s.ProcessorSummary.Count, 0), 64) {
			out = append(out, inventory.CPU{Model: tidy(s.ProcessorSummary.Model)})
		}
	}
	return out, err
}

// locator is where BMCs older than Memory v1.9 name the slot.
func locator(m *schemas.Memory) string {
	//lint:ignore SA1019 most BMCs in the field have nothing else
	return m.DeviceLocator
}

// dimms lists the modules and the memory in MiB: their sum, else what the summary says.
func dimms(client schemas.Client, s *system) ([]inventory.DIMM, int64, error) {
	all, err := schemas.ListReferencedMemorys(client, s.Memory.URI)
	var out []inventory.DIMM
	var sum int64
	for _, m := range all {
		size := int64(number(m.CapacityMiB))
		if m.Status.State == schemas.AbsentState || size <= 0 {
			continue
		}
		sum += size
		out = append(out, inventory.DIMM{Slot: first(m.Location.PartLocation.ServiceLabel, locator(m), m.ID), SizeMiB: size, SpeedMTs: number(m.OperatingSpeedMhz),
			Vendor: tidy(m.Manufacturer), Part: tidy(m.PartNumber), Serial: tidy(m.SerialNumber)})
	}
	if sum == 0 {
		sum = int64(s.MemorySummary.TotalSystemMemoryGiB * 1024)
	}
	return out, max(sum, 0), err
}

// nics lists the ports with an address; BMCs list ports with an empty or zero one too,
// and some the same port twice.
func nics(client schemas.Client, s *system) ([]inventory.SeenNIC, error) {
	all, err := schemas.ListReferencedEthernetInterfaces(client, s.EthernetInterfaces.URI)
	var out []inventory.SeenNIC
	for _, e := range all {
		mac, ok := macOf(e)
		if !ok || slices.ContainsFunc(out, func(n inventory.SeenNIC) bool { return n.MAC == mac }) {
			continue
		}
		nic := inventory.SeenNIC{Name: tidy(e.ID), MAC: mac, Link: e.LinkStatus == schemas.LinkUpLinkStatus}
		if nic.Link {
			nic.Mbps = number(e.SpeedMbps)
		}
		out = append(out, nic)
	}
	return out, err
}

// macOf is the burnt-in address, else the one in use.
func macOf(e *schemas.EthernetInterface) (inventory.MAC, bool) {
	for _, s := range []string{e.PermanentMACAddress, e.MACAddress} {
		if mac, err := inventory.ParseMAC(s); err == nil {
			return mac, true
		}
	}
	return inventory.MAC{}, false
}

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
		BlockBytes: number(d.BlockSizeBytes), Bay: tidy(d.ID)}
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

// first is the first of the strings that says something.
func first(all ...string) string {
	for _, s := range all {
		if s = tidy(s); s != "" {
			return s
		}
	}
	return ""
}

func number(n *int) int {
	if n == nil || *n < 0 {
		return 0
	}
	return *n
}
