package verify

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"rackwright/inventory"
)

// disks compares bay by bay; disks of the model that name no bay, or whose bays no
// source tells, are looked for among the rest, the largest first. A disk more than the
// model has is no difference.
func (c *comparison) disks() {
	want := c.want.Parts.Disks
	by := c.source(func(f *inventory.Facts) bool { return len(f.Disks) > 0 })
	if by == nil || len(want) == 0 {
		return
	}
	bay := func(d inventory.Disk) string { return d.Bay }
	blind := !slices.ContainsFunc(by.Disks, func(d inventory.Disk) bool { return d.Bay != "" })
	var match, rest []int
	if blind {
		match = slices.Repeat([]int{-1}, len(want))
		for j := range by.Disks {
			rest = append(rest, j)
		}
	} else {
		match, rest = pair(names(want, bay), names(by.Disks, bay))
	}
	var loose []inventory.Disk
	for i, w := range want {
		switch {
		case match[i] >= 0:
			c.disk(w, by.Disks[match[i]], by)
		case w.Bay == "" || blind:
			loose = append(loose, w)
		default:
			c.differs(DiskMissing, w.Bay, "missing", diskText(w), "none", "disk in bay "+w.Bay+" missing: seat or replace it", by)
		}
	}
	c.loose(loose, rest, by)
}

// disk compares one bay.
func (c *comparison) disk(w, seen inventory.Disk, by *inventory.Facts) {
	reason := diskDiffers(w, seen)
	if reason == "" {
		return
	}
	c.differs(DiskWrong, cmp.Or(w.Bay, seen.Bay, seen.Serial), reason, diskText(w), diskText(seen), "replace the disk in bay "+cmp.Or(w.Bay, seen.Bay), by)
}

func diskDiffers(w, seen inventory.Disk) string {
	switch {
	case seen.Bytes > 0 && seen.Bytes < w.Bytes:
		return "smaller"
	case w.Type != "" && seen.Type != "" && w.Type != seen.Type:
		return "type"
	case w.Model != "" && seen.Model != "" && !sameWords(w.Model, seen.Model):
		return "model"
	}
	return ""
}

// loose gives every wanted disk the smallest one that will do.
func (c *comparison) loose(want []inventory.Disk, rest []int, by *inventory.Facts) {
	slices.SortStableFunc(want, func(a, b inventory.Disk) int { return cmp.Compare(b.Bytes, a.Bytes) })
	slices.SortStableFunc(rest, func(a, b int) int { return cmp.Compare(by.Disks[a].Bytes, by.Disks[b].Bytes) })
	missing := map[string]int{}
	var order []string
	for _, w := range want {
		at := slices.IndexFunc(rest, func(j int) bool { return diskDiffers(w, by.Disks[j]) == "" })
		if at >= 0 {
			rest = slices.Delete(rest, at, at+1)
			continue
		}
		if missing[diskText(w)]++; missing[diskText(w)] == 1 {
			order = append(order, diskText(w))
		}
	}
	for i, text := range order {
		c.differs(DiskMissing, fmt.Sprintf("%d", i+1), "missing", fmt.Sprintf("%d more of %s", missing[text], text), "none that is left and fits", "add or replace disks: "+text, by)
	}
}

func diskText(d inventory.Disk) string {
	var out []string
	if d.Bytes > 0 {
		out = append(out, sizeText(d.Bytes))
	}
	for _, s := range []string{d.Type, d.Model} {
		if s != "" {
			out = append(out, s)
		}
	}
	if len(out) == 0 {
		return "a disk"
	}
	return strings.Join(out, " ")
}

// sizeText is a size as it stands on disks: in powers of ten.
func sizeText(n int64) string {
	switch {
	case n >= 1e12:
		return fmt.Sprintf("%.3g TB", float64(n)/1e12)
	case n >= 1e9:
		return fmt.Sprintf("%.3g GB", float64(n)/1e9)
	}
	return fmt.Sprintf("%d bytes", n)
}
