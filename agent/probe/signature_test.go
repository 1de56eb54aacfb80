package probe

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"rackwright/inventory"
)

const mib = 1 << 20

// with is an image of some size with texts at places; a negative place counts from the end.
func with(size int, texts map[int]string) []byte {
	b := make([]byte, size)
	for at, text := range texts {
		if at < 0 {
			at += size
		}
		copy(b[at:], text)
	}
	return b
}

func le(v uint64, n int) string {
	b := make([]byte, 8)
	binary.LittleEndian.PutUint64(b, v)
	return string(b[:n])
}

// aPartition is an entry of an MBR.
func aPartition(kind byte, first, sectors uint32) string {
	return "\x00\x00\x00\x00" + string([]byte{kind}) + "\x00\x00\x00" + le(uint64(first), 4) + le(uint64(sectors), 4)
}

// gptImage has one partition from 1 MiB to 3 MiB.
func gptImage(size, block int) []byte {
	return with(size, map[int]string{510: "\x55\xaa", 446: aPartition(0xee, 1, 0xffffffff),
		block: "EFI PART", block + 72: le(2, 8) + le(128, 4) + le(128, 4),
		2 * block: "some type GUID..some part. GUID." + le(uint64(mib/block), 8) + le(uint64(3*mib/block)-1, 8)})
}

