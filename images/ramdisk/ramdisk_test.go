package ramdisk

import (
	"bytes"
	"compress/gzip"
	"debug/elf"
	"encoding/binary"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"

	"rackwright/fault"
)

// ko renders a module: a 64 bit ELF file with nothing but a .modinfo section.
func ko(info ...string) []byte {
	return elfFile(elf.EM_X86_64, elf.ET_REL, strings.Join(info, "\x00")+"\x00")
}

// elfFile is an ELF file with a .modinfo section and nothing else.
func elfFile(machine elf.Machine, kind elf.Type, data string) []byte {
	names := "\x00.shstrtab\x00.modinfo\x00"
	le := binary.LittleEndian
	b := make([]byte, 64)
	copy(b, "\x7fELF\x02\x01\x01")
	le.PutUint16(b[16:], uint16(kind))
	le.PutUint16(b[18:], uint16(machine))
	le.PutUint32(b[20:], 1)
	le.PutUint16(b[52:], 64)
	le.PutUint16(b[58:], 64)
	le.PutUint16(b[60:], 3)
	le.PutUint16(b[62:], 1)
	le.PutUint64(b[40:], uint64(64+len(names)+len(data)))
	b = append(append(b, names...), data...)
	section := func(name, kind uint32, off, size int) {
		s := make([]byte, 64)
		le.PutUint32(s, name)
		le.PutUint32(s[4:], kind)
		le.PutUint64(s[24:], uint64(off))
		le.PutUint64(s[32:], uint64(size))
		b = append(b, s...)
	}
	section(0, 0, 0, 0)
	section(1, 3, 64, len(names))
	section(11, 1, 64+len(names), len(data))
	return b
}

// program is what passes for a static program.
func program(machine elf.Machine, text string) []byte { return elfFile(machine, elf.ET_EXEC, text) }

// kernelFile is what passes for a kernel: only what tells its architecture.
func kernelFile(at int, magic string) []byte {
	b := make([]byte, 1024)
	copy(b[at:], magic)
	return b
}

