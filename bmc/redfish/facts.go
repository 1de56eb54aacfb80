package redfish

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/stmcginnis/gofish/schemas"

	"rackwright/inventory"
)

// Most resources that one call reads: a full server with 24 drives and 32 DIMMs has
// about 100, and the firmware inventory as many again.
const (
	maxFactReads     = 1000
	maxIdentityReads = 200 // ports only
)

// Identity reads the system, its network ports and the BMC's own: what tells which machine
// it is, in a handful of requests.
func (c *Controller) Identity(ctx context.Context) (inventory.Facts, error) {
	ctx = withBudget(ctx, maxIdentityReads)
	f, sys, err := c.systemFacts(ctx)
	if err != nil {
		return f, err
	}
	client := c.under(ctx)
	return f, c.gather(ctx, []part{
		{"network interfaces", func() (err error) { f.NICs, err = nics(client, sys); return err }},
		{"BMC's own interfaces", func() (err error) { f.BMCs, err = ownMACs(client, c.ports); return err }},
	})
}

// Facts reads the system and its parts. A collection that fails is left out, or given
// as far as it could be read, with a warning in the log: half the truth about the parts is
// better than none. Only a system that cannot be read, a BMC that denies us and the end of
// ctx are errors.
func (c *Controller) Facts(ctx context.Context) (inventory.Facts, error) {
	ctx = withBudget(ctx, maxFactReads)
	f, sys, err := c.systemFacts(ctx)
	if err != nil {
		return f, err
	}
	client := c.under(ctx)
	err = c.gather(ctx, []part{
		{"network interfaces", func() (err error) { f.NICs, err = nics(client, sys); return err }},
		{"BMC's own interfaces", func() (err error) { f.BMCs, err = ownMACs(client, c.ports); return err }},
		{"processors", func() (err error) { f.CPUs, err = cpus(client, sys); return err }},
		{"memory", func() (err error) { f.DIMMs, f.MemoryMiB, err = dimms(client, sys); return err }},
		{"drives", func() (err error) { f.Disks, err = disks(client, sys); return err }},
		{"power supplies", func() (err error) { f.PSUs, err = supplies(client, sys); return err }},
		{"BIOS attributes", func() (err error) { f.BIOS, err = attributes(client, sys); return err }},
		{"firmware inventory", func() (err error) {
			f.Versions, err = versions(client, c.root.Updates, sys, c.firmware(ctx))
			return err
		}},
	})
	return f, err
}

// systemFacts starts facts with the system itself.
func (c *Controller) systemFacts(ctx context.Context) (inventory.Facts, *system, error) {
	sys, err := c.read(ctx)
	if err != nil {
		return inventory.Facts{}, nil, c.explain("read the system", err)
	}
	return inventory.Facts{Source: "redfish", Observed: time.Now().UTC(), System: systemFacts(sys),
		MemoryMiB: max(int64(sys.MemorySummary.TotalSystemMemoryGiB*1024), 0)}, sys, nil
}

// part is one kind of component and how to read it.
type part struct {
	name string
	read func() error
}

// gather reads what can be read.
func (c *Controller) gather(ctx context.Context, parts []part) error {
	for _, p := range parts {
		if err := c.forgiveAt(ctx, slog.LevelWarn, p.name, p.read()); err != nil {
			return err
		}
	}
	return nil
}

// forgive drops an error that is about one part of an answer: half the truth is better than
// none. A BMC that denies us and the end of ctx are not forgiven.
func (c *Controller) forgive(ctx context.Context, part string, err error) error {
	return c.forgiveAt(ctx, slog.LevelDebug, part, err)
}

func (c *Controller) forgiveAt(ctx context.Context, level slog.Level, part string, err error) error {
	if err == nil {
		return nil
	}
	told := c.explain("read the "+part, err)
	if ctx.Err() != nil || c.wire.shut() {
		return told
	}
	c.log.Log(ctx, level, "bmc answer incomplete", "part", part, "err", told)
	return nil
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
		for range min(max(number(s.ProcessorSummary.Count), 0), 64) {
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

func number(n *int) int {
	if n == nil || *n < 0 {
		return 0
	}
	return *n
}