func TestWhatIsOnADiskIsNamed(t *testing.T) {
	const size = 8 * mib
	ext := func(compat, incompat, readOnly uint64) []byte {
		return with(size, map[int]string{1024 + 56: "\x53\xef", 1024 + 92: le(compat, 4) + le(incompat, 4) + le(readOnly, 4)})
	}
	inside := func(image []byte, at int, text string) []byte { copy(image[at:], text); return image }
	for name, c := range map[string]struct {
		image []byte
		want  string
	}{
		"an empty disk":                     {make([]byte, size), ""},
		"a disk of no size":                 {nil, ""},
		"a disk of a few bytes":             {[]byte("XFSB"), "XFS"},
		"noise":                             {bytes.Repeat([]byte{0x5a, 0xc3, 7}, size/3), ""},
		"a boot sector without a partition": {with(size, map[int]string{510: "\x55\xaa"}), ""},
		"an MBR":                            {with(size, map[int]string{510: "\x55\xaa", 446: aPartition(0x83, 2048, 4096), 462: aPartition(0x82, 8192, 100)}), "MBR with 2 partitions"},
		"an MBR with a logical partition": {with(size, map[int]string{510: "\x55\xaa", 446: aPartition(0x05, 2048, 8192),
			mib + 510: "\x55\xaa", mib + 446: aPartition(0x83, 2048, 2048), 2 * mib: "XFSB"}), "MBR with 1 partition; XFS in partition 5"},
		"an extended partition that is its own": {with(size, map[int]string{510: "\x55\xaa", 446: aPartition(0x05, 2048, 8192),
			mib + 510: "\x55\xaa", mib + 462: aPartition(0x05, 0, 8192)}), "MBR with 0 partitions"},
		"a partition beyond the disk":      {with(size, map[int]string{510: "\x55\xaa", 446: aPartition(0x83, 2048, 1<<31)}), "MBR with 0 partitions"},
		"a GPT of 512":                     {inside(gptImage(size, 512), mib, "XFSB"), "GPT with 1 partition; XFS in partition 1"},
		"a GPT of 4096":                    {inside(gptImage(size, 4096), mib+0x10040, "_BHRfS_M"), "GPT with 1 partition; btrfs in partition 1"},
		"only a GPT's copy":                {with(size, map[int]string{-512: "EFI PART", -512 + 72: le(size/512-33, 8) + le(128, 4) + le(128, 4)}), "GPT with 0 partitions (its copy at the end)"},
		"a GPT that lies":                  {with(size, map[int]string{512: "EFI PART", 512 + 72: le(1<<60, 8) + le(1<<31, 4) + le(1<<31, 4)}), "GPT with 0 partitions"},
		"ext2":                             {ext(0, 0x2, 0x1), "ext2"},
		"ext3":                             {ext(0x4, 0x2, 0x1), "ext3"},
		"ext4":                             {ext(0x4, 0x2|0x40, 0x1), "ext4"},
		"ext4 without extents":             {ext(0x4, 0, 0x20), "ext4"},
		"a journal device":                 {ext(0, 0x8, 0), "ext journal"},
		"FAT16":                            {with(size, map[int]string{0: "\xeb\x3c\x90", 54: "FAT16   ", 510: "\x55\xaa"}), "FAT"},
		"FAT32":                            {with(size, map[int]string{0: "\xeb\x58\x90", 82: "FAT32   ", 510: "\x55\xaa"}), "FAT"},
		"NTFS":                             {with(size, map[int]string{3: "NTFS    ", 510: "\x55\xaa"}), "NTFS"},
		"BitLocker":                        {with(size, map[int]string{3: "-FVE-FS-", 510: "\x55\xaa"}), "BitLocker"},
		"swap":                             {with(size, map[int]string{4086: "SWAPSPACE2"}), "swap"},
		"swap of large pages":              {with(size, map[int]string{65526: "SWAPSPACE2"}), "swap"},
		"LUKS":                             {with(size, map[int]string{0: "LUKS\xba\xbe\x00\x02"}), "LUKS"},
		"LUKS2 that lost its first header": {with(size, map[int]string{0x4000: "SKUL\xba\xbe"}), "LUKS"},
		"LVM":                              {with(size, map[int]string{512: "LABELONE", 512 + 24: "LVM2 001"}), "LVM2 physical volume"},
		"md 0.90":                          {with(size, map[int]string{-64 << 10: le(mdMagic, 4)}), "Linux RAID member (0.90)"},
		"md 0.90 of a big machine":         {with(size, map[int]string{-64 << 10: "\xa9\x2b\x4e\xfc"}), "Linux RAID member (0.90)"},
		"md 1.0":                           {with(size, map[int]string{-8 << 10: le(mdMagic, 4) + le(1, 4)}), "Linux RAID member (1.0)"},
		"md 1.1":                           {with(size, map[int]string{0: le(mdMagic, 4) + le(1, 4)}), "Linux RAID member (1.1)"},
		"md 1.2":                           {with(size, map[int]string{4096: le(mdMagic, 4) + le(1, 4)}), "Linux RAID member (1.2)"},
		"ZFS, its first label":             {with(size, map[int]string{128<<10 + 4096: le(0x00bab10c, 8)}), "ZFS"},
		"ZFS, its last label":              {with(size, map[int]string{-1 << 10: le(0x00bab10c, 8)}), "ZFS"},
		"bcache":                           {with(size, map[int]string{4120: "\xc6\x85\x73\xf6\x4e\x1a\x45\xca\x82\x65\xf5\x7f\x48\xba\x6d\x81"}), "bcache"},
		"DDF":                              {with(size, map[int]string{-512: "\xde\x11\xde\x11"}), "DDF RAID member"},
		"Intel":                            {with(size, map[int]string{-1024: "Intel Raid ISM Cfg Sig. 1.3.00"}), "Intel RAID member"},
		"Adaptec":                          {with(size, map[int]string{-512: "\x37\xfc\x4d\x1e", -400: "DPTM"}), "Adaptec RAID member"},
		"Promise":                          {with(size, map[int]string{-63 * 512: "Promise Technology, Inc."}), "Promise RAID member"},
		"Ceph":                             {with(size, map[int]string{0: "bluestore block device\n0c6b"}), "Ceph BlueStore"},
		"a file system in a mirror of old": {inside(ext(4, 0x40, 0), size-64<<10, le(mdMagic, 4)), "ext4; Linux RAID member (0.90)"},
	} {
		got, err := Signatures(bytes.NewReader(c.image), int64(len(c.image)))
		if err != nil || strings.Join(got, "; ") != c.want {
			t.Errorf("%s: %q, %v; want %q", name, strings.Join(got, "; "), err, c.want)
		}
	}
}

// broken fails to read behind a place.
type broken struct {
	io.ReaderAt
	from int64
}

func (b broken) ReadAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) > b.from {
		return 0, errors.New("input/output error")
	}
	return b.ReaderAt.ReadAt(p, off)
}

func TestADiskThatCannotBeReadIsNotEmpty(t *testing.T) {
	image := gptImage(8*mib, 512)
	got, err := Signatures(broken{bytes.NewReader(image), 2 * mib}, int64(len(image)))
	if err == nil || !slices.Contains(got, "GPT with 1 partition") {
		t.Errorf("%v, %v", got, err)
	}
	if d := Look(t.Context(), inventory.Disk{Path: filepath.Join(t.TempDir(), "gone"), Bytes: 1}, nil); len(d.Holds) != 1 || !strings.HasPrefix(d.Holds[0], "unreadable: ") {
		t.Errorf("%+v", d)
	}
}

