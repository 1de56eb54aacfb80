package probe

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"rackwright/inventory"
)

// Asker puts questions to devices that a file cannot answer. Each bounds itself.
type Asker interface {
	// ATA sends an ATA command to a disk and returns what it gave, and its registers.
	ATA(path string, c ATACommand) (data []byte, registers ATARegisters, err error)
	// SCSI sends a command that reads at most so many bytes.
	SCSI(path string, command []byte, bytes int) ([]byte, error)
	// NVMe reads a log page of a controller.
	NVMe(path string, page byte, bytes int) ([]byte, error)
	// Driver returns the version of a network port's own firmware.
	Driver(nic string) string
	// BMC describes the machine's BMC, nil when its system cannot talk to one.
	BMC(ctx context.Context) (*inventory.Controller, []inventory.MAC)
}

// Bounds of the questions: how long they take altogether, how many disks are asked at
// once, and how long an answer is good.
const (
	askingTime = 20 * time.Second
	atOnce     = 16
	goodFor    = 10 * time.Minute
)

// Depth knows what devices said of themselves. It asks each once, and again after a while:
// questions to disks and to a BMC take long.
type Depth struct {
	Tree  Tree
	Asker Asker

	mu     sync.Mutex
	asked  time.Time
	disks  map[string]*inventory.DiskHealth // by device node
	nics   map[string]string
	bmc    *inventory.Controller
	macs   []inventory.MAC
	asking bool
}

// Add puts what is known into facts.
func (d *Depth) Add(ctx context.Context, f *inventory.Facts) {
	d.learn(ctx, f)
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range f.Disks {
		f.Disks[i].Health = d.disks[f.Disks[i].Path]
	}
	for i := range f.NICs {
		f.NICs[i].Firmware = d.nics[f.NICs[i].Name]
	}
	f.BMC = d.bmc
	if f.BMCs == nil {
		f.BMCs = d.macs
	}
}

// learn asks what was not asked yet. It waits for the answers no longer than askingTime:
// a disk that does not answer must not keep the machine from checking in.
func (d *Depth) learn(ctx context.Context, f *inventory.Facts) {
	d.mu.Lock()
	if fresh := time.Since(d.asked) < goodFor && d.knowsAll(f); d.asking || fresh {
		d.mu.Unlock()
		return
	}
	d.asking, d.asked = true, time.Now()
	if d.disks == nil {
		d.disks, d.nics = map[string]*inventory.DiskHealth{}, map[string]string{}
	}
	d.mu.Unlock()
	disks, nics := slices.Clone(f.Disks), slices.Clone(f.NICs) // they may still be asked when the caller goes on
	ctx, cancel := context.WithTimeout(ctx, askingTime)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer cancel()
		d.ask(ctx, disks, nics)
		d.mu.Lock()
		d.asking = false
		d.mu.Unlock()
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// knowsAll reports whether every disk was asked.
func (d *Depth) knowsAll(f *inventory.Facts) bool {
	for _, disk := range f.Disks {
		if _, ok := d.disks[disk.Path]; !ok {
			return false
		}
	}
	return true
}

func (d *Depth) ask(ctx context.Context, disks []inventory.Disk, nics []inventory.SeenNIC) {
	slots := make(chan struct{}, atOnce)
	var wait sync.WaitGroup
	wait.Go(func() {
		c, macs := d.Asker.BMC(ctx)
		d.mu.Lock()
		defer d.mu.Unlock()
		d.bmc, d.macs = c, macs
	})
	wait.Go(func() {
		for _, n := range nics {
			version := d.Asker.Driver(n.Name)
			d.mu.Lock()
			d.nics[n.Name] = clean(version)
			d.mu.Unlock()
		}
	})
	for _, disk := range disks {
		slots <- struct{}{}
		wait.Go(func() {
			defer func() { <-slots }()
			h := d.health(disk.Path)
			d.mu.Lock()
			defer d.mu.Unlock()
			d.disks[disk.Path] = h
		})
	}
	wait.Wait()
}

// health asks a disk in the language of its bus; nil when it has no answer.
func (d *Depth) health(path string) *inventory.DiskHealth {
	name := strings.TrimPrefix(path, "/dev/")
	at := "sys/block/" + name + "/"
	switch {
	case strings.HasPrefix(name, "nvme"):
		controller, _, _ := strings.Cut(name[len("nvme"):], "n")
		return nvmeHealth(d.Asker, "/dev/nvme"+controller)
	case !strings.HasPrefix(name, "sd"), strings.Contains(d.Tree.target(at+"device"), "/usb"): // bridges hang at commands they do not know
		return nil
	case d.Tree.text(at+"device/vendor") == "ATA":
		return ataHealth(d.Asker, path)
	}
	return scsiHealth(d.Asker, path)
}
