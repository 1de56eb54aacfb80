package efi

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// A PXE entry of OVMF's: a MAC node behind PCI nodes.
var pxe = Option{Attributes: active, Description: "UEFI PXEv4", Path: append(append([]byte{2, 1, 12, 0, 0xd0, 0x41, 3, 10, 0, 0, 0, 0, 1, 1, 6, 0, 0, 3,
	typeMessaging, subMAC, 37, 0}, make([]byte, 33)...), typeEnd, subEntire, 4, 0)}

var (
	setup = Option{Attributes: active, Description: "EFI Internal Shell", Path: []byte{typeEnd, subEntire, 4, 0}}
	disk  = Partition{Number: 2, First: 4096, Blocks: 131072, GUID: [16]byte{1, 2, 3, 4}}
)

const file = `\EFI\BOOT\BOOTX64.EFI`

func firmware(t *testing.T, order []uint16, options map[uint16]Option) Variables {
	t.Helper()
	v := Variables{Dir: t.TempDir()}
	for n, o := range options {
		if err := v.write(number(n), o.Encode()); err != nil {
			t.Fatal(err)
		}
	}
	if err := v.write("BootOrder", encodeOrder(order)); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestTheEntryComesAfterTheNetworkAndIsNext(t *testing.T) {
	for what, c := range map[string]struct {
		order, want []uint16
		options     map[uint16]Option
	}{
		"network first":    {[]uint16{3, 0}, []uint16{3, 1, 0}, map[uint16]Option{3: pxe, 0: setup}},
		"network later":    {[]uint16{0, 3}, []uint16{1, 0, 3}, map[uint16]Option{3: pxe, 0: setup}},
		"no order at all":  {nil, []uint16{0}, map[uint16]Option{}},
		"a dangling order": {[]uint16{9, 0}, []uint16{1, 9, 0}, map[uint16]Option{0: setup}},
	} {
		v := firmware(t, c.order, c.options)
		for range 2 { // twice is once
			n, err := v.Keep("debian-12", disk, file)
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			order, _ := v.order()
			next, _ := v.read("BootNext")
			options, _ := v.options()
			if !slices.Equal(order, c.want) || !bytes.Equal(next, encodeOrder([]uint16{n})) || len(options) != len(c.options)+1 {
				t.Errorf("%s: order %v, want %v; next %x, entry %d of %d", what, order, c.want, next, n, len(options))
			}
			if o := options[n]; o.Description != "rackwright debian-12" || !bytes.Equal(o.Path, Loader(disk, file)) {
				t.Errorf("%s: entry %+v", what, o)
			}
		}
	}
}

func TestAnEntryOfAnEarlierDeploymentIsTakenUp(t *testing.T) {
	old := Option{Attributes: active, Description: ours + "debian-11", Path: Loader(Partition{Number: 1}, file)}
	v := firmware(t, []uint16{3, 5, 7}, map[uint16]Option{3: pxe, 5: old, 7: old})
	n, err := v.Keep("debian-12", disk, file)
	if err != nil || n != 5 {
		t.Fatalf("entry %d, %v", n, err)
	}
	order, _ := v.order()
	options, _ := v.options()
	if _, second := options[7]; second || !slices.Equal(order, []uint16{3, 5}) {
		t.Errorf("order %v, %d entries", order, len(options))
	}
}

func TestAFirmwareThatKeepsNothingIsSaid(t *testing.T) {
	v := Variables{Dir: filepath.Join(t.TempDir(), "none")}
	if _, err := v.Keep("x", disk, file); err == nil {
		t.Fatal("there are no variables")
	}
	if os.Geteuid() == 0 {
		return // root may write where nobody may
	}
	v = firmware(t, nil, nil)
	if err := os.Chmod(v.Dir, 0o500); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Keep("x", disk, file); err == nil {
		t.Fatal("the folder is read-only")
	}
}

func TestALoaderPathIsWhatTheSpecificationSays(t *testing.T) {
	list := nodes(Loader(disk, file))
	if len(list) != 3 || list[0].kind != typeMedia || len(list[0].body) != 38 || list[1].sub != subFile || list[2].kind != typeEnd {
		t.Fatalf("%+v", list)
	}
	if text, rest, ok := cutText(list[1].body); !ok || text != file || len(rest) != 0 {
		t.Errorf("file %q", text)
	}
}

// FuzzParseOption: what the firmware holds may be anything.
func FuzzParseOption(f *testing.F) {
	f.Add(pxe.Encode())
	f.Add([]byte{1, 0, 0, 0, 255, 255, 'a', 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		o, err := ParseOption(b)
		if err != nil {
			return
		}
		o.network()
		if back, err := ParseOption(o.Encode()); err != nil || !bytes.Equal(back.Path, o.Path) || !bytes.Equal(back.Data, o.Data) {
			t.Errorf("%+v became %+v, %v", o, back, err)
		}
	})
}
