package inventory_test

import (
	"slices"
	"strings"
	"testing"

	"rackwright/fault"
	"rackwright/inventory"
)

func TestADiskIsChosenOnlyWhenExactlyOneFits(t *testing.T) {
	fast := inventory.Disk{Path: "/dev/nvme0n1", Serial: " F1 ", WWN: "eui.0025", Model: "Fast NVMe", Bytes: 1 << 40, Type: "nvme"}
	big := inventory.Disk{Path: "/dev/sda", Serial: "B1", WWN: "0x5000C500", Model: "Big HDD", Bytes: 8 << 40, Type: "hdd"}
	big2 := inventory.Disk{Path: "/dev/sdb", Serial: "B2", WWN: "0x5000c501", Model: "Big HDD", Bytes: 8 << 40, Type: "hdd"}
	locked := inventory.Disk{Path: "/dev/sr0", Serial: "R1", Bytes: 1 << 30, ReadOnly: true}
	empty := inventory.Disk{Path: "/dev/sdc", Serial: "E1"}
	all := []inventory.Disk{fast, big, big2, locked, empty}
	for name, c := range map[string]struct {
		hint  inventory.DiskHint
		disks []inventory.Disk
		want  string // path, "" is refused
		says  string
	}{
		"the only one needs no hint":    {inventory.DiskHint{}, []inventory.Disk{fast, locked, empty}, "/dev/nvme0n1", ""},
		"several and no hint":           {inventory.DiskHint{}, all, "", "3 disks match"},
		"none at all":                   {inventory.DiskHint{}, nil, "", "no disks"},
		"by serial, whatever case":      {inventory.DiskHint{Serial: "f1"}, all, "/dev/nvme0n1", ""},
		"by WWN, whatever prefix":       {inventory.DiskHint{WWN: "naa.5000c500"}, all, "/dev/sda", ""},
		"by type":                       {inventory.DiskHint{Type: "nvme"}, all, "/dev/nvme0n1", ""},
		"two of one type":               {inventory.DiskHint{Type: "hdd"}, all, "", "/dev/sdb"},
		"by size":                       {inventory.DiskHint{MaxBytes: 1 << 40}, all, "/dev/nvme0n1", ""},
		"by size and model":             {inventory.DiskHint{MinBytes: 1 << 40, Model: "fast"}, all, "/dev/nvme0n1", ""},
		"all fields must match":         {inventory.DiskHint{Serial: "F1", Type: "hdd"}, all, "", "no disk matches serial=F1 type=hdd"},
		"read-only is never written":    {inventory.DiskHint{Serial: "R1"}, all, "", "no disk matches"},
		"one without size is no disk":   {inventory.DiskHint{Serial: "E1"}, all, "", "no disk matches"},
		"what was seen is listed":       {inventory.DiskHint{Serial: "gone"}, all, "", `"B2"`},
		"a wish nobody can have":        {inventory.DiskHint{MinBytes: 1 << 60}, all, "", "min_bytes="},
		"a part of a serial is not one": {inventory.DiskHint{Serial: "B"}, all, "", "no disk matches"},
	} {
		got, err := c.hint.Choose(c.disks)
		if c.want == "" {
			if !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), c.says) || fault.HintOf(err) == "" {
				t.Errorf("%s: got %s, %v", name, got.Path, err)
			}
		} else if err != nil || got.Path != c.want {
			t.Errorf("%s: got %s, %v", name, got.Path, err)
		}
	}
	if s := (inventory.DiskHint{}).String(); s != "no hint" || !(inventory.DiskHint{}).IsZero() {
		t.Errorf("no hint reads %q", s)
	}
}

