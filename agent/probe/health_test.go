package probe

import (
	"context"
	"encoding/binary"
	"errors"
	"reflect"
	"testing"

	"rackwright/inventory"
)

// devices answers as devices would; what it lacks it refuses.
type devices struct {
	nvme  map[string][]byte
	scsi  map[byte][]byte // by log page
	ata   map[byte][]byte // by feature
	fails bool
	bmc   *inventory.Controller
	asked int
}

var errRefused = errors.New("refused")

func (d *devices) ATA(_ string, c ATACommand) ([]byte, ATARegisters, error) {
	if c.Command == ataReadLogExt {
		return give(d.ata[statsSolid])
	}
	if c.Feature == smartStatus && d.fails {
		return nil, ATARegisters{failingMid, failingHigh}, nil
	}
	return give(d.ata[c.Feature])
}

func give(b []byte) ([]byte, ATARegisters, error) {
	if b == nil {
		return nil, ATARegisters{}, errRefused
	}
	return b, ATARegisters{smartMid, smartHigh}, nil
}

func (d *devices) SCSI(_ string, command []byte, _ int) ([]byte, error) {
	b, _, err := give(d.scsi[command[2]&0x3f])
	if command[0] == scsiReadDefects {
		b, _, err = give(d.scsi[scsiReadDefects])
	}
	return b, err
}

func (d *devices) NVMe(path string, _ byte, _ int) ([]byte, error) {
	d.asked++
	b, _, err := give(d.nvme[path])
	return b, err
}

func (d *devices) Driver(nic string) string                                     { return "fw of " + nic }
func (d *devices) BMC(context.Context) (*inventory.Controller, []inventory.MAC) { return d.bmc, nil }

func percent(n int) *int { return &n }

func nvmeLog() []byte {
	b := make([]byte, 512)
	b[0], b[3], b[5] = 0x04, 90, 101 // unreliable
	binary.LittleEndian.PutUint16(b[1:], 273+41)
	b[128], b[129], b[160] = 0x10, 0x27, 3
	return b
}

func TestANVMeDiskTellsItsState(t *testing.T) {
	got := nvmeHealth(&devices{nvme: map[string][]byte{"/dev/nvme0": nvmeLog()}}, "/dev/nvme0")
	want := &inventory.DiskHealth{Temperature: 41, Wear: percent(101), Spare: percent(90), PowerOnHours: 10000, MediaErrors: 3, Warnings: []string{"unreliable"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
	if w := got.Warning(); w != "unreliable, 101 % worn" {
		t.Error(w)
	}
	if nvmeHealth(&devices{}, "/dev/nvme1") != nil {
		t.Error("a disk that does not answer has a state")
	}
}

// attributes renders a drive's table of number and raw value.
func attributes(raw map[byte]uint64) []byte {
	b := make([]byte, 512)
	at := 2
	for id, v := range raw {
		b[at] = id
		for i := range 6 {
			b[at+5+i] = byte(v >> (8 * i))
		}
		at += attributeBytes
	}
	var sum byte
	for _, v := range b {
		sum += v
	}
	b[511] = -sum
	return b
}

func TestASATADiskTellsItsState(t *testing.T) {
	solid := make([]byte, 512)
	solid[2] = statsSolid
	binary.LittleEndian.PutUint64(solid[8:], 3<<62|7)
	d := &devices{ata: map[byte][]byte{smartStatus: {}, statsSolid: solid, smartData: attributes(map[byte]uint64{5: 12, 9: 0x1234_0000_2710, 194: 0x0028_0014_0023, 197: 2, 187: 1, 198: 4})}}
	want := &inventory.DiskHealth{Passed: true, Temperature: 35, Wear: percent(7), PowerOnHours: 10000, MediaErrors: 4, Reallocated: 12, Pending: 2}
	if got := ataHealth(d, "/dev/sda"); !reflect.DeepEqual(got, want) || got.Warning() != "2 unreadable sectors" {
		t.Errorf("%+v", got)
	}
	d.fails = true
	if got := ataHealth(d, "/dev/sda"); got.Passed || got.Warning() != "2 unreadable sectors" && got.Warning() == "" {
		t.Errorf("%+v", got)
	}
	if ataHealth(&devices{}, "/dev/sda") != nil {
		t.Error("a disk without SMART has a state")
	}
}

func logPage(page byte, parameters ...[]byte) []byte {
	b := []byte{page, 0, 0, 0}
	for i, p := range parameters {
		code := uint16(i)
		if page == pageSolid {
			code = 1
		}
		if page == pageReadErrors {
			code = 6
		}
		b = append(append(b, byte(code>>8), byte(code), 0, byte(len(p))), p...)
	}
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)-4))
	return b
}

