package disk

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rackwright/agent/direct"
)

func members(t *testing.T, sizes ...int64) []*Device {
	t.Helper()
	var list []*Device
	for i, size := range sizes {
		path := filepath.Join(t.TempDir(), string(rune('a'+i)))
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(path, size); err != nil {
			t.Fatal(err)
		}
		d, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { d.Close() })
		list = append(list, d)
	}
	return list
}

func TestBothDisksOfAMirrorHoldWhatWasWritten(t *testing.T) {
	d := members(t, 64<<20, 65<<20)
	m, err := NewMirror(d[0], d[1])
	if err != nil {
		t.Fatal(err)
	}
	if m.Size()%(1<<20) != 0 || m.Size() > superblockAt(64<<20) {
		t.Errorf("the array has %d bytes", m.Size())
	}
	want := direct.Buffer(1<<20, 0)
	for i := range want {
		want[i] = byte(i * 7)
	}
	if err := writeFull(m, want, 8<<20); err != nil {
		t.Fatal(err)
	}
	got := direct.Buffer(1<<20, 0)
	for i, one := range append([]Medium{m}, d[0], d[1]) {
		if err := readFull(one, got, 8<<20); err != nil || !bytes.Equal(got, want) {
			t.Errorf("reader %d: %v", i, err)
		}
	}
	if err := m.Zero(8<<20, 1<<20); err != nil {
		t.Fatal(err)
	}
	if err := readFull(d[1], got, 8<<20); err != nil || !bytes.Equal(got, make([]byte, 1<<20)) {
		t.Errorf("zeroed: %v", err)
	}
}

func TestAMirrorWhoseDisksDifferIsNotReadAsOne(t *testing.T) {
	d := members(t, 16<<20, 16<<20)
	m, err := NewMirror(d[0], d[1])
	if err != nil {
		t.Fatal(err)
	}
	odd := direct.Buffer(direct.Align, 0)
	odd[17] = 1
	if err := writeFull(d[1], odd, 4<<20); err != nil {
		t.Fatal(err)
	}
	if err := readFull(m, direct.Buffer(direct.Align, 0), 4<<20); CauseOf(err) != CauseIO && CauseOf(err) != CauseReadBack {
		t.Errorf("read: %v", err)
	}
}

func TestATooSmallDiskIsNoMember(t *testing.T) {
	d := members(t, 64<<20, 1<<20)
	if _, err := NewMirror(d[0], d[1]); CauseOf(err) != CauseTooSmall {
		t.Errorf("%v", err)
	}
}

func TestMdadmFindsACleanArray(t *testing.T) {
	if _, err := exec.LookPath("mdadm"); err != nil {
		t.Skip("mdadm is not installed: apt-get install mdadm")
	}
	d := members(t, 64<<20, 80<<20)
	m, err := NewMirror(d[0], d[1])
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := m.Seal("op/write/0.0", time.Unix(1_800_000_000, 0)); err != nil {
			t.Fatal(err)
		}
	}
	for role, disk := range d {
		out, err := exec.Command("mdadm", "--examine", disk.f.Name()).CombinedOutput()
		text := strings.Join(strings.Fields(string(out)), " ")
		for _, want := range []string{"Version : 1.0", "Raid Level : raid1", "Raid Devices : 2", "State : clean", "- correct", "Device Role : Active device " + string(rune('0'+role)), "Array State : AA"} {
			if err != nil || !strings.Contains(text, want) {
				t.Errorf("disk %d: no %q (%v) in\n%s", role, want, err, out)
			}
		}
	}
}
