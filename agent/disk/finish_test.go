package disk

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"rackwright/fault"
)

// program returns the path of a program, or skips and says what to install.
func program(t *testing.T, name, aptPackage string) string {
	t.Helper()
	for _, dir := range []string{"", "/sbin/", "/usr/sbin/"} {
		if path, err := exec.LookPath(dir + name); err == nil {
			return path
		}
	}
	t.Skipf("%s is missing: apt-get install %s", name, aptPackage)
	return ""
}

func tool(t *testing.T, stdin string, argv ...string) string {
	t.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdin = strings.NewReader(stdin)
	cmd.Env = append(os.Environ(), "MTOOLS_SKIP_CHECK=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(argv, " "), err, out)
	}
	return string(out)
}

// written is a disk of so many MiB that holds a 20 MiB image with three partitions.
func written(t *testing.T, mib int64) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "disk")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, size := range []int64{20, mib} {
		if err := os.Truncate(path, size<<20); err != nil {
			t.Fatal(err)
		}
		if size == 20 {
			// As Debian's images have it: the root partition is number 1 and last on the disk.
			tool(t, "label: gpt\nunit: sectors\n1: start=14336, type=linux\n14: start=2048, size=2048, type=21686148-6449-6E6F-744E-656564454649\n15: start=4096, size=8192, type=uefi\n",
				program(t, "sfdisk", "fdisk"), "--quiet", path)
		}
	}
	return path
}

func seedFiles() Seed {
	return Seed{"CIDATA", []File{{"meta-data", "instance-id: 1\nlocal-hostname: n1\n"}, {"user-data", "#cloud-config\n" + strings.Repeat("# x\n", 5000)},
		{"vendor-data", ""}, {"network-config", "version: 2\n"}, {"openstack/latest/meta_data.json", "{}"}, {"openstack/content/0000", "x"}}}
}

func TestTheTableGrowsToTheDiskAndCarriesTheSeed(t *testing.T) {
	path := written(t, 64)
	d := openDisk(t, path)
	for range 2 { // twice is once
		if err := Finish(d, seedFiles(), Owner{Machine: "u", Operation: "op"}); err != nil {
			t.Fatal(err)
		}
	}
	var seen struct {
		Partitiontable struct {
			Lastlba    int64
			Partitions []struct {
				Start, Size int64
				Name        string
			}
		}
	}
	if out := tool(t, "", program(t, "sfdisk", "fdisk"), "--verify", path); strings.Contains(out, "corrupt") {
		t.Error(out)
	}
	if err := json.Unmarshal([]byte(tool(t, "", program(t, "sfdisk", "fdisk"), "--json", path)), &seen); err != nil {
		t.Fatal(err)
	}
	parts := seen.Partitiontable.Partitions
	if len(parts) != 4 || seen.Partitiontable.Lastlba != 64<<11-34 {
		t.Fatalf("table: %+v", seen)
	}
	root, seed := parts[0], parts[1]
	if seed.Name != "cidata" || seed.Size != seedBlocks || seed.Start%2048 != 0 {
		t.Errorf("seed partition: %+v", seed)
	}
	if root.Start != 14336 || root.Start+root.Size != seed.Start {
		t.Errorf("root partition %+v does not end where the seed %+v begins", root, seed)
	}
}

func TestSgdiskFindsNothingWrong(t *testing.T) {
	sgdisk := program(t, "sgdisk", "gdisk")
	path := written(t, 64)
	if err := Finish(openDisk(t, path), seedFiles(), Owner{Machine: "u", Operation: "op"}); err != nil {
		t.Fatal(err)
	}
	if out := tool(t, "", sgdisk, "-v", path); !strings.Contains(out, "No problems found") {
		t.Error(out)
	}
}

func TestTheSeedReadsBackWithItsLabelAndNames(t *testing.T) {
	for _, block := range []int{512, 4096} {
		fat, err := fatImage(block, 7, seedFiles())
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "seed")
		if err := os.WriteFile(path, fat, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, f := range seedFiles().Files {
			if got := tool(t, "", program(t, "mtype", "mtools"), "-i", path, "::"+f.Name); got != f.Content {
				t.Errorf("block %d: %s has %d bytes, want %d", block, f.Name, len(got), len(f.Content))
			}
		}
		if out := tool(t, "", program(t, "blkid", "util-linux"), "-p", path); !strings.Contains(out, `LABEL="CIDATA"`) || !strings.Contains(out, `TYPE="vfat"`) {
			t.Error(out)
		}
	}
}

func TestFsckFindsTheSeedClean(t *testing.T) {
	fsck := program(t, "fsck.vfat", "dosfstools")
	for _, block := range []int{512, 4096} {
		fat, _ := fatImage(block, 7, seedFiles())
		path := filepath.Join(t.TempDir(), "seed")
		if err := os.WriteFile(path, fat, 0o600); err != nil {
			t.Fatal(err)
		}
		tool(t, "", fsck, "-n", "-v", path)
	}
}

func TestASeedTooLargeIsSaid(t *testing.T) {
	_, err := fatImage(512, 1, Seed{"CIDATA", []File{{"user-data", strings.Repeat("x", 5<<20)}}})
	if CauseOf(err) != CauseTooSmall {
		t.Fatal(err)
	}
}

func TestASeedFilesNameIsBounded(t *testing.T) {
	for _, name := range []string{"", "../x", "a//b", "a/\x00", strings.Repeat("a/", 1<<20) + "b"} {
		if _, err := fatImage(512, 1, Seed{"CIDATA", []File{{name, "x"}}}); !fault.Is(err, fault.Invalid) {
			t.Errorf("%.20q: %v", name, err)
		}
	}
}

func TestAnImageWithoutATableIsALayoutProblem(t *testing.T) {
	if err := Finish(openDisk(t, oldDisk(t, 16)), Seed{}, Owner{Machine: "u", Operation: "op"}); CauseOf(err) != CauseLayout {
		t.Fatal(err)
	}
}

func TestAPartitionThatReachesTheEndLeavesNoRoom(t *testing.T) {
	path := written(t, 21)
	before, _ := os.ReadFile(path)
	if err := Finish(openDisk(t, path), Seed{Label: "CIDATA"}, Owner{}); CauseOf(err) != CauseTooSmall {
		t.Fatal(err)
	}
	if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
		t.Error("the disk was changed")
	}
}

func FuzzTable(f *testing.F) {
	t := &table{guid: [16]byte{1}, firstUsable: 34, entryBytes: 128, entries: make([]byte, 128*128)}
	copy(t.entry(0), []byte{1})
	t.entry(0).setFirst(2048)
	t.entry(0).setLast(4095)
	f.Add(t.header(512, 1, 99999, 2), t.entries, uint32(1<<20))
	f.Fuzz(func(_ *testing.T, head, entries []byte, blocks uint32) {
		if len(head) >= 512 { // let the fuzzer past the checksums
			copy(head[16:20], []byte{0, 0, 0, 0})
			if size := int(head[12]) | int(head[13])<<8; size >= headerBytes && size <= len(head) {
				sum := headerSum(head[:size])
				copy(head[16:20], []byte{byte(sum), byte(sum >> 8), byte(sum >> 16), byte(sum >> 24)})
			}
		}
		got, _, _, err := parseHeader(head)
		if err != nil {
			return
		}
		copy(got.entries, entries)
		_, _ = got.grow(uint64(blocks), 512, "CIDATA")
	})
}