func TestASASDiskTellsItsState(t *testing.T) {
	d := &devices{scsi: map[byte][]byte{pageExceptions: logPage(pageExceptions, []byte{0x5d, 0x10, 33, 0}), pageSolid: logPage(pageSolid, []byte{0, 0, 0, 9}),
		pageReadErrors: logPage(pageReadErrors, []byte{0, 0, 1, 0}), pageBackground: logPage(pageBackground, []byte{0, 9, 0x27, 0xc0, 0, 0, 0, 0}),
		scsiReadDefects: {0, 0x0d, 0, 0, 0, 0, 0, 16}}}
	want := &inventory.DiskHealth{Temperature: 33, Wear: percent(9), PowerOnHours: 10000, MediaErrors: 256, Reallocated: 2, Warnings: []string{"it predicts its failure (code 5d/10)"}}
	if got := scsiHealth(d, "/dev/sda"); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
	if scsiHealth(&devices{}, "/dev/sda") != nil {
		t.Error("a disk without log pages has a state")
	}
}

func TestDevicesAreAskedOnceAndDisksThatComeLaterToo(t *testing.T) {
	d := &devices{nvme: map[string][]byte{"/dev/nvme0": nvmeLog()}, bmc: &inventory.Controller{Firmware: "1.2"}}
	depth := &Depth{Tree: Tree{Root: t.TempDir()}, Asker: d}
	facts := func(disks ...string) inventory.Facts {
		f := inventory.Facts{NICs: []inventory.SeenNIC{{Name: "eth0"}}}
		for _, path := range disks {
			f.Disks = append(f.Disks, inventory.Disk{Path: path})
		}
		depth.Add(t.Context(), &f)
		return f
	}
	f := facts("/dev/vda")
	if f.BMC == nil || f.NICs[0].Firmware != "fw of eth0" || f.Disks[0].Health != nil || d.asked != 0 {
		t.Errorf("%+v", f)
	}
	for range 2 {
		if f = facts("/dev/vda", "/dev/nvme0n1"); f.Disks[1].Health == nil || d.asked != 1 {
			t.Errorf("%+v, asked %d times", f.Disks, d.asked)
		}
	}
}

