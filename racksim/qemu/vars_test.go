package qemu

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rackwright/racksim"
)

// emptyStore is a variable store of size bytes of records, without a volume body.
func emptyStore(size int) []byte {
	const header = 72
	image := bytes.Repeat([]byte{0xff}, header+storeHeader+size)
	binary.LittleEndian.PutUint16(image[volumeLength:], header)
	g := authenticatedStore
	copy(image[header:], g[:])
	binary.LittleEndian.PutUint32(image[header+16:], uint32(storeHeader+size))
	return image
}

func TestVariablesReadBackAsWritten(t *testing.T) {
	s, err := parseStore(emptyStore(1024))
	must(t, err)
	s.set("BootNext", []byte{1, 2, 3})
	s.set("Lang", []byte("en"))
	s.set("BootNext", []byte{0, 0xbc})
	s.remove("Lang")
	image, err := s.encode()
	must(t, err)
	again, err := parseStore(image)
	must(t, err)
	if all, err := Variables(image); err != nil || len(all) != 1 || !bytes.Equal(all["BootNext"], []byte{0, 0xbc}) {
		t.Errorf("global variables %x, %v", all, err)
	}
	if got := again.get("BootNext"); !bytes.Equal(got, []byte{0, 0xbc}) || again.get("Lang") != nil {
		t.Errorf("BootNext %x, Lang %x", got, again.get("Lang"))
	}
}

func TestFullStoreIsAnErrorAndNotABrokenFile(t *testing.T) {
	s, err := parseStore(emptyStore(256))
	must(t, err)
	s.set("Big", make([]byte, 512))
	if _, err := s.encode(); err == nil {
		t.Error("512 bytes fit into 256")
	}
}

func TestHTTPBootEntryComesAndGoes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "vars.fd")
	must(t, os.WriteFile(path, emptyStore(4096), 0o600))
	yes := true
	m := racksim.Machine{Name: "n1", NICs: []racksim.NIC{{Name: "nic1", MAC: "52:54:00:00:00:01", Boot: &yes}}}
	must(t, setHTTPBoot(path, m, &racksim.HTTPBoot{URI: "http://h/f.efi"}))
	image, err := os.ReadFile(path)
	must(t, err)
	s, err := parseStore(image)
	must(t, err)
	if entry := s.get("BootBC00"); !bytes.Contains(entry, []byte("http://h/f.efi")) || s.get("BootNext") == nil {
		t.Errorf("entry %x, next %x", entry, s.get("BootNext"))
	}
	must(t, setHTTPBoot(path, m, nil))
	image, err = os.ReadFile(path)
	must(t, err)
	if !bytes.Equal(image, emptyStore(4096)) {
		t.Error("something is left of the entry")
	}
}

// The entry has to be that of OVMF itself, or OVMF boots what else is in its order: these are its
// HTTPv4 and HTTPv6 of the same port.
func TestHTTPBootNamesThePortAsOVMFDoes(t *testing.T) {
	unset := func(bytes int) string { return strings.Repeat("00", bytes) }
	port := "02010c00d041030a00000000" + "010106000010" + "030b2500525400770001" + unset(26) + "01"
	for six, own := range map[bool]string{false: "030c1b00" + unset(23), true: "030d3c00" + unset(39) + "40" + unset(16)} {
		if got := hex.EncodeToString(httpPath("52:54:00:77:00:01", nicSlot, six, "")); got != port+own+"03180400"+"7fff0400" {
			t.Errorf("IPv6 %t: %s", six, got)
		}
	}
}

// FuzzParseStore checks that any file the guest leaves behind is read and written back
// without loss.
func FuzzParseStore(f *testing.F) {
	f.Add(emptyStore(256))
	s, err := parseStore(emptyStore(512))
	if err != nil {
		f.Fatal(err)
	}
	s.set("BootNext", []byte{0, 0xbc})
	image, err := s.encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(image)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, image []byte) {
		s, err := parseStore(image)
		if err != nil {
			return
		}
		out, err := s.encode()
		if err != nil {
			return
		}
		again, err := parseStore(out)
		if err != nil || len(again.variables) != len(s.variables) {
			t.Errorf("%d variables became %v, %v", len(s.variables), again, err)
		}
	})
}

func FuzzParseMessage(f *testing.F) {
	f.Add([]byte(`{"QMP": {"version": {}, "capabilities": []}}`))
	f.Add([]byte(`{"event": "SHUTDOWN", "data": {"guest": true, "reason": "guest-reset"}}`))
	f.Add([]byte(`{"return": {}, "id": 1}`))
	f.Fuzz(func(_ *testing.T, line []byte) { _, _ = parseMessage(line) })
}