// TestWhatTheRealToolsWriteIsNamed makes images as people do.
func TestWhatTheRealToolsWriteIsNamed(t *testing.T) {
	for _, c := range []struct{ tool, script, want string }{
		{"mkfs.ext4", `mkfs.ext4 -q -F "$1"`, "ext4"},
		{"mkfs.ext4", `mkfs.ext4 -q -F -t ext2 "$1"`, "ext2"},
		{"mkfs.ext4", `mkfs.ext4 -q -F -t ext3 "$1"`, "ext3"},
		{"mkfs.vfat", `mkfs.vfat "$1"`, "FAT"},
		{"mkfs.vfat", `mkfs.vfat -F 32 "$1"`, "FAT"},
		{"mkswap", `mkswap -q "$1"`, "swap"},
		{"mkswap", `mkswap -q -p 65536 "$1"`, "swap"},
		{"mkfs.xfs", `truncate -s 400M "$1" && mkfs.xfs -q "$1"`, "XFS"},
		{"mkfs.btrfs", `truncate -s 200M "$1" && mkfs.btrfs -q "$1"`, "btrfs"},
		{"mkfs.ntfs", `mkfs.ntfs -q -F "$1"`, "NTFS"},
		{"mksquashfs", `mkdir "$1.d" && mksquashfs "$1.d" "$1" -noappend -quiet`, "squashfs"},
		{"cryptsetup", `echo secret | cryptsetup -q luksFormat --pbkdf-memory 32 --pbkdf-parallel 1 --iter-time 1 "$1" -`, "LUKS"},
		{"sfdisk", `printf 'label: gpt\nsize=4MiB\nsize=8MiB\n' | sfdisk -q "$1"`, "GPT with 2 partitions"},
		{"sfdisk", `printf 'label: dos\nsize=4MiB\ntype=5,size=20MiB\nsize=4MiB\nsize=4MiB\n' | sfdisk -q "$1"`, "MBR with 3 partitions"},
		{"sgdisk", `sgdisk -n 3:0:+8M "$1" && mkfs.ext4 -q -F -E offset=1048576 "$1" 8M`, "GPT with 1 partition; ext4 in partition 3"},
		{"xorriso", `mkdir "$1.d" && echo x >"$1.d/x" && rm "$1" && xorriso -as mkisofs -quiet -o "$1" "$1.d"`, "ISO 9660"},
	} {
		t.Run(c.tool+" "+c.want, func(t *testing.T) {
			if _, err := exec.LookPath(c.tool); err != nil {
				t.Skipf("%s is not installed", c.tool)
			}
			path := filepath.Join(t.TempDir(), "disk")
			must(t, os.WriteFile(path, nil, 0o600))
			must(t, os.Truncate(path, 64*mib))
			if out, err := exec.Command("sh", "-ec", c.script, "sh", path).CombinedOutput(); err != nil {
				t.Fatalf("%s: %v\n%s", c.script, err, out)
			}
			info, err := os.Stat(path)
			must(t, err)
			d := Look(t.Context(), inventory.Disk{Path: path, Bytes: info.Size()}, nil)
			if strings.Join(d.Holds, "; ") != c.want {
				t.Errorf("%q, want %q", strings.Join(d.Holds, "; "), c.want)
			}
		})
	}
}

func TestADiskIsLookedAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "disk")
	must(t, os.WriteFile(path, with(2*mib, map[int]string{0: "XFSB"}), 0o600))
	reads := 0
	looks := &Looks{Owner: func(r io.ReaderAt, _ int64) *inventory.DiskOwner {
		reads++
		return &inventory.DiskOwner{Operation: "op"}
	}}
	d := inventory.Disk{Path: path, Serial: "S1", Bytes: 2 * mib}
	for range 3 {
		if got := looks.All([]inventory.Disk{d}); !reflect.DeepEqual(got[0].Holds, []string{"XFS"}) || got[0].Owner.Operation != "op" {
			t.Fatalf("%+v", got)
		}
	}
	d.Serial = "S2" // another disk at its place
	if looks.All([]inventory.Disk{d}); reads != 2 {
		t.Errorf("read %d times", reads)
	}
}

