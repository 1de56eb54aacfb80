package disk

import (
	"os/exec"
	"strings"
	"testing"
)

func TestATableOfOurOwnIsSound(t *testing.T) {
	if _, err := exec.LookPath("sgdisk"); err != nil {
		t.Skip("sgdisk is not installed: apt-get install gdisk")
	}
	d := members(t, 256<<20)[0]
	parts := []Part{{BIOSBoot(), "bios", 1 << 20}, {ESP(), "esp", 64 << 20}, {Linux(), "root", 0}}
	for range 2 {
		if err := Lay(d, parts, Owner{Operation: "op-1"}); err != nil {
			t.Fatal(err)
		}
	}
	if o, ok := ReadOwner(d, d.Size()); !ok || o.Operation != "op-1" {
		t.Errorf("owner %+v", o)
	}
	out, err := exec.Command("sgdisk", "-v", "-p", d.f.Name()).CombinedOutput()
	text := strings.Join(strings.Fields(string(out)), " ")
	for _, want := range []string{"No problems found", "EF02 bios", "EF00 esp", "8300 root", "1 2048 4095", "2 4096 135167"} {
		if err != nil || !strings.Contains(text, want) {
			t.Errorf("no %q (%v) in\n%s", want, err, out)
		}
	}
}

func TestADiskTooSmallForTheLayoutIsRefused(t *testing.T) {
	for _, size := range []int64{1 << 20, 16 << 20} {
		if err := Lay(members(t, size)[0], []Part{{ESP(), "esp", 64 << 20}, {Linux(), "root", 0}}, Owner{}); CauseOf(err) != CauseTooSmall {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}
