package firmware

import (
	"strings"

	"rackwright/inventory"
)

// longest bounds the bytes of a version that are looked at: it comes from a BMC.
const longest = 256

// Compare orders two versions: runs of digits as numbers, single letters by the alphabet,
// what stands between only separates. sure is false where they cannot be ordered, as
// two words; vendors name branches so. A version that goes on is the later one.
func Compare(a, b string) (order int, sure bool) {
	x, y := runs(a), runs(b)
	if len(x) == 0 || len(y) == 0 {
		return 0, len(x) == len(y) && plainText(a) == plainText(b)
	}
	for i := range min(len(x), len(y)) {
		if order, sure := compareRun(x[i], y[i]); order != 0 || !sure {
			if i == 0 && !digit(x[i][0]) {
				return 0, false // of another family
			}
			return order, sure
		}
	}
	switch {
	case len(x) < len(y):
		return -1, true
	case len(x) > len(y):
		return 1, true
	}
	return 0, true
}

// compareRun orders one run of digits or letters.
func compareRun(a, b string) (order int, sure bool) {
	switch {
	case digit(a[0]) != digit(b[0]):
		return 0, false
	case digit(a[0]):
		a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
		if len(a) != len(b) {
			return sign(len(a) - len(b)), true
		}
		return strings.Compare(a, b), true
	case a == b:
		return 0, true
	case len(a) > 1 || len(b) > 1:
		return 0, false
	}
	return strings.Compare(a, b), true
}

func sign(n int) int {
	if n < 0 {
		return -1
	}
	return 1
}

// Same reports whether two texts name one version. Nothing is no version.
func Same(a, b string) bool {
	if strings.TrimSpace(a) == "" || strings.TrimSpace(b) == "" {
		return false
	}
	order, sure := Compare(a, b)
	return sure && order == 0
}

// AtLeast reports whether a version surely is another or a later one.
func AtLeast(v, least string) bool {
	order, sure := Compare(v, least)
	return sure && order >= 0 && strings.TrimSpace(v) != ""
}

// fits reports whether a version is one of a file's; a * at the end matches the rest.
func fits(pattern, version string) bool {
	if head, open := strings.CutSuffix(pattern, "*"); open {
		return version != "" && strings.HasPrefix(plainText(version), plainText(head))
	}
	return Same(pattern, version)
}

func plainText(s string) string {
	s = strings.ToLower(strings.TrimSpace(s[:min(len(s), longest)]))
	if len(s) > 1 && s[0] == 'v' && digit(s[1]) {
		s = s[1:]
	}
	return s
}

// runs splits a version into runs of digits and of letters, in lower case and without the
// v that some put before.
func runs(s string) (out []string) {
	s = plainText(s)
	start := -1
	for i := 0; i <= len(s); i++ {
		in := i < len(s) && (digit(s[i]) || s[i] >= 'a' && s[i] <= 'z')
		if start >= 0 && (!in || digit(s[i]) != digit(s[start])) {
			out, start = append(out, s[start:i]), -1
		}
		if in && start < 0 {
			start = i
		}
	}
	return out
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// trademarks stand in the names that firmware gives itself.
var trademarks = strings.NewReplacer("(r)", " ", "(tm)", " ", "®", " ", "™", " ", "_", " ", "-", " ", ",", " ")

// idle names a copy of firmware that does not run.
var idle = []string{"previous", "backup", "recovery", "golden", "available", "rollback"}

// Key is the name of a piece of firmware in one form: bios, bmc, or its own name. A copy
// that does not run (previous, backup, recovery) is never the running one.
func Key(component string) string {
	name := strings.Join(strings.Fields(trademarks.Replace(strings.ToLower(component[:min(len(component), longest)]))), " ")
	for _, word := range idle {
		if strings.Contains(name, word) {
			return name
		}
	}
	words := " " + name + " "
	for _, known := range []struct{ is, word string }{
		{"bmc", "bmc"}, {"bmc", "idrac"}, {"bmc", "ilo"}, {"bmc", "xcc"}, {"bmc", "integrated dell remote access controller"},
		{"bios", "bios"}, {"bios", "uefi"}, {"bios", "system rom"},
	} {
		if strings.Contains(words, " "+known.word+" ") || strings.Contains(known.word, " ") && strings.Contains(name, known.word) {
			return known.is
		}
	}
	return name
}

// VersionIn is the version of a component in what one source saw, "" when it does not say:
// by the name, else by what the name means.
func VersionIn(f *inventory.Facts, component string) string {
	for _, v := range f.Versions {
		if strings.EqualFold(v.Component, component) {
			return v.Version
		}
	}
	want := Key(component)
	for _, v := range f.Versions {
		if Key(v.Component) == want {
			return v.Version
		}
	}
	if want == "bios" {
		return f.System.BIOSVersion
	}
	return ""
}
