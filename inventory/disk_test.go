package inventory_test

import (
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