func put(t *testing.T, path string, b []byte) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func squeeze(t *testing.T, kind string, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	var err error
	switch kind {
	case "xz":
		w, _ := xz.NewWriter(&out)
		_, err = w.Write(b)
		_ = w.Close()
	case "gz":
		w := gzip.NewWriter(&out)
		_, err = w.Write(b)
		_ = w.Close()
	case "zst":
		w, _ := zstd.NewWriter(&out)
		_, err = w.Write(b)
		_ = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// sample is a kernel with modules compressed as distributions do.
func sample(t *testing.T) Options {
	t.Helper()
	dir := t.TempDir()
	mods := filepath.Join(dir, "lib/modules/6.1.0-1")
	put(t, filepath.Join(mods, "kernel/net/core/failover.ko.gz"), squeeze(t, "gz", ko("license=GPL", "depends=")))
	put(t, filepath.Join(mods, "kernel/drivers/net/net_failover.ko.xz"), squeeze(t, "xz", ko("depends=failover")))
	put(t, filepath.Join(mods, "kernel/drivers/net/virtio-net.ko.zst"), squeeze(t, "zst", ko("alias=virtio:d00000001v*", "depends=net-failover", "softdep=pre: crc-soft absent_soft post: other")))
	put(t, filepath.Join(mods, "kernel/lib/crc_soft.ko"), ko("alias=soft-crc", "depends="))
	put(t, filepath.Join(mods, "kernel/drivers/unwanted.ko"), ko("depends="))
	put(t, filepath.Join(mods, "kernel/drivers/net/ethernet/acme/acme.ko"), ko("alias=pci:v0000ACDCd*", "firmware=acme/one.bin", "firmware=acme/two.bin", "firmware=../secret", "depends="))
	put(t, filepath.Join(mods, "kernel/drivers/net/ethernet/mellanox/mlxsw/mlxsw_core.ko"), ko("depends="))
	put(t, filepath.Join(mods, "modules.builtin"), []byte("kernel/drivers/nvme/host/nvme.ko\n"))
	put(t, filepath.Join(mods, "modules.alias"), []byte("alias soft-crc crc_soft\nalias pci:v* unwanted\n"))
	put(t, filepath.Join(dir, "firmware/acme/one.bin.xz"), squeeze(t, "xz", []byte("microcode")))
	put(t, filepath.Join(dir, "secret"), []byte("secret"))
	return Options{Kernel: put(t, filepath.Join(dir, "vmlinuz"), kernelFile(0x202, "HdrS")), ModulesDir: mods, FirmwareDir: filepath.Join(dir, "firmware"),
		Agent: put(t, filepath.Join(dir, "agent"), program(elf.EM_X86_64, "the agent")), Modules: []string{"virtio_net", "nvme", "tg3"}, Out: filepath.Join(dir, "out"), Arch: "amd64"}
}

func TestTheRamdiskHoldsTheAgentAndWhatItsModulesNeed(t *testing.T) {
	cpio, err := exec.LookPath("cpio")
	if err != nil {
		t.Skip("cpio is missing: apt-get install cpio")
	}
	o := sample(t)
	o.Busybox = put(t, filepath.Join(t.TempDir(), "busybox"), program(elf.EM_X86_64, "busybox"))
	r, err := Build(o)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Modules) != 4 || strings.Join(r.Builtin, " ") != "nvme" || strings.Join(r.Absent, " ") != "tg3" || r.Busybox == nil {
		t.Errorf("report %+v", r)
	}
	plain := unzstd(t, filepath.Join(o.Out, "amd64/initrd"))
	if r.Unpacked != int64(len(plain)) {
		t.Errorf("it takes %d bytes, and says %d", len(plain), r.Unpacked)
	}
	tree := t.TempDir()
	unpack := exec.Command(cpio, "-idm", "--quiet", "--no-absolute-filenames")
	unpack.Dir, unpack.Stdin = tree, bytes.NewReader(plain)
	if out, err := unpack.CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	for name, want := range map[string]string{
		"init":                              string(program(elf.EM_X86_64, "the agent")),
		"bin/sh":                            string(program(elf.EM_X86_64, "busybox")),
		"lib/modules/6.1.0-1/modules.alias": "alias soft-crc crc_soft\nalias virtio:d00000001v* virtio_net\n",
		"lib/modules/6.1.0-1/modules.dep": "kernel/lib/crc_soft.ko.zst:\nkernel/net/core/failover.ko.zst:\nkernel/drivers/net/net_failover.ko.zst: kernel/net/core/failover.ko.zst\n" +
			"kernel/drivers/net/virtio-net.ko.zst: kernel/lib/crc_soft.ko.zst kernel/drivers/net/net_failover.ko.zst kernel/net/core/failover.ko.zst\n",
	} {
		if got, err := os.ReadFile(filepath.Join(tree, name)); err != nil || string(got) != want {
			t.Errorf("%s: %v\ngot  %q\nwant %q", name, err, got, want)
		}
	}
	if got := unzstd(t, filepath.Join(tree, "lib/modules/6.1.0-1/kernel/drivers/net/net_failover.ko.zst")); !bytes.Equal(got, ko("depends=failover")) {
		t.Errorf("net_failover is %q", got)
	}
	info, err := os.Stat(filepath.Join(tree, "init"))
	if err != nil || info.Mode().Perm() != 0o755 || info.ModTime().Unix() != 0 {
		t.Errorf("init: %v %v", info, err)
	}
	if to, err := os.Readlink(filepath.Join(tree, "sbin/modprobe")); err != nil || to != "/init" {
		t.Errorf("modprobe is %q, %v", to, err)
	}
}

func unzstd(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	dec, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer dec.Close()
	plain, err := dec.DecodeAll(b, nil)
	if err != nil {
		t.Fatal(err)
	}
	return plain
}

func moduleNames(r Report) (names []string) {
	for _, m := range r.Modules {
		names = append(names, m.Name)
	}
	return names
}

func TestAllDriversOfPortsAndDisksGoInUnlessASetIsNamed(t *testing.T) {
	for _, c := range []struct {
		only           []string
		want, firmware string
		absent         bool
	}{
		{nil, "acme failover net_failover virtio_net crc_soft", "acme/one.bin", true},
		{[]string{"network"}, "acme failover net_failover virtio_net crc_soft", "acme/one.bin", false},
		{[]string{"storage"}, "", "", false},
		{[]string{"storage", "acme"}, "acme", "acme/one.bin", false},
		{[]string{"unwanted"}, "unwanted", "", false},
	} {
		o := sample(t)
		o.Modules, o.Only = nil, c.only
		r, err := Build(o)
		if err != nil {
			t.Fatal(err)
		}
		want := strings.Fields(c.want)
		slices.Sort(want)
		if got := moduleNames(r); !slices.Equal(got, want) || len(r.Absent) > 0 != c.absent {
			t.Errorf("only %v: modules %v, absent %v", c.only, got, r.Absent)
		}
		firmware := ""
		for _, f := range r.Firmware {
			firmware += f.Name
		}
		if firmware != c.firmware || firmware != "" && strings.Join(r.NoFirmware, " ") != "acme/two.bin" {
			t.Errorf("only %v: firmware %v, absent %v", c.only, r.Firmware, r.NoFirmware)
		}
	}
}

func TestABuiltRamdiskIsReadBackAndDamageIsNamed(t *testing.T) {
	o := sample(t)
	o.Modules = []string{"acme"}
	r, err := Build(o)
	if err != nil {
		t.Fatal(err)
	}
	list, err := List(o.Out)
	if err != nil || len(list) != 1 || list[0].Report.Initrd != r.Initrd {
		t.Fatalf("%+v %v", list, err)
	}
	dir := filepath.Join(o.Out, "amd64")
	i, err := Show(dir)
	if err != nil || len(i.Wrong) > 0 {
		t.Fatalf("%v %v", i.Wrong, err)
	}
	found := map[string]Entry{}
	for _, f := range i.Files {
		found[f.Name] = f
	}
	if found["init"].Mode != "-rwxr-xr-x" || found["sbin/modprobe"].Link != "/init" || found["lib/firmware/acme/one.bin"].Bytes != 9 {
		t.Errorf("files %+v", i.Files)
	}
	put(t, filepath.Join(dir, "vmlinuz"), []byte("another"))
	if i, err = Show(dir); err != nil || len(i.Wrong) != 1 || !strings.Contains(i.Wrong[0], "vmlinuz") {
		t.Errorf("%v %v", i.Wrong, err)
	}
	put(t, filepath.Join(dir, "initrd"), []byte("no archive"))
	if _, err = Show(dir); !fault.Is(err, fault.Invalid) || fault.HintOf(err) == "" {
		t.Error(err)
	}
	if _, err = List(t.TempDir()); !fault.Is(err, fault.NotFound) {
		t.Error(err)
	}
}

// TestTheSameInputsGiveTheSameBytes builds from two copies of the inputs, laid down in
// another order and at another time.
func TestTheSameInputsGiveTheSameBytes(t *testing.T) {
	first := sample(t)
	first.Modules = nil
	second := first
	second.ModulesDir, second.FirmwareDir, second.Out = copyBackwards(t, first.ModulesDir), copyBackwards(t, first.FirmwareDir), t.TempDir()
	var built [2]string
	for i, o := range []Options{first, second} {
		if _, err := Build(o); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"initrd", "contents.json", "vmlinuz"} {
			b, err := os.ReadFile(filepath.Join(o.Out, "amd64", name))
			if err != nil {
				t.Fatal(err)
			}
			built[i] += digest(b)
		}
	}
	if built[0] != built[1] {
		t.Error("two builds differ")
	}
}

