package ramdisk

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"

	"rackwright/fault"
)

// ko renders a module: a 64 bit ELF file with nothing but a .modinfo section.
func ko(info ...string) []byte {
	names := "\x00.shstrtab\x00.modinfo\x00"
	data := strings.Join(info, "\x00") + "\x00"
	le := binary.LittleEndian
	b := make([]byte, 64)
	copy(b, "\x7fELF\x02\x01\x01")
	le.PutUint16(b[16:], 1)  // relocatable
	le.PutUint16(b[18:], 62) // x86-64
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
	put(t, filepath.Join(mods, "kernel/lib/crc_soft.ko"), ko("depends="))
	put(t, filepath.Join(mods, "kernel/drivers/unwanted.ko"), ko("depends="))
	put(t, filepath.Join(mods, "modules.builtin"), []byte("kernel/drivers/nvme/host/nvme.ko\n"))
	return Options{Kernel: put(t, filepath.Join(dir, "vmlinuz"), []byte("kernel")), ModulesDir: mods,
		Agent: put(t, filepath.Join(dir, "agent"), []byte("\x7fELF the agent")), Modules: []string{"virtio_net", "nvme", "tg3"}, Out: filepath.Join(dir, "out"), Arch: "amd64"}
}

func TestTheRamdiskHoldsTheAgentAndWhatItsModulesNeed(t *testing.T) {
	cpio, err := exec.LookPath("cpio")
	if err != nil {
		t.Skip("cpio is missing: apt-get install cpio")
	}
	o := sample(t)
	r, err := Build(o)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Modules) != 4 || strings.Join(r.Builtin, " ") != "nvme" || strings.Join(r.Absent, " ") != "tg3" {
		t.Errorf("report %+v", r)
	}
	packed, _ := os.ReadFile(filepath.Join(o.Out, "amd64/initrd"))
	dec, _ := zstd.NewReader(nil)
	plain, err := dec.DecodeAll(packed, nil)
	if err != nil {
		t.Fatal(err)
	}
	tree := t.TempDir()
	unpack := exec.Command(cpio, "-idm", "--quiet", "--no-absolute-filenames")
	unpack.Dir, unpack.Stdin = tree, bytes.NewReader(plain)
	if out, err := unpack.CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	for name, want := range map[string]string{
		"init":                              "\x7fELF the agent",
		"lib/modules/6.1.0-1/modules.alias": "alias virtio:d00000001v* virtio_net\n",
		"lib/modules/6.1.0-1/modules.dep": "kernel/lib/crc_soft.ko:\nkernel/net/core/failover.ko:\nkernel/drivers/net/net_failover.ko: kernel/net/core/failover.ko\n" +
			"kernel/drivers/net/virtio-net.ko: kernel/lib/crc_soft.ko kernel/drivers/net/net_failover.ko kernel/net/core/failover.ko\n",
		"lib/modules/6.1.0-1/kernel/drivers/net/net_failover.ko": string(ko("depends=failover")),
	} {
		if got, err := os.ReadFile(filepath.Join(tree, name)); err != nil || string(got) != want {
			t.Errorf("%s: %v\ngot  %q\nwant %q", name, err, got, want)
		}
	}
	info, err := os.Stat(filepath.Join(tree, "init"))
	if err != nil || info.Mode().Perm() != 0o755 || info.ModTime().Unix() != 0 {
		t.Errorf("init: %v %v", info, err)
	}
}

func TestTheSameInputsGiveTheSameBytes(t *testing.T) {
	o := sample(t)
	var sums [2]string
	for i := range sums {
		r, err := Build(o)
		if err != nil {
			t.Fatal(err)
		}
		contents, err := os.ReadFile(filepath.Join(o.Out, "amd64/contents.json"))
		if err != nil || !json.Valid(contents) {
			t.Fatal(err)
		}
		sums[i] = r.Initrd.SHA256 + string(contents)
	}
	if sums[0] != sums[1] {
		t.Error("two builds differ")
	}
}

func TestInputsThatCannotBeUsed(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*Options)
		want  fault.Kind
	}{
		"no kernel":             {func(o *Options) { o.Kernel += "x" }, fault.NotFound},
		"no modules":            {func(o *Options) { o.ModulesDir += "x" }, fault.NotFound},
		"an agent that is none": {func(o *Options) { o.Agent = o.Kernel }, fault.Invalid},
		"another architecture":  {func(o *Options) { o.Arch = "vax" }, fault.Invalid},
		"a damaged module":      {func(o *Options) { put(t, filepath.Join(o.ModulesDir, "kernel/net/core/failover.ko.gz"), []byte("x")) }, fault.Invalid},
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

func FuzzModule(f *testing.F) {
	f.Add(ko("alias=a", "depends=b,c", "softdep=pre: d"))
	f.Fuzz(func(_ *testing.T, b []byte) { _ = (&module{bytes: b}).describe() })
}
