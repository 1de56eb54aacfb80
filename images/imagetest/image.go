// Package imagetest builds small disk images with a real partition table and a real FAT
// file system for tests. Nothing on them runs.
package imagetest

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/diskfs/go-diskfs"
	"github.com/diskfs/go-diskfs/disk"
	"github.com/diskfs/go-diskfs/filesystem"
	"github.com/diskfs/go-diskfs/partition/gpt"
)

const mib = 1 << 20

// Spec says what stands on an image. The zero value is an image that boots nothing.
type Spec struct {
	BIOS    bool            // BIOS boot partition and boot code in the MBR
	Loaders []string        // files of EFI/BOOT on the system partition, e.g. BOOTX64.EFI; nil: no such partition
	FAT     filesystem.Type // of the system partition; zero is FAT32
	RootMiB int             // size of the root partition, half of it random bytes; 0: 8
	Seed    uint64          // of the random bytes
}

// Bootable is a Spec that boots on amd64 in both modes.
func Bootable() Spec { return Spec{BIOS: true, Loaders: []string{"BOOTX64.EFI"}} }

// Write makes a raw image in a file of its own and returns its path.
func Write(t testing.TB, s Spec) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "disk.raw")
	if s.RootMiB == 0 {
		s.RootMiB = 8
	}
	parts := s.partitions()
	end := int64(parts[len(parts)-1].End+1) * 512
	d, err := diskfs.Create(path, end+mib, diskfs.SectorSize512)
	must(t, err)
	must(t, d.Partition(&gpt.Table{LogicalSectorSize: 512, PhysicalSectorSize: 512, ProtectiveMBR: true, Partitions: parts}))
	if s.Loaders != nil {
		s.writeESP(t, d)
	}
	must(t, d.Close())
	s.writeBytes(t, path, int64(parts[len(parts)-1].Start)*512)
	return path
}

// partitions lays out BIOS boot, EFI system and root, one after another.
func (s Spec) partitions() (parts []*gpt.Partition) {
	next := uint64(mib / 512)
	add := func(kind gpt.Type, name string, size int) {
		end := next + uint64(size)*mib/512 - 1
		parts = append(parts, &gpt.Partition{Index: len(parts) + 1, Start: next, End: end, Type: kind, Name: name})
		next = end + 1
	}
	if s.Loaders != nil {
		add(gpt.EFISystemPartition, "esp", s.espMiB())
	}
	if s.BIOS {
		add(gpt.BIOSBoot, "bios", 1)
	}
	add(gpt.LinuxFilesystem, "root", s.RootMiB)
	return parts
}

func (s Spec) espMiB() int {
	switch s.FAT {
	case filesystem.TypeFat12:
		return 2
	case filesystem.TypeFat16:
		return 16
	}
	return 34
}

func (s Spec) writeESP(t testing.TB, d *disk.Disk) {
	fs, err := d.CreateFilesystem(disk.FilesystemSpec{Partition: 1, FSType: s.FAT, VolumeLabel: "ESP"})
	must(t, err)
	must(t, fs.Mkdir("/EFI/BOOT"))
	for _, name := range s.Loaders {
		f, err := fs.OpenFile("/EFI/BOOT/"+name, os.O_CREATE|os.O_RDWR)
		must(t, err)
		_, err = f.Write([]byte("MZ: " + name))
		must(t, err)
		must(t, f.Close())
	}
	must(t, fs.Close())
}

// writeBytes puts boot code in the MBR and random bytes in every second MiB of the root.
func (s Spec) writeBytes(t testing.TB, path string, root int64) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	must(t, err)
	defer f.Close()
	if s.BIOS {
		_, err = f.WriteAt([]byte{0xeb, 0x63, 0x90}, 0)
		must(t, err)
	}
	random := rand.NewChaCha8([32]byte{byte(s.Seed), 1})
	b := make([]byte, mib)
	for i := 0; i < s.RootMiB; i += 2 {
		_, _ = random.Read(b)
		_, err = f.WriteAt(b, root+int64(i)*mib)
		must(t, err)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
