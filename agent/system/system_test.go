package system

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rackwright/fault"
)

// folders shows a folder for each partition.
func folders(dir string) Mounter {
	return func(p Partition, _ bool, do func(*os.Root) error) error {
		root, err := os.OpenRoot(filepath.Join(dir, p.Path))
		if err != nil {
			return err
		}
		defer root.Close()
		return do(root)
	}
}

// disk makes partitions of folders: path in a partition -> content.
func disk(t *testing.T, files map[string]string) ([]Partition, Mounter) {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range []string{"p1", "p2"} {
		if err := os.MkdirAll(filepath.Join(dir, p), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return []Partition{{Path: "p1", Kind: "vfat", Label: "EFI"}, {Path: "p2", Kind: "ext4", Label: "OEM"}, {Path: "p3"}}, folders(dir)
}

const debian = `
set default="0"
menuentry 'Debian GNU/Linux' --class debian {
	search --no-floppy --fs-uuid --set=root 1234
	linux	/boot/vmlinuz-6.1.0-28 root=UUID=1234 ro console=ttyS0 quiet
	initrd	/boot/initrd.img-6.1.0-28
}
menuentry 'recovery' {
	linux /boot/vmlinuz-6.1.0-9 root=UUID=1234 single
}
`

func TestTheDefaultEntryIsFound(t *testing.T) {
	kernels := map[string]string{"p2/boot/vmlinuz-6.1.0-28": "k", "p2/boot/initrd.img-6.1.0-28": "i", "p2/boot/vmlinuz-6.1.0-9": "k"}
	for what, c := range map[string]struct {
		files map[string]string
		want  Entry
		none  bool
	}{
		"GRUB's first":       {map[string]string{"p2/boot/grub/grub.cfg": debian}, Entry{"boot/vmlinuz-6.1.0-28", []string{"boot/initrd.img-6.1.0-28"}, "root=UUID=1234 ro console=ttyS0 quiet"}, false},
		"GRUB that computes": {map[string]string{"p2/boot/grub/grub.cfg": "menuentry x {\n linux $kernel $opts\n}\n" + debian}, Entry{"boot/vmlinuz-6.1.0-28", []string{"boot/initrd.img-6.1.0-28"}, "root=UUID=1234 ro console=ttyS0 quiet"}, false},
		"newest specified": {map[string]string{
			"p2/boot/loader/entries/a-6.1.0-9.conf":  "title x\nlinux /boot/vmlinuz-6.1.0-9\noptions root=LABEL=r\n",
			"p2/boot/loader/entries/a-6.1.0-28.conf": "# c\nlinux /boot/vmlinuz-6.1.0-28\ninitrd /boot/initrd.img-6.1.0-28\noptions root=LABEL=r\noptions ro\n"},
			Entry{"boot/vmlinuz-6.1.0-28", []string{"boot/initrd.img-6.1.0-28"}, "root=LABEL=r ro"}, false},
		"a kernel that is not there": {map[string]string{"p2/boot/grub/grub.cfg": "linux /boot/gone root=x\n"}, Entry{}, true},
		"a way out of the disk":      {map[string]string{"p2/boot/grub/grub.cfg": "linux /../../../../../../etc/passwd root=x\n"}, Entry{}, true},
		"nothing":                    {nil, Entry{}, true},
	} {
		files := map[string]string{}
		for _, m := range []map[string]string{kernels, c.files} {
			for name, content := range m {
				files[name] = content
			}
		}
		list, mount := disk(t, files)
		p, e, err := Default(list, mount)
		if c.none {
			if !fault.Is(err, fault.NotFound) || fault.HintOf(err) == "" {
				t.Errorf("%s: %+v, %v", what, e, err)
			}
			continue
		}
		if err != nil || p.Path != "p2" || e.Kernel != c.want.Kernel || e.Args != c.want.Args || !slices.Equal(e.Initrds, c.want.Initrds) {
			t.Errorf("%s: %+v, %v", what, e, err)
		}
	}
}

func TestFilesArePlacedByLabel(t *testing.T) {
	list, mount := disk(t, map[string]string{"p2/config.ign": "old and longer than the new one"})
	files := []File{{"OEM", "/config.ign", "{}"}, {"OEM", "deep/er/file", "x"}}
	for range 2 {
		if err := Place(list, mount, files); err != nil {
			t.Fatal(err)
		}
	}
	err := mount(list[1], false, func(root *os.Root) error {
		for _, f := range files {
			if b, err := root.ReadFile(strings.TrimPrefix(f.Path, "/")); err != nil || string(b) != f.Content {
				t.Errorf("%s: %q, %v", f.Path, b, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := Place(list, mount, []File{{"boot", "ignition/config.ign", "{}"}}); !fault.Is(err, fault.NotFound) {
		t.Errorf("a label that is not there: %v", err)
	}
	if err := Place(list, mount, []File{{"OEM", "../../escaped", "x"}}); err != nil {
		t.Errorf("a path is below the file system's root: %v", err)
	}
}

func TestFileSystemsAreIdentified(t *testing.T) {
	make4k := func(at int, s string, more ...any) []byte {
		b := make([]byte, 70<<10)
		copy(b[at:], s)
		for i := 0; i+1 < len(more); i += 2 {
			copy(b[more[i].(int):], more[i+1].(string))
		}
		return b
	}
	for want, b := range map[string][]byte{
		"ext4/root": make4k(1024+56, "\x53\xef", 1024+120, "root"), "xfs/data": make4k(0, "XFSB", 108, "data"),
		"vfat/CIDATA": make4k(82, "FAT32   ", 71, "CIDATA     "), "vfat/EFI": make4k(54, "FAT16   ", 43, "EFI        "),
		"btrfs/OEM": make4k(65536+64, "_BHRfS_M", 65536+299, "OEM"), "/": make4k(0, ""),
	} {
		if kind, label := identify(bytes.NewReader(b)); kind+"/"+label != want {
			t.Errorf("%s/%s, want %s", kind, label, want)
		}
	}
	if kind, _ := identify(bytes.NewReader([]byte("XFS"))); kind != "" {
		t.Errorf("three bytes are %q", kind)
	}
}

func TestPartitionsAreListedInTheirOrder(t *testing.T) {
	sys, dev := t.TempDir(), t.TempDir()
	for n, name := range map[string]string{"10": "vda10", "2": "vda2", "": "queue"} {
		dir := filepath.Join(sys, "block/vda", name)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if n != "" {
			if err := os.WriteFile(filepath.Join(dir, "partition"), []byte(n+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	list, err := Partitions(sys, dev, "/dev/vda")
	if err != nil || len(list) != 2 || filepath.Base(list[0].Path) != "vda2" || filepath.Base(list[1].Path) != "vda10" {
		t.Errorf("%+v, %v", list, err)
	}
	if _, err := Partitions(sys, dev, "/dev/vdb"); !fault.Is(err, fault.Unreachable) {
		t.Errorf("a disk that is gone: %v", err)
	}
}

// FuzzEntries: a disk's boot configuration may be anything.
func FuzzEntries(f *testing.F) {
	f.Add(debian)
	f.Add("linux .")
	f.Add("linux /k\ninitrd /i\noptions a\n")
	f.Fuzz(func(t *testing.T, s string) {
		for _, parse := range []func(string) (Entry, bool){parseGRUB, parseSpecified} {
			if e, ok := parse(s); ok && (e.Kernel == "" || strings.HasPrefix(e.Kernel, "/") || strings.HasPrefix(e.Kernel, "../")) {
				t.Errorf("kernel %q", e.Kernel)
			}
		}
	})
}