func TestADegradedLinkIsSeenAgainstWhatDeviceAndSlotCanDo(t *testing.T) {
	at := func(name, value string) (string, string) { return "sys/devices/pci0000:00/" + name, value + "\n" }
	files := map[string]string{
		"sys/bus/pci/devices/0000:00:01.0": "-> ../../../devices/pci0000:00/0000:00:01.0",
		"sys/bus/pci/devices/0000:01:00.0": "-> ../../../devices/pci0000:00/0000:00:01.0/0000:01:00.0",
		"sys/bus/pci/devices/0000:00:1f.0": "-> ../../../devices/pci0000:00/0000:00:1f.0",
	}
	for name, value := range map[string]string{
		"0000:00:01.0/class": "0x060400", "0000:00:01.0/max_link_width": "8", "0000:00:01.0/max_link_speed": "8.0 GT/s PCIe",
		"0000:00:01.0/0000:01:00.0/class": "0x020000", "0000:00:01.0/0000:01:00.0/vendor": "0x15b3", "0000:00:01.0/0000:01:00.0/device": "0x1017",
		"0000:00:01.0/0000:01:00.0/subsystem_vendor": "0x15b3", "0000:00:01.0/0000:01:00.0/subsystem_device": "0x0006",
		"0000:00:01.0/0000:01:00.0/current_link_width": "4", "0000:00:01.0/0000:01:00.0/max_link_width": "16",
		"0000:00:01.0/0000:01:00.0/current_link_speed": "8.0 GT/s PCIe", "0000:00:01.0/0000:01:00.0/max_link_speed": "16.0 GT/s PCIe",
		"0000:00:1f.0/class": "0x010601", "0000:00:1f.0/vendor": "0x8086", "0000:00:1f.0/device": "0x2922", "0000:00:1f.0/current_link_speed": "Unknown", "0000:00:1f.0/max_link_width": "255",
	} {
		path, content := at(name, value)
		files[path] = content
	}
	got := tree(t, files).PCI()
	want := []inventory.PCIDevice{{Address: "0000:00:1f.0", ID: "8086:2922", Class: "0106"},
		{Address: "0000:01:00.0", ID: "15b3:1017", Subsystem: "15b3:0006", Class: "0200", Speed: "8.0 GT/s", MaxSpeed: "8.0 GT/s", Width: 4, MaxWidth: 8}}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%+v", got)
	}
	if got[0].Degraded() || !got[1].Degraded() {
		t.Error("the wrong one is degraded")
	}
	f := inventory.Facts{PCI: got}
	if w := f.Warnings(); len(w) != 1 || w[0] != "PCI device 0000:01:00.0 (15b3:1017) runs at x4 8.0 GT/s and could at x8 8.0 GT/s" {
		t.Error(w)
	}
}

func TestMemoryControllersCount(t *testing.T) {
	got := tree(t, map[string]string{"sys/devices/system/edac/mc/mc0/ce_count": "3\n", "sys/devices/system/edac/mc/mc1/ue_count": "1\n"}).MemoryErrors()
	if got == nil || *got != (inventory.MemoryErrors{Corrected: 3, Uncorrected: 1}) {
		t.Errorf("%+v", got)
	}
	if tree(t, map[string]string{"sys/": ""}).MemoryErrors() != nil {
		t.Error("nobody counted")
	}
}

func TestADrivesVerdictIsReadInBothFormsOfSenseData(t *testing.T) {
	descriptor := make([]byte, 22)
	descriptor[0], descriptor[8], descriptor[9], descriptor[17], descriptor[19] = 0x72, 0x09, 0x0c, failingMid, failingHigh
	fixed := make([]byte, 18)
	fixed[0], fixed[10], fixed[11], fixed[13] = 0x70, failingMid, failingHigh, 0x1d
	for name, b := range map[string][]byte{"descriptor": descriptor, "fixed": fixed} {
		if r, ok := ataRegisters(b); !ok || r != (ATARegisters{failingMid, failingHigh}) {
			t.Errorf("%s: %+v %v", name, r, ok)
		}
	}
	if _, ok := ataRegisters(nil); ok {
		t.Error("nothing is a verdict")
	}
}

// FuzzHealth gives a disk's answers to every question from the bytes.
func FuzzHealth(f *testing.F) {
	f.Add(nvmeLog())
	f.Add(attributes(map[byte]uint64{5: 1}))
	f.Add(logPage(pageExceptions, []byte{0, 0, 30, 0}))
	f.Fuzz(func(_ *testing.T, b []byte) {
		parseNVMe(b)
		h := &inventory.DiskHealth{}
		parseAttributes(b, h)
		parseSolid(b, h)
		d := &devices{scsi: map[byte][]byte{pageExceptions: b, pageSolid: b, pageReadErrors: b, pageBackground: b, scsiReadDefects: b}}
		scsiHealth(d, "/dev/sda")
		ataRegisters(b)
		_ = h.Warning()
	})
}
