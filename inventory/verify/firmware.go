package verify

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"rackwright/firmware"
	"rackwright/inventory"
)

// firmware compares versions with the model's baseline.
func (c *comparison) firmware() {
	for _, w := range c.want.Firmware {
		seen, by := c.version(w.Component)
		if by == nil || firmware.Same(seen, w.Version) {
			continue
		}
		reason := "differs"
		if order, sure := firmware.Compare(seen, w.Version); sure {
			reason = map[bool]string{true: "older", false: "newer"}[order < 0]
		}
		c.differs(FirmwareWrong, w.Component, reason, w.Component+" "+w.Version, seen, updateHint(c.m.Name, reason), by)
	}
}

func updateHint(machine, reason string) string {
	if reason == "newer" {
		return fmt.Sprintf("correct the baseline of the model, or 'rackwright firmware update %s --downgrade'", machine)
	}
	return fmt.Sprintf("'rackwright firmware update %s', or correct the baseline of the model", machine)
}

// version is what the newest source that names a component says of it.
func (c *comparison) version(component string) (string, *inventory.Facts) {
	for i := range c.seen {
		f := &c.seen[i]
		if v := firmware.VersionIn(f, component); v != "" {
			return v, f
		}
	}
	return "", nil
}

// bios compares BIOS attributes; one that no source names is no difference.
func (c *comparison) bios() {
	by := c.source(func(f *inventory.Facts) bool { return len(f.BIOS) > 0 })
	if by == nil {
		return
	}
	for _, key := range slices.Sorted(maps.Keys(c.want.BIOS)) {
		want := c.want.BIOS[key]
		seen, told := by.BIOS[key]
		if !told || strings.EqualFold(strings.TrimSpace(want), strings.TrimSpace(seen)) {
			continue
		}
		c.differs(BIOSAttribute, key, "differs", want, seen, "set "+key+" to "+want+" in the machine's setup", by)
	}
}
