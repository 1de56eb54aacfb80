package verify

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"rackwright/inventory"
)

// firmware compares versions with the model's baseline.
func (c *comparison) firmware() {
	for _, w := range c.want.Firmware {
		seen, by := c.version(w.Component)
		if by == nil || strings.EqualFold(strings.TrimSpace(seen), strings.TrimSpace(w.Version)) {
			continue
		}
		reason := "differs"
		switch compareVersions(seen, w.Version) {
		case -1:
			reason = "older"
		case 1:
			reason = "newer"
		}
		c.differs(FirmwareWrong, w.Component, reason, w.Component+" "+w.Version, seen, "bring "+w.Component+" to the baseline, or change the baseline of the model", by)
	}
}

// version is what the newest source that names a component says of it.
func (c *comparison) version(component string) (string, *inventory.Facts) {
	for i := range c.seen {
		f := &c.seen[i]
		if v := versionIn(f, component); v != "" {
			return v, f
		}
	}
	return "", nil
}

func versionIn(f *inventory.Facts, component string) string {
	for _, v := range f.Versions {
		if strings.EqualFold(v.Component, component) {
			return v.Version
		}
	}
	want := componentKey(component)
	for _, v := range f.Versions {
		if componentKey(v.Component) == want {
			return v.Version
		}
	}
	if want == "bios" {
		return f.System.BIOSVersion
	}
	return ""
}

// componentKey is the name of a piece of firmware in one form: bios, bmc, or its own name.
// A copy that does not run (previous, backup, recovery) is never the running one.
func componentKey(s string) string {
	name := plainWords(s)
	for _, idle := range []string{"previous", "backup", "recovery", "golden", "available", "rollback"} {
		if strings.Contains(name, idle) {
			return name
		}
	}
	for _, known := range []struct{ is, word string }{
		{"bmc", "bmc"}, {"bmc", "idrac"}, {"bmc", "ilo"}, {"bmc", "xcc"}, {"bmc", "integrated dell remote access controller"},
		{"bios", "bios"}, {"bios", "uefi"}, {"bios", "system rom"},
	} {
		if name == known.word || slices.Contains(strings.Fields(name), known.word) || strings.Contains(known.word, " ") && strings.Contains(name, known.word) {
			return known.is
		}
	}
	return name
}

// compareVersions orders versions whose parts are numbers, with letters between them or
// behind; 0 when they are equal or cannot be ordered.
func compareVersions(a, b string) int {
	x, y := runs(strings.ToLower(cut(a))), runs(strings.ToLower(cut(b)))
	for i := range min(len(x), len(y)) {
		if isDigit(x[i][0]) != isDigit(y[i][0]) {
			return 0
		}
		if isDigit(x[i][0]) {
			m, err1 := strconv.ParseUint(x[i], 10, 64)
			n, err2 := strconv.ParseUint(y[i], 10, 64)
			if err1 != nil || err2 != nil {
				return 0
			}
			if m != n {
				return map[bool]int{true: -1, false: 1}[m < n]
			}
			continue
		}
		if x[i] != y[i] {
			if i == 0 || len(x[i]) > 1 || len(y[i]) > 1 {
				return 0
			}
			return strings.Compare(x[i], y[i])
		}
	}
	switch {
	case len(x) == 0 || len(y) == 0 || len(x) == len(y):
		return 0
	case len(x) < len(y):
		return -1
	}
	return 1
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