func FuzzNothingOnADiskHarmsWhoReadsIt(f *testing.F) {
	f.Add(gptImage(3*mib, 512)[:64<<10], int64(3*mib))
	f.Add(with(8<<10, map[int]string{510: "\x55\xaa", 446: aPartition(5, 1, 9)}), int64(1<<40))
	f.Fuzz(func(t *testing.T, start []byte, size int64) {
		if size < 0 || len(start) > mib {
			return
		}
		got, _ := Signatures(bytes.NewReader(start), size)
		if len(got) > maxSignatures {
			t.Errorf("%d names", len(got))
		}
	})
}

func TestADiskIsKnownByWhereItIsConnected(t *testing.T) {
	got := map[string]string{}
	for _, d := range tree(t, map[string]string{
		"sys/devices/pci0000:00/0000:00:1f.2/ata7/host6/target6:0:0/6:0:0:0/block/sda/size":    "8\n",
		"sys/devices/pci0000:00/0000:00:1f.2/ata7/host6/target6:0:0/6:0:0:0/block/sda/device/": "",
		"sys/block/sda":                   "-> ../devices/pci0000:00/0000:00:1f.2/ata7/host6/target6:0:0/6:0:0:0/block/sda",
		"sys/class/ata_port/ata7/port_no": "3\n",
		"sys/devices/pci0000:00/0000:00:02.0/0000:03:00.0/nvme/nvme5/nvme5n1/size":    "8\n",
		"sys/devices/pci0000:00/0000:00:02.0/0000:03:00.0/nvme/nvme5/nvme5n1/device/": "",
		"sys/block/nvme5n1": "-> ../devices/pci0000:00/0000:00:02.0/0000:03:00.0/nvme/nvme5/nvme5n1",
		"sys/devices/virtual/nvme-subsystem/nvme-subsys1/nvme1n2/size":   "8\n",
		"sys/devices/virtual/nvme-subsystem/nvme-subsys1/nvme1n2/device": "-> ../",
		"sys/devices/pci0000:80/0000:81:00.0/nvme/nvme3/":                "",
		"sys/devices/virtual/nvme-subsystem/nvme-subsys1/nvme3":          "-> ../../../pci0000:80/0000:81:00.0/nvme/nvme3",
		"sys/block/nvme1n2": "-> ../devices/virtual/nvme-subsystem/nvme-subsys1/nvme1n2",
		"sys/devices/pci0000:00/0000:05:00.0/host9/port-9:2/end_device-9:2/target9:0:4/9:0:4:0/block/sdb/size":               "8\n",
		"sys/devices/pci0000:00/0000:05:00.0/host9/port-9:2/end_device-9:2/target9:0:4/9:0:4:0/block/sdb/device/sas_address": "0x5000c500a1b2c3d5\n",
		"sys/block/sdb": "-> ../devices/pci0000:00/0000:05:00.0/host9/port-9:2/end_device-9:2/target9:0:4/9:0:4:0/block/sdb",
		"sys/devices/pci0000:00/0000:00:04.0/virtio1/block/vda/size":    "8\n",
		"sys/devices/pci0000:00/0000:00:04.0/virtio1/block/vda/device/": "",
		"sys/block/vda": "-> ../devices/pci0000:00/0000:00:04.0/virtio1/block/vda",
		"sys/devices/platform/a003e00.virtio_mmio/virtio2/block/vdb/size":    "8\n",
		"sys/devices/platform/a003e00.virtio_mmio/virtio2/block/vdb/device/": "",
		"sys/block/vdb": "-> ../devices/platform/a003e00.virtio_mmio/virtio2/block/vdb",
	}).Disks() {
		got[d.Path] = d.BusPath
	}
	want := map[string]string{"/dev/sda": "pci-0000:00:1f.2-ata-3", "/dev/nvme5n1": "pci-0000:03:00.0-nvme-1", "/dev/nvme1n2": "pci-0000:81:00.0-nvme-2",
		"/dev/sdb": "pci-0000:05:00.0-sas-0x5000c500a1b2c3d5-lun-0", "/dev/vda": "pci-0000:00:04.0", "/dev/vdb": "platform-a003e00.virtio_mmio"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}
