package ramdisk

import (
	"cmp"
	"path/filepath"
	"slices"
	"strings"

	"rackwright/fault"
	"rackwright/images"
)

// maxNear is how many names a hint proposes.
const maxNear = 5

// unknown returns Invalid for a name that neither this kernel has nor any set: it is
// mistyped. A driver of servers that this kernel lacks is only reported.
func (t *kernelTree) unknown(name string) error {
	if t.paths[name] != "" || t.builtin[name] || len(t.known[name]) > 0 {
		return nil
	}
	usual := defaultModules()
	for _, s := range append(sets(), small()) {
		usual = append(usual, s.modules...)
	}
	if slices.Contains(usual, name) {
		return nil
	}
	names := append(usual, SetNames()...)
	for n := range t.paths {
		names = append(names, n)
	}
	for n := range t.builtin {
		names = append(names, n)
	}
	hint := "sets are " + strings.Join(SetNames(), ", ") + "; modules are the .ko files below " + t.dir
	if like := near(name, names); len(like) > 0 {
		hint = "is it " + strings.Join(like, ", ") + "? " + hint
	}
	return fault.Invalidf("%.80q is no set, and no module of kernel %s", name, filepath.Base(t.dir)).WithHint("%s", hint)
}

// near are the names most like one: those within a third of its letters, and those it
// begins.
func near(name string, names []string) []string {
	score := func(n string) int {
		if strings.HasPrefix(n, name) {
			return 1
		}
		return fault.Distance(name, n)
	}
	slices.Sort(names)
	like := slices.DeleteFunc(slices.Compact(names), func(n string) bool { return score(n) > max(1, len(name)/3) })
	slices.SortStableFunc(like, func(a, b string) int { return cmp.Compare(score(a), score(b)) })
	return like[:min(len(like), maxNear)]
}

// readKernel reads a kernel that a boot loader can start.
func readKernel(path, arch string) ([]byte, error) {
	b, err := readInput("kernel", path)
	if err != nil {
		return nil, err
	}
	switch is := images.KernelArch(b); {
	case is == "":
		return nil, fault.Invalidf("%s is no Linux kernel", path).
			WithHint("name the file that boot loaders start, e.g. /boot/vmlinuz-VERSION; unpack one that is in gzip first")
	case is != arch:
		return nil, fault.Invalidf("%s is a kernel for %s, not for %s", path, is, arch).WithHint("name the kernel for %s, or give --arch %s", arch, is)
	}
	return b, nil
}