// copyBackwards copies a tree, its last file first, as if it were older.
func copyBackwards(t *testing.T, dir string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), filepath.Base(dir))
	var files []string
	if err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, path)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	slices.Reverse(files)
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		name, _ := filepath.Rel(dir, f)
		put(t, filepath.Join(to, name), b)
		if err := os.Chtimes(filepath.Join(to, name), time.Unix(1e9, 0), time.Unix(1e9, 0)); err != nil {
			t.Fatal(err)
		}
	}
	return to
}

// TestARamdiskForARMIsBuiltOnAnyMachine takes the real agent, built for arm64.
func TestARamdiskForARMIsBuiltOnAnyMachine(t *testing.T) {
	dir := t.TempDir()
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", filepath.Join(dir, "agent"), "rackwright/cmd/rackwright-agent")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOARCH=arm64", "GOOS=linux")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	mods := filepath.Join(dir, "lib/modules/6.1.0-1-arm64")
	arm := func(info ...string) []byte {
		return elfFile(elf.EM_AARCH64, elf.ET_REL, strings.Join(info, "\x00")+"\x00")
	}
	put(t, filepath.Join(mods, "kernel/drivers/net/ethernet/hisilicon/hns3.ko"), arm("alias=pci:v000019E5d*", "depends=hnae3"))
	put(t, filepath.Join(mods, "kernel/drivers/net/ethernet/hisilicon/hnae3.ko"), arm("depends="))
	put(t, filepath.Join(mods, "modules.builtin"), nil)
	o := Options{Kernel: put(t, filepath.Join(dir, "vmlinuz"), kernelFile(56, "ARM\x64")), ModulesDir: mods, Agent: filepath.Join(dir, "agent"), Out: filepath.Join(dir, "out"), Arch: "arm64"}
	r, err := Build(o)
	if err != nil || !slices.Equal(moduleNames(r), []string{"hnae3", "hns3"}) {
		t.Fatalf("%v %v", moduleNames(r), err)
	}
	i, err := Show(filepath.Join(o.Out, "arm64"))
	if err != nil || len(i.Wrong) > 0 || i.Report.Arch != "arm64" {
		t.Errorf("%+v %v", i.Wrong, err)
	}
	put(t, filepath.Join(mods, "kernel/drivers/net/ethernet/hisilicon/hnae3.ko"), ko("depends="))
	if _, err := Build(o); !fault.Is(err, fault.Invalid) {
		t.Errorf("a module for another architecture went in: %v", err)
	}
}

