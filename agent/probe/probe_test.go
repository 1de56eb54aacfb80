package probe

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"rackwright/inventory"
)

// tree makes a file system: "name -> target" is a link, "name/" a directory.
func tree(t *testing.T, files map[string]string) Tree {
	t.Helper()
	root := t.TempDir()
	for name, content := range files {
		path := filepath.Join(root, name)
		if target, ok := strings.CutPrefix(content, "-> "); ok {
			must(t, os.MkdirAll(filepath.Dir(path), 0o700))
			must(t, os.Symlink(target, path))
			continue
		}
		if strings.HasSuffix(name, "/") {
			must(t, os.MkdirAll(path, 0o700))
			continue
		}
		must(t, os.MkdirAll(filepath.Dir(path), 0o700))
		must(t, os.WriteFile(path, []byte(content), 0o600))
	}
	return Tree{Root: root}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestDisksAreToldApartFromWhatIsNone(t *testing.T) {
	got := tree(t, map[string]string{
		"sys/block/vda/size": "2097152\n", "sys/block/vda/serial": "VD-1\n", "sys/block/vda/device/": "", "sys/block/vda/ro": "0\n",
		"sys/block/vda/queue/logical_block_size": "512\n", "sys/block/vda/queue/rotational": "1\n",
		"sys/block/nvme0n1/size": "8000\n", "sys/block/nvme0n1/wwid": "eui.0025388b71b0d1a2\n",
		"sys/block/nvme0n1/device/serial": "S64H \n", "sys/block/nvme0n1/device/model": "SAMSUNG MZQL2  \n",
		"sys/block/sda/size": "4000\n", "sys/block/sda/queue/rotational": "1\n", "sys/block/sda/device/vendor": "ATA     \n",
		"sys/block/sda/device/model": "ST4000NM\n", "sys/block/sda/device/vpd_pg80": "\x00\x80\x00\x08  ZC1234",
		"sys/block/sda/device/vpd_pg83": "\x00\x83\x00\x0c\x01\x03\x00\x08\x50\x00\xc5\x00\xa1\xb2\xc3\xd4",
		"sys/block/sda/device/wwid":     "t10.ATA     ST4000NM   ZC1234\n",
		"sys/block/sdb/size":            "0\n", "sys/block/sdb/device/": "",
		"sys/block/loop0/size": "80\n", "sys/block/sr0/size": "80\n", "sys/block/sr0/device/": "", "sys/block/dm-0/size": "8\n",
	}).Disks()
	want := []inventory.Disk{
		{Path: "/dev/nvme0n1", Serial: "S64H", WWN: "eui.0025388b71b0d1a2", Model: "SAMSUNG MZQL2", Bytes: 8000 * 512, Type: "nvme"},
		{Path: "/dev/sda", Serial: "ZC1234", WWN: "naa.5000c500a1b2c3d4", Model: "ST4000NM", Bytes: 4000 * 512, Type: "hdd", Rotational: true},
		{Path: "/dev/vda", Serial: "VD-1", Bytes: 1 << 30, Type: "virtual", BlockBytes: 512, Rotational: true},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestNICsCarryTheirBurntInAddressDriverAndPlace(t *testing.T) {
	tr := tree(t, map[string]string{
		"sys/devices/pci0000:00/0000:00:03.0/virtio0/":       "",
		"sys/class/net/eth0/device":                          "-> ../../../devices/pci0000:00/0000:00:03.0/virtio0",
		"sys/devices/pci0000:00/0000:00:03.0/virtio0/driver": "-> ../../../../bus/virtio/drivers/virtio_net",
		"sys/class/net/eth0/address":                         "52:54:00:00:00:01\n", "sys/class/net/eth0/type": "1\n",
		"sys/class/net/eth0/carrier": "1\n", "sys/class/net/eth0/speed": "25000\n",
		"sys/class/net/lo/address": "00:00:00:00:00:00\n", "sys/class/net/lo/type": "772\n",
	})
	tr.Permanent = func(string) (inventory.MAC, bool) { return inventory.MAC{0x52, 0x54, 0, 0, 0, 9}, true }
	want := []inventory.SeenNIC{{Name: "eth0", MAC: inventory.MAC{0x52, 0x54, 0, 0, 0, 9}, Driver: "virtio_net", Mbps: 25000, Link: true, PCI: "0000:00:03.0"}}
	if got := tr.NICs(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestControllersWithoutADriverAreNamed(t *testing.T) {
	got := tree(t, map[string]string{
		"sys/bus/pci/devices/0000:00:03.0/class": "0x020000\n", "sys/bus/pci/devices/0000:00:03.0/vendor": "0x14e4\n", "sys/bus/pci/devices/0000:00:03.0/device": "0x1750\n",
		"sys/bus/pci/devices/0000:00:04.0/class": "0x010802\n", "sys/bus/pci/devices/0000:00:04.0/driver/": "",
		"sys/bus/pci/devices/0000:00:05.0/class": "0x030000\n",
	}).Unbound()
	if !reflect.DeepEqual(got, []string{"14e4:1750"}) {
		t.Error(got)
	}
}

func TestFirmwareIsUEFIOnlyWhereTheKernelSaysSo(t *testing.T) {
	if got := tree(t, map[string]string{"sys/firmware/efi/": ""}).Firmware(); got != inventory.UEFI {
		t.Error(got)
	}
	if got := tree(t, nil).Firmware(); got != inventory.BIOS {
		t.Error(got)
	}
}

// dmi renders structures as firmware does.
func dmi(kind byte, body []byte, texts ...string) []byte {
	b := append([]byte{kind, byte(4 + len(body)), 0, 0}, body...)
	for _, s := range texts {
		b = append(append(b, s...), 0)
	}
	if len(texts) == 0 {
		b = append(b, 0)
	}
	return append(b, 0)
}

func sampleDMI() []byte {
	system := append([]byte{1, 2, 0, 3}, 0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff)
	cpu := make([]byte, 44)
	cpu[0], cpu[12], cpu[20], cpu[31], cpu[33] = 1, 2, 0x41, 0xff, 0xff
	binary.LittleEndian.PutUint16(cpu[38:], 300)
	binary.LittleEndian.PutUint16(cpu[42:], 600)
	dimm := make([]byte, 36)
	binary.LittleEndian.PutUint16(dimm[8:], 0x7fff)
	dimm[12], dimm[19], dimm[20], dimm[22] = 1, 2, 3, 4
	binary.LittleEndian.PutUint16(dimm[17:], 4800)
	binary.LittleEndian.PutUint32(dimm[24:], 65536)
	empty := make([]byte, 36)
	all := dmi(0, []byte{1, 2, 0, 0, 0}, "SeaBIOS", "1.16")
	all = append(all, dmi(1, system, "Dell Inc.", "R760", "To be filled by O.E.M.")...)
	all = append(all, dmi(3, []byte{0, 0, 0, 1, 2}, "CH-77", "tag 9")...)
	all = append(all, dmi(4, cpu, "CPU0", "EPYC 9965")...)
	all = append(all, dmi(17, dimm, "A1", "Micron", "M-1", "MTC40")...)
	all = append(all, dmi(17, empty)...)
	return append(all, dmi(127, nil)...)
}

func TestSMBIOSIsRead(t *testing.T) {
	sys, cpus, dimms := parseSMBIOS(sampleDMI())
	if want := (inventory.System{Vendor: "Dell Inc.", Product: "R760", Serial: "CH-77", UUID: "00112233-4455-6677-8899-aabbccddeeff", BIOSVersion: "1.16", AssetTag: "tag 9"}); sys != want {
		t.Errorf("system %+v", sys)
	}
	if want := []inventory.CPU{{Socket: "CPU0", Model: "EPYC 9965", Cores: 300, Threads: 600}}; !reflect.DeepEqual(cpus, want) {
		t.Errorf("cpus %+v", cpus)
	}
	if want := []inventory.DIMM{{Slot: "A1", SizeMiB: 65536, SpeedMTs: 4800, Vendor: "Micron", Part: "MTC40", Serial: "M-1"}}; !reflect.DeepEqual(dimms, want) {
		t.Errorf("dimms %+v", dimms)
	}
}

func TestFactsOfABareTreeAreStillFacts(t *testing.T) {
	f := tree(t, map[string]string{"proc/meminfo": "MemTotal:  2048000 kB\n",
		"proc/cpuinfo": "model name : X\nphysical id : 0\ncpu cores : 2\n\nmodel name : X\nphysical id : 0\ncpu cores : 2\n"}).Facts(time.Unix(0, 0), nil)
	if f.MemoryMiB != 2000 || len(f.CPUs) != 1 || f.CPUs[0] != (inventory.CPU{Socket: "0", Model: "X", Cores: 2, Threads: 2}) {
		t.Errorf("%+v", f)
	}
}

func tlv(kind int, value string) string {
	return string([]byte{byte(kind<<1 | len(value)>>8), byte(len(value))}) + value
}

func sampleLLDP() string {
	return tlv(1, "\x04\x00\x1c\x73\x00\x00\x01") + tlv(2, "\x05Ethernet7/1") + tlv(3, "\x00\x78") + tlv(5, "tor-a12") + tlv(0, "")
}

func TestANeighbourIsHeard(t *testing.T) {
	got, ok := parseLLDP("eth0", []byte(sampleLLDP()))
	if want := (inventory.Neighbor{NIC: "eth0", Chassis: "00:1c:73:00:00:01", Port: "Ethernet7/1", System: "tor-a12"}); !ok || got != want {
		t.Errorf("%+v %v", got, ok)
	}
}

func TestFramesThatAreNoNeighbour(t *testing.T) {
	for name, frame := range map[string]string{
		"nothing":          "",
		"cut in a value":   sampleLLDP()[:12],
		"port before":      tlv(2, "\x05e1") + tlv(1, "\x04abcdef"),
		"a goodbye":        tlv(1, "\x07sw") + tlv(2, "\x05e1") + tlv(3, "\x00\x00") + tlv(0, ""),
		"no time to live":  tlv(1, "\x07sw") + tlv(2, "\x05e1") + tlv(0, ""),
		"nameless chassis": tlv(1, "\x07") + tlv(2, "\x05e1") + tlv(3, "\x00\x78"),
	} {
		if got, ok := parseLLDP("eth0", []byte(frame)); ok {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func FuzzLLDP(f *testing.F) {
	f.Add([]byte(sampleLLDP()))
	f.Fuzz(func(_ *testing.T, b []byte) { parseLLDP("eth0", b) })
}

func FuzzSMBIOS(f *testing.F) {
	f.Add(sampleDMI())
	f.Fuzz(func(_ *testing.T, b []byte) { parseSMBIOS(b) })
}

func FuzzVPD(f *testing.F) {
	f.Add([]byte("\x00\x83\x00\x0c\x01\x03\x00\x08\x50\x00\xc5\x00\xa1\xb2\xc3\xd4"))
	f.Fuzz(func(_ *testing.T, b []byte) { vpdNAA(b); vpdSerial(b) })
}
