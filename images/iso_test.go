package images_test

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"rackwright/fault"
	"rackwright/images"
	"rackwright/inventory"
)

// isoImage is an ISO 9660 image whose boot catalogue has entries for these platforms.
func isoImage(platforms ...byte) []byte {
	b := make([]byte, 24*2048)
	copy(b[16*2048:], "\x01CD001\x01")
	copy(b[17*2048:], "\x00CD001\x01EL TORITO SPECIFICATION")
	binary.LittleEndian.PutUint32(b[17*2048+0x47:], 20)
	c := b[20*2048:]
	for i, p := range platforms {
		at := 32 + 64*i
		switch {
		case i == 0:
			c[0], c[1] = 1, p
			c[32] = 0x88
			continue
		case i == len(platforms)-1:
			c[at-32] = 0x91
		default:
			c[at-32] = 0x90
		}
		c[at-32+1], c[at-32+2] = p, 1
		c[at] = 0x88
	}
	return b
}

func TestAnISOImageTellsHowItBoots(t *testing.T) {
	for name, c := range map[string]struct {
		image []byte
		want  []inventory.Firmware
	}{
		"both":         {isoImage(0, 0xef), []inventory.Firmware{inventory.BIOS, inventory.UEFI}},
		"BIOS":         {isoImage(0), []inventory.Firmware{inventory.BIOS}},
		"UEFI":         {isoImage(0xef), []inventory.Firmware{inventory.UEFI}},
		"with PowerPC": {isoImage(0, 1, 0xef), []inventory.Firmware{inventory.BIOS, inventory.UEFI}},
		"no catalogue": {isoImage(), nil},
		"PowerPC only": {isoImage(1), nil},
		"short":        {isoImage(0)[:19*2048], nil},
		"zeros":        {make([]byte, 64<<10), nil},
		"nothing":      {nil, nil},
	} {
		got, err := images.InspectISO(bytes.NewReader(c.image), int64(len(c.image)))
		if !slices.Equal(got, c.want) || (err == nil) != (c.want != nil) || err != nil && (!fault.Is(err, fault.Invalid) || fault.HintOf(err) == "") {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

func FuzzInspectISO(f *testing.F) {
	f.Add(isoImage(0, 0xef))
	f.Add(isoImage(0, 1, 0xef)[:41*1024])
	f.Fuzz(func(t *testing.T, b []byte) {
		if modes, err := images.InspectISO(bytes.NewReader(b), int64(len(b))); err == nil && len(modes) == 0 {
			t.Error("it boots in no mode")
		}
	})
}

func TestAKernelTellsItsArchitecture(t *testing.T) {
	at := func(off int, s string) []byte { b := make([]byte, 4096); copy(b[off:], s); return b }
	pe := at(0, "MZ")
	pe[60] = 128
	copy(pe[128:], "PE\x00\x00\x64\xaa")
	for name, c := range map[string]struct {
		head []byte
		want string
	}{
		"bzImage": {at(0x202, "HdrS"), "amd64"}, "Image": {at(56, "ARM\x64"), "arm64"}, "PE": {pe, "arm64"},
		"gzip": {at(0, "\x1f\x8b"), ""}, "short": {[]byte("MZ"), ""}, "none": {nil, ""},
	} {
		if got := images.KernelArch(c.head); got != c.want {
			t.Errorf("%s: %q", name, got)
		}
	}
	for n := range pe { // no prefix of it is read beyond its end
		_ = images.KernelArch(pe[:n])
	}
}
