package ramdisk

import (
	"debug/elf"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"rackwright/fault"
)

// kernelTree is the modules of one kernel: where each is, and which are built in.
type kernelTree struct {
	dir     string
	paths   map[string]string // name -> path below dir, e.g. kernel/drivers/net/virtio_net.ko.xz
	builtin map[string]bool
	known   map[string][]string // alias without a pattern, e.g. crypto-crc32c -> names
	machine elf.Machine
}

func openTree(dir string, machine elf.Machine) (*kernelTree, error) {
	t := &kernelTree{dir: dir, machine: machine, paths: map[string]string{}, builtin: map[string]bool{}, known: map[string][]string{}}
	err := filepath.WalkDir(filepath.Join(dir, "kernel"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if name, ok := moduleName(path); ok {
			t.paths[name], err = filepath.Rel(dir, path)
		}
		return err
	})
	if err != nil {
		return nil, fault.NotFoundf("cannot read the kernel's modules: %w", err).WithHint("name the folder of the kernel's version, e.g. /lib/modules/6.1.0-1-amd64")
	}
	list, err := os.ReadFile(filepath.Join(dir, "modules.builtin"))
	if err != nil {
		return nil, fault.NotFoundf("cannot read the list of built-in modules: %w", err).WithHint("name the folder of the kernel's version")
	}
	for line := range strings.Lines(string(list)) {
		if name, ok := moduleName(strings.TrimSpace(line)); ok {
			t.builtin[name] = true
		}
	}
	aliases, _ := os.ReadFile(filepath.Join(dir, "modules.alias")) // depmod's; without it soft needs by alias are left out
	for line := range strings.Lines(string(aliases)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "alias" && !strings.ContainsAny(f[1], "*?[:") {
			t.known[f[1]] = append(t.known[f[1]], f[2])
		}
	}
	return t, nil
}

// moduleName takes the name out of a path.
func moduleName(path string) (string, bool) {
	name, _, ok := strings.Cut(filepath.Base(path), ".ko")
	return plainName(name), ok
}

// collect gathers the modules asked for and what they need, renders modules.alias and
// modules.dep for just these, and the firmware they name. It fills in the report.
func collect(o Options, r *Report) (map[string][]byte, error) {
	t, err := openTree(o.ModulesDir, machines()[o.Arch])
	if err != nil {
		return nil, err
	}
	wanted, expected, err := o.choose(t)
	if err != nil {
		return nil, err
	}
	loaded := map[string]*module{}
	for _, name := range wanted {
		if err := t.load(name, loaded); err != nil {
			return nil, err
		}
	}
	for _, name := range expected {
		switch {
		case t.builtin[name]:
			r.Builtin = append(r.Builtin, name)
		case loaded[name] == nil:
			r.Absent = append(r.Absent, name)
		}
	}
	files, err := render(loaded, r)
	if err != nil {
		return nil, err
	}
	firmware, err := firmwareOf(o.FirmwareDir, loaded, r)
	for name, b := range firmware {
		files["lib/firmware/"+name] = b
	}
	return files, err
}

// load reads a module and everything it needs.
func (t *kernelTree) load(name string, loaded map[string]*module) error {
	path := t.paths[plainName(name)]
	if path == "" && !t.builtin[plainName(name)] {
		for _, n := range t.known[name] {
			if err := t.load(n, loaded); err != nil {
				return err
			}
		}
	}
	name = plainName(name)
	if loaded[name] != nil || path == "" { // a need that is built in, or soft and absent
		return nil
	}
	b, err := unpackFile(filepath.Join(t.dir, path))
	m := &module{name: name, path: path[:strings.Index(path, ".ko")+3], bytes: b}
	if err == nil {
		err = m.describe(t.machine)
	}
	if err != nil {
		return fault.Invalidf("module %s: %w", path, err).WithHint("install the package of a kernel for this architecture again")
	}
	loaded[name] = m
	m.needs = t.resolve(m.needs)
	for _, need := range m.needs {
		if err := t.load(need, loaded); err != nil {
			return err
		}
	}
	return nil
}

// resolve turns aliases among needs into the names of modules.
func (t *kernelTree) resolve(needs []string) (names []string) {
	for _, n := range needs {
		if found := t.known[n]; t.paths[plainName(n)] == "" && len(found) > 0 {
			names = append(names, found...)
			continue
		}
		names = append(names, plainName(n))
	}
	return names
}

// render lays out the modules folder of the ramdisk. Each module is compressed alone: it
// lies in memory so until a device asks for it.
func render(loaded map[string]*module, r *Report) (map[string][]byte, error) {
	var deps, aliases strings.Builder
	names := slices.Sorted(maps.Keys(loaded))
	dir := "lib/modules/" + r.Version + "/"
	files, err := squeezeAll(dir, names, loaded)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		m := loaded[name]
		r.Modules = append(r.Modules, Module{name, int64(len(m.bytes)), digest(m.bytes)})
		deps.WriteString(m.path + packed + ":")
		for _, need := range order(m, loaded) {
			deps.WriteString(" " + need.path + packed)
		}
		deps.WriteString("\n")
		for _, alias := range m.aliases {
			aliases.WriteString("alias " + alias + " " + name + "\n")
		}
	}
	files[dir+"modules.dep"], files[dir+"modules.alias"] = []byte(deps.String()), []byte(aliases.String())
	return files, nil
}

// packed is the ending of a compressed module (agent/kmod).
const packed = ".zst"

// squeezeAll compresses the modules, on every processor.
func squeezeAll(dir string, names []string, loaded map[string]*module) (map[string][]byte, error) {
	out, faults := make([][]byte, len(names)), make([]error, len(names))
	var wait sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		wait.Go(func() {
			for i := w; i < len(names); i += workers {
				out[i], faults[i] = compress(loaded[names[i]].bytes)
			}
		})
	}
	wait.Wait()
	files := map[string][]byte{}
	for i, name := range names {
		if faults[i] != nil {
			return nil, faults[i]
		}
		files[dir+loaded[name].path+packed] = out[i]
	}
	return files, nil
}

// order lists all that a module needs as modules.dep has it: to be loaded from the last
// to the first.
func order(m *module, loaded map[string]*module) []*module {
	var list []*module
	seen := map[string]bool{m.name: true}
	var visit func(*module)
	visit = func(m *module) {
		for _, name := range m.needs {
			if need := loaded[name]; need != nil && !seen[name] {
				seen[name] = true
				visit(need)
				list = append(list, need)
			}
		}
	}
	visit(m)
	slices.Reverse(list)
	return list
}