func TestInputsThatCannotBeUsed(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*Options)
		want  fault.Kind
	}{
		"no kernel":                    {func(o *Options) { o.Kernel += "x" }, fault.NotFound},
		"no modules":                   {func(o *Options) { o.ModulesDir += "x" }, fault.NotFound},
		"an agent that is none":        {func(o *Options) { o.Agent = o.Kernel }, fault.Invalid},
		"another architecture":         {func(o *Options) { o.Arch = "vax" }, fault.Invalid},
		"an agent for another machine": {func(o *Options) { put(t, o.Agent, program(elf.EM_AARCH64, "")) }, fault.Invalid},
		"an agent with libraries":      {func(o *Options) { o.Agent = "/bin/sh" }, fault.Invalid},
		"a kernel that is none":        {func(o *Options) { put(t, o.Kernel, []byte("kernel")) }, fault.Invalid},
		"a kernel for another machine": {func(o *Options) { put(t, o.Kernel, kernelFile(56, "ARM\x64")) }, fault.Invalid},
		"a mistyped set":               {func(o *Options) { o.Only = []string{"netwrok"} }, fault.Invalid},
		"a mistyped module":            {func(o *Options) { o.Modules = []string{"virtio-nett"} }, fault.Invalid},
		"no such set":                  {func(o *Options) { o.Only = []string{"net work"} }, fault.Invalid},
		"a damaged module":             {func(o *Options) { put(t, filepath.Join(o.ModulesDir, "kernel/net/core/failover.ko.gz"), []byte("x")) }, fault.Invalid},
	} {
		o := sample(t)
		c.spoil(&o)
		if _, err := Build(o); !fault.Is(err, c.want) || fault.HintOf(err) == "" {
			t.Errorf("%s: %v", name, err)
		}
		if left, _ := filepath.Glob(filepath.Join(o.Out, "amd64/*")); len(left) > 0 {
			t.Errorf("%s left %v", name, left)
		}
	}
}

func TestAMistypedNameIsToldWhatItMayBe(t *testing.T) {
	for typo, want := range map[string]string{"netwrok": "is it network?", "virtio_nett": "is it virtio_net", "acm": "is it acme?", "zzzzzz": "sets are small"} {
		o := sample(t)
		o.Modules, o.Only = nil, []string{typo}
		if _, err := Build(o); !fault.Is(err, fault.Invalid) || !strings.HasPrefix(fault.HintOf(err), want) {
			t.Errorf("%s: %v (%s)", typo, err, fault.HintOf(err))
		}
	}
}

func FuzzModule(f *testing.F) {
	f.Add(ko("alias=a", "depends=b,c", "softdep=pre: d", "firmware=e"))
	f.Fuzz(func(_ *testing.T, b []byte) { _ = (&module{bytes: b}).describe(elf.EM_X86_64) })
}

func FuzzArchive(f *testing.F) {
	var a archive
	a.file("init", 0o755, []byte("the agent"))
	a.link("bin/sh", "busybox")
	f.Add(a.finish())
	f.Fuzz(func(_ *testing.T, b []byte) { readArchive(b) })
}
