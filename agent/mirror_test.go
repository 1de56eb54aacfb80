package agent_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"

	"rackwright/agent/agenttest"
	"rackwright/agent/wire"
)

func TestAMirrorHoldsTheImageTwice(t *testing.T) {
	b := newBench(t, 48)
	o := b.order("")
	o.Write.Mirror = true
	b.Order(o)
	stop, _ := b.run(t)
	b.await(t, wire.Completed)
	_ = stop()
	for _, path := range b.disks {
		b.holdsImage(t, path)
		if _, err := exec.LookPath("mdadm"); err != nil {
			t.Log("mdadm does not look at it: apt-get install mdadm")
			continue
		}
		if out, err := exec.Command("mdadm", "--examine", path).CombinedOutput(); err != nil || !strings.Contains(string(out), "clean") {
			t.Errorf("%v\n%s", err, out)
		}
	}
}

// Firmware that finds one disk of the mirror alone finds the boot loader and the partition
// table where it looks, and mdadm in it an array that may run without the other.
func TestEachDiskOfAMirrorBootsWithoutTheOther(t *testing.T) {
	image := gptImage()
	copy(image, "boot code of the first stage")
	copy(image[1<<20:], "boot loader's core in its own partition")
	b, _ := liveBench(t, image)
	o := b.order("")
	o.Write.Mirror = true
	b.Order(o)
	stop, _ := b.run(t)
	b.await(t, wire.Completed)
	_ = stop()
	var boot [2][]byte
	for i, path := range b.disks {
		disk, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		boot[i] = disk[:22<<20]
		if !bytes.Equal(disk[:440], image[:440]) || !bytes.Equal(disk[512:520], []byte("EFI PART")) || !bytes.Equal(disk[1<<20:2<<20], image[1<<20:2<<20]) {
			t.Errorf("%s alone has no boot loader or no partition table", path)
		}
	}
	if !bytes.Equal(boot[0], boot[1]) {
		t.Error("the disks differ where firmware looks")
	}
	if err := os.Remove(b.disks[1]); err != nil {
		t.Fatal(err)
	}
	if _, err := exec.LookPath("mdadm"); err != nil {
		t.Skip("mdadm does not look at the disk that is left: apt-get install mdadm")
	}
	out, err := exec.Command("mdadm", "--examine", "--export", b.disks[0]).CombinedOutput()
	for _, want := range []string{"MD_LEVEL=raid1", "MD_DEVICES=2"} {
		if err != nil || !strings.Contains(string(out), want) {
			t.Errorf("no %s (%v) in\n%s", want, err, out)
		}
	}
}

func TestAMirrorOfOneDiskIsRefused(t *testing.T) {
	b := newBench(t, 48)
	o := b.order("")
	o.Write.Mirror = true
	b.Permit = func(o wire.Order, in *wire.CheckIn) wire.Permit {
		p := agenttest.Everything(o, in)
		p.Disks = p.Disks[:1]
		return p
	}
	b.Order(o)
	stop, _ := b.run(t)
	e, err := b.Await(deadline, func(e wire.Event) bool { return e.Stage == wire.Refused })
	_ = stop()
	text, _ := json.Marshal(e)
	if err != nil || e.Reason != wire.ReasonNoDisk || e.Hint == "" {
		t.Errorf("%s, %v", text, err)
	}
}
