package ramdisk

import (
	"bytes"
	"compress/gzip"
	"debug/elf"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"

	"rackwright/fault"
)

// maxModule bounds an unpacked module; the largest in use has a few MiB.
const maxModule = 64 << 20

// kernelTree is the modules of one kernel: where each is, and which are built in.
type kernelTree struct {
	dir     string
	paths   map[string]string // name -> path below dir, e.g. kernel/drivers/net/virtio_net.ko.xz
	builtin map[string]bool
}

// module is an unpacked module and what it says of itself.
type module struct {
	name    string
	path    string // below the modules folder, ending in .ko
	bytes   []byte
	needs   []string // names, from depends= and softdep=pre:
	aliases []string
}

func openTree(dir string) (*kernelTree, error) {
	t := &kernelTree{dir: dir, paths: map[string]string{}, builtin: map[string]bool{}}
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
	return t, nil
}

// moduleName takes the name out of a path: the kernel reads '-' and '_' as one.
func moduleName(path string) (string, bool) {
	name, _, ok := strings.Cut(filepath.Base(path), ".ko")
	return strings.ReplaceAll(name, "-", "_"), ok
}

// collect gathers the modules asked for and what they need, and renders modules.alias and
// modules.dep for just these. It fills in the report's modules.
func collect(o Options, r *Report) (map[string][]byte, error) {
	t, err := openTree(o.ModulesDir)
	if err != nil {
		return nil, err
	}
	wanted := o.Modules
	if wanted == nil {
		wanted = DefaultModules()
	}
	loaded := map[string]*module{}
	for _, name := range wanted {
		name = strings.ReplaceAll(name, "-", "_")
		switch {
		case t.builtin[name]:
			r.Builtin = append(r.Builtin, name)
		case t.paths[name] == "":
			r.Absent = append(r.Absent, name)
		default:
			if err := t.load(name, loaded); err != nil {
				return nil, err
			}
		}
	}
	slices.Sort(r.Builtin)
	slices.Sort(r.Absent)
	return render(loaded, r), nil
}

// load reads a module and everything it needs.
func (t *kernelTree) load(name string, loaded map[string]*module) error {
	path := t.paths[name]
	if loaded[name] != nil || path == "" { // a need that is built in, or soft and absent
		return nil
	}
	b, err := unpackModule(filepath.Join(t.dir, path))
	if err != nil {
		return fault.Invalidf("module %s: %w", path, err).WithHint("install the kernel package again")
	}
	m := &module{name: name, path: path[:strings.Index(path, ".ko")+3], bytes: b}
	if err := m.describe(); err != nil {
		return fault.Invalidf("module %s: %w", path, err).WithHint("install the kernel package again")
	}
	loaded[name] = m
	for _, need := range m.needs {
		if err := t.load(need, loaded); err != nil {
			return err
		}
	}
	return nil
}

func unpackModule(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var r io.Reader = f
	switch filepath.Ext(path) {
	case ".xz":
		r, err = xz.NewReader(f)
	case ".gz":
		r, err = gzip.NewReader(f)
	case ".zst":
		var dec *zstd.Decoder
		if dec, err = zstd.NewReader(f, zstd.WithDecoderConcurrency(1)); err == nil {
			defer dec.Close()
			r = dec
		}
	}
	if err != nil {
		return nil, err
	}
	return readAll(r, maxModule)
}

// describe reads the ELF section .modinfo: strings of the form name=value.
func (m *module) describe() error {
	file, err := elf.NewFile(bytes.NewReader(m.bytes))
	if err != nil {
		return err
	}
	section := file.Section(".modinfo")
	if section == nil {
		return fault.Invalidf("no .modinfo")
	}
	info, err := section.Data()
	if err != nil {
		return err
	}
	for line := range strings.SplitSeq(string(info), "\x00") {
		name, value, _ := strings.Cut(line, "=")
		switch name {
		case "alias":
			m.aliases = append(m.aliases, value)
		case "depends":
			m.need(strings.FieldsFunc(value, func(r rune) bool { return r == ',' }))
		case "softdep":
			before, _, _ := strings.Cut(value, "post:")
			if _, names, ok := strings.Cut(before, "pre:"); ok {
				m.need(strings.Fields(names))
			}
		}
	}
	return nil
}

func (m *module) need(names []string) {
	for _, name := range names {
		m.needs = append(m.needs, strings.ReplaceAll(name, "-", "_"))
	}
}

// render lays out the modules folder of the ramdisk.
func render(loaded map[string]*module, r *Report) map[string][]byte {
	files := map[string][]byte{}
	var deps, aliases strings.Builder
	names := make([]string, 0, len(loaded))
	for name := range loaded {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		m := loaded[name]
		files[m.path] = m.bytes
		r.Modules = append(r.Modules, Module{name, int64(len(m.bytes)), digest(m.bytes)})
		deps.WriteString(m.path + ":")
		for _, need := range order(m, loaded) {
			deps.WriteString(" " + need.path)
		}
		deps.WriteString("\n")
		for _, alias := range m.aliases {
			aliases.WriteString("alias " + alias + " " + name + "\n")
		}
	}
	files["modules.dep"], files["modules.alias"] = []byte(deps.String()), []byte(aliases.String())
	return files
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
