package images_test

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/diskfs/go-diskfs/filesystem"

	"rackwright/fault"
	"rackwright/images"
	"rackwright/images/imagetest"
	"rackwright/inventory"
)

func inspect(t *testing.T, b []byte) (images.Layout, error) {
	t.Helper()
	return images.Inspect(bytes.NewReader(b), int64(len(b)))
}

func build(t testing.TB, s imagetest.Spec) []byte {
	t.Helper()
	b, err := os.ReadFile(imagetest.Write(t, s))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestLoadersOnTheImageDecideItsBootModes(t *testing.T) {
	bios, uefi := inventory.BIOS, inventory.UEFI
	for _, c := range []struct {
		name     string
		spec     imagetest.Spec
		arch     string
		firmware []inventory.Firmware
	}{
		{"both modes", imagetest.Bootable(), "amd64", []inventory.Firmware{bios, uefi}},
		{"BIOS only", imagetest.Spec{BIOS: true}, "amd64", []inventory.Firmware{bios}},
		{"UEFI only", imagetest.Spec{Loaders: []string{"GRUBX64.EFI", "BOOTX64.EFI"}}, "amd64", []inventory.Firmware{uefi}},
		{"FAT16", imagetest.Spec{Loaders: []string{"BOOTX64.EFI"}, FAT: filesystem.TypeFat16}, "amd64", []inventory.Firmware{uefi}},
		{"FAT12", imagetest.Spec{Loaders: []string{"BOOTX64.EFI"}, FAT: filesystem.TypeFat12}, "amd64", []inventory.Firmware{uefi}},
		{"arm64", imagetest.Spec{Loaders: []string{"BOOTAA64.EFI"}}, "arm64", []inventory.Firmware{uefi}},
		{"a loader with a vendor's name is not found by firmware", imagetest.Spec{BIOS: true, Loaders: []string{"GRUBX64.EFI"}}, "amd64", []inventory.Firmware{bios}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := inspect(t, build(t, c.spec))
			if err != nil || got.Arch != c.arch || !slices.Equal(got.Firmware, c.firmware) {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

func TestASystemPartitionNobodyCanReadIsLeftToTheFirmware(t *testing.T) {
	b := build(t, imagetest.Spec{Loaders: []string{"BOOTAA64.EFI"}})
	clear(b[1<<20 : 1<<20+512]) // its boot sector
	got, err := inspect(t, b)
	if err != nil || got.Arch != "amd64" || !slices.Equal(got.Firmware, []inventory.Firmware{inventory.UEFI}) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestWhatIsNoBootableImageIsRefusedWithWhatItIs(t *testing.T) {
	good := build(t, imagetest.Bootable())
	change := func(f func(b []byte) []byte) []byte { return f(slices.Clone(good)) }
	at := func(off int, s string) []byte {
		b := make([]byte, 48<<10)
		copy(b[off:], s)
		return b
	}
	for _, c := range []struct {
		name string
		b    []byte
		want string
	}{
		{"nothing", nil, "0 bytes"},
		{"text", []byte(strings.Repeat("not an image\n", 100)), "no partition table"},
		{"tar", at(257, "ustar"), "a tar archive"},
		{"zip", at(0, "PK\x03\x04"), "a zip archive"},
		{"vmdk", at(0, "KDMV"), "VMware"},
		{"iso", at(32769, "CD001"), "ISO 9660"},
		{"ext4", at(1080, "\x53\xef"), "ext2/3/4"},
		{"web page", at(0, "<!DOCTYPE html>"), "a web page"},
		{"nothing to boot", build(t, imagetest.Spec{}), "nothing that boots"},
		{"MBR", change(func(b []byte) []byte { clear(b[512:1024]); return b }), "MBR"},
		{"4096-byte sectors", change(func(b []byte) []byte { copy(b[4096:], b[512:1024]); clear(b[512:1024]); return b }), "4096-byte"},
		{"header damaged", change(func(b []byte) []byte { b[512+60]++; return b }), "header checksum"},
		{"entries damaged", change(func(b []byte) []byte { b[1024+57]++; return b }), "checksum of its entries"},
		{"cut short", good[:30<<20], "cut short"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := inspect(t, c.b)
			if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), c.want) || fault.HintOf(err) == "" {
				t.Errorf("got %v (hint %q), want it to say %q", err, fault.HintOf(err), c.want)
			}
		})
	}
}
