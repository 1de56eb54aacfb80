package deploy_test

import (
	"strings"
	"testing"

	"rackwright/deploy"
	"rackwright/inventory"
)

func TestOnlyDisksThatNobodyElseWroteArePermitted(t *testing.T) {
	disk := func(serial string, holds []string, owner string) inventory.Disk {
		d := inventory.Disk{Path: "/dev/" + strings.ToLower(serial), Serial: serial, Bytes: 1 << 40, Holds: holds}
		if owner != "" {
			d.Owner = &inventory.DiskOwner{Operation: owner}
		}
		return d
	}
	lvm := []string{"LVM2 physical volume"}
	gpt := []string{"GPT with 2 partitions"}
	ours := func(operation string) bool { return operation == "ours" }
	for name, c := range map[string]struct {
		op    deploy.Operation
		hint  inventory.DiskHint
		disks []inventory.Disk
		want  string // serial:holds of each grant, or the reason and a part of the words
	}{
		"an empty disk":                      {deploy.Operation{Kind: deploy.Deploy}, inventory.DiskHint{}, []inventory.Disk{disk("A", nil, "")}, "A:nothing"},
		"our own deployment":                 {deploy.Operation{Kind: deploy.Deploy}, inventory.DiskHint{}, []inventory.Disk{disk("A", gpt, "ours")}, "A:ours"},
		"a deployment of another machine":    {deploy.Operation{Kind: deploy.Deploy}, inventory.DiskHint{}, []inventory.Disk{disk("A", gpt, "theirs")}, "foreign-data: its record names operation theirs"},
		"foreign data":                       {deploy.Operation{Kind: deploy.Deploy}, inventory.DiskHint{}, []inventory.Disk{disk("A", lvm, "")}, "foreign-data: disk A of m (/dev/a) holds LVM2 physical volume"},
		"foreign data on another disk":       {deploy.Operation{Kind: deploy.Deploy}, inventory.DiskHint{Serial: "B"}, []inventory.Disk{disk("A", lvm, ""), disk("B", nil, "")}, "B:nothing"},
		"foreign data that was given up":     {deploy.Operation{Kind: deploy.Deploy, Order: deploy.Order{Overwrite: []string{"a"}}}, inventory.DiskHint{}, []inventory.Disk{disk("A", lvm, "")}, "A:any"},
		"what this operation began to write": {deploy.Operation{Kind: deploy.Deploy, Disk: "A"}, inventory.DiskHint{}, []inventory.Disk{disk("A", gpt, "")}, "A:any"},
		"another disk than it began with":    {deploy.Operation{Kind: deploy.Deploy, Disk: "A"}, inventory.DiskHint{Serial: "B"}, []inventory.Disk{disk("B", gpt, "")}, "foreign-data: disk B"},
		"a disk that is not there yet":       {deploy.Operation{Kind: deploy.Deploy}, inventory.DiskHint{Serial: "B"}, []inventory.Disk{disk("A", nil, "")}, ""},
		"a mirror":                           {deploy.Operation{Kind: deploy.Deploy, Order: deploy.Order{Mirror: true}}, inventory.DiskHint{}, []inventory.Disk{disk("A", nil, ""), disk("B", gpt, "ours")}, "A:nothing B:ours"},
		"an erase of all":                    {deploy.Operation{Kind: deploy.Erase, Order: deploy.Order{Erase: &deploy.EraseOrder{}}}, inventory.DiskHint{}, []inventory.Disk{disk("A", lvm, ""), disk("B", gpt, "ours")}, "A:any B:any"},
		"an erase of one":                    {deploy.Operation{Kind: deploy.Erase, Order: deploy.Order{Erase: &deploy.EraseOrder{Disks: []string{"b"}}}}, inventory.DiskHint{}, []inventory.Disk{disk("A", lvm, ""), disk("B", gpt, "")}, "B:any"},
		"an erase of one that is gone":       {deploy.Operation{Kind: deploy.Erase, Order: deploy.Order{Erase: &deploy.EraseOrder{Disks: []string{"C"}}}}, inventory.DiskHint{}, []inventory.Disk{disk("A", lvm, "")}, "no-matching-disk: seen: A"},
		"an erase without a disk":            {deploy.Operation{Kind: deploy.Erase, Order: deploy.Order{Erase: &deploy.EraseOrder{}}}, inventory.DiskHint{}, nil, "no-matching-disk: no disk that can be written"},
		"a burn-in that writes":              {deploy.Operation{Kind: deploy.BurnIn, Order: deploy.Order{Burn: &deploy.BurnOrder{Write: true}}}, inventory.DiskHint{}, []inventory.Disk{disk("A", nil, ""), disk("B", lvm, "")}, "foreign-data: disk B"},
	} {
		grants, no := deploy.Permit(&c.op, &inventory.Machine{Name: "m", RootDisk: c.hint}, c.disks, ours)
		var got []string
		for _, g := range grants {
			got = append(got, g.Disk.Serial+":"+string(g.Holds))
		}
		reason, words, refused := strings.Cut(c.want, ": ")
		if refused {
			if no == nil || no.Reason != reason || !strings.Contains(no.Message, words) || no.Hint == "" || len(grants) > 0 {
				t.Errorf("%s: %v, %+v", name, got, no)
			}
		} else if no != nil || strings.Join(got, " ") != c.want {
			t.Errorf("%s: %v, %+v", name, got, no)
		}
	}
}