func TestTheOrderOfDisksDoesNotDependOnWhoWasFoundFirst(t *testing.T) {
	at := func(path, bus, serial string, bytes int64, turns bool) inventory.Disk {
		return inventory.Disk{Path: path, BusPath: bus, Serial: serial, Bytes: bytes, Rotational: turns}
	}
	a := at("/dev/sda", "pci-0000:00:1f.2-ata-10", "A", 4<<40, true)
	b := at("/dev/sdb", "pci-0000:00:1f.2-ata-2", "B", 4<<40, true)
	c := at("/dev/nvme0n1", "pci-0000:41:00.0-nvme-1", "C", 1<<40, false)
	d := at("/dev/nvme1n1", "pci-0000:42:00.0-nvme-1", "D", 1<<40, false)
	twin := at("/dev/sdc", "", "", 1<<30, true)
	for name, c := range map[string]struct {
		hint  inventory.DiskHint
		disks []inventory.Disk
		want  string // serials, "" is refused
	}{
		"by bus path, exactly":             {inventory.DiskHint{BusPath: "pci-0000:00:1f.2-ata-2"}, []inventory.Disk{a, b, c}, "B"},
		"a part of a bus path is none":     {inventory.DiskHint{BusPath: "pci-0000:00:1f.2"}, []inventory.Disk{a, b}, ""},
		"the one that does not turn":       {inventory.DiskHint{Rotational: "no"}, []inventory.Disk{a, b, c}, "C"},
		"those that turn are two":          {inventory.DiskHint{Rotational: "yes"}, []inventory.Disk{a, b, c}, ""},
		"first, by bus path as numbers":    {inventory.DiskHint{Pick: inventory.PickFirst, Rotational: "yes"}, []inventory.Disk{a, b, c}, "B"},
		"smallest, the first of equals":    {inventory.DiskHint{Pick: inventory.PickSmallest}, []inventory.Disk{d, a, c, b}, "C"},
		"largest, the first of equals":     {inventory.DiskHint{Pick: inventory.PickLargest}, []inventory.Disk{d, a, c, b}, "B"},
		"only is what nobody says":         {inventory.DiskHint{Pick: inventory.PickOnly}, []inventory.Disk{a, b}, ""},
		"a size range":                     {inventory.DiskHint{MinBytes: 2 << 40, MaxBytes: 5 << 40, Pick: inventory.PickFirst}, []inventory.Disk{c, a, b}, "B"},
		"two without a name are not known": {inventory.DiskHint{Pick: inventory.PickFirst}, []inventory.Disk{twin, twin}, ""},
	} {
		for turn := range c.disks { // in whatever order they are found
			found := append(slices.Clone(c.disks[turn:]), c.disks[:turn]...)
			got, err := c.hint.Choose(found)
			if (c.want == "") != (err != nil) || got.Serial != c.want {
				t.Errorf("%s: got %q, %v", name, got.Serial, err)
			}
			slices.Reverse(found)
			if got, _ := c.hint.Choose(found); got.Serial != c.want {
				t.Errorf("%s, found the other way round: got %q", name, got.Serial)
			}
		}
	}
	two, err := inventory.DiskHint{Rotational: "yes"}.ChooseTwo([]inventory.Disk{c, a, b})
	if err != nil || two[0].Serial != "B" || two[1].Serial != "A" {
		t.Errorf("two of two: %v, %v", two, err)
	}
	if two, err = (inventory.DiskHint{Pick: inventory.PickSmallest}).ChooseTwo([]inventory.Disk{b, d, a, c}); err != nil || two[0].Serial != "C" || two[1].Serial != "D" {
		t.Errorf("two of four: %v, %v", two, err)
	}
	for _, disks := range [][]inventory.Disk{{a}, {a, b, c}} {
		if two, err := (inventory.DiskHint{}).ChooseTwo(disks); !fault.Is(err, fault.Conflict) {
			t.Errorf("a mirror of %d disks: %v, %v", len(disks), two, err)
		}
	}
}

func TestADiskIsKnownByItsNamesAndItsSize(t *testing.T) {
	d := inventory.Disk{Path: "/dev/sda", Serial: "S1", WWN: "naa.5", Bytes: 8, BusPath: "pci-1"}
	with := func(change func(*inventory.Disk)) inventory.Disk { c := d; change(&c); return c }
	for name, c := range map[string]struct {
		a, b inventory.Disk
		same bool
	}{
		"under another node":              {d, with(func(d *inventory.Disk) { d.Path, d.BusPath = "/dev/sdb", "pci-2" }), true},
		"with another prefix of its WWN":  {d, with(func(d *inventory.Disk) { d.WWN = "0x5" }), true},
		"another serial":                  {d, with(func(d *inventory.Disk) { d.Serial = "S2" }), false},
		"another WWN":                     {d, with(func(d *inventory.Disk) { d.WWN = "naa.6" }), false},
		"another size":                    {d, with(func(d *inventory.Disk) { d.Bytes = 9 }), false},
		"no name, one place":              {inventory.Disk{BusPath: "pci-1"}, inventory.Disk{BusPath: "pci-1", Path: "/dev/x"}, true},
		"no name, two places":             {inventory.Disk{BusPath: "pci-1"}, inventory.Disk{BusPath: "pci-2"}, false},
		"no name, no place, one node":     {inventory.Disk{Path: "/dev/x"}, inventory.Disk{Path: "/dev/x"}, true},
		"a name is not taken by no name":  {d, with(func(d *inventory.Disk) { d.Serial, d.WWN = "", "" }), false},
		"no name, no place, another node": {inventory.Disk{Path: "/dev/x"}, inventory.Disk{Path: "/dev/y"}, false},
		"blanks around a serial are none": {d, with(func(d *inventory.Disk) { d.Serial = " S1 " }), true},
	} {
		if c.a.Same(c.b) != c.same || c.b.Same(c.a) != c.same {
			t.Errorf("%s: not %v", name, c.same)
		}
	}
}
