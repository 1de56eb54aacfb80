package agent_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"rackwright/agent/wire"
	"rackwright/images/imagetest"
)

// holdLarge gives the server an image of so many MiB instead of its small one.
func (b *bench) holdLarge(t *testing.T, mib int) {
	t.Helper()
	image := make([]byte, mib<<20)
	_, _ = rand.NewChaCha8([32]byte{2}).Read(image[9<<20 : len(image)-4<<20])
	putTable(image)
	m, frames, err := imagetest.Pack(image)
	if err != nil {
		t.Fatal(err)
	}
	manifest, digest, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	b.image = image
	b.Change(func() { b.Manifest, b.Digest, b.Frames = manifest, digest, frames })
}

// TestAPowerCutInEmulation takes a machine's power when it has written more than half of an
// image. Netbooted again, it fetches only what was not on its disk.
func TestAPowerCutInEmulation(t *testing.T) {
	dir, _ := ramdiskOf(t, "small")
	b := newBench(t, 1024)
	b.Poll = wire.LongPoll
	b.holdLarge(t, 480)
	device := func(i int) string { return fmt.Sprintf("virtio-blk-pci,drive=d%d,serial=S%d", i, i) }
	o := b.order("S1")
	near, served := b.near(t, func(frame []byte) []byte { return frame })
	near.URL = strings.Replace(near.URL, "127.0.0.1", "10.0.2.2", 1) // as the machine sees us
	o.Write.Sources = []wire.Source{near}
	b.Order(o)
	_, ended, cut := b.guest(t, dir, device)
	if e, err := b.Await(vmDeadline, func(e wire.Event) bool {
		return e.Stage == wire.Failed || e.Stage == wire.Refused || e.Stage == wire.Writing && e.Done > 320<<20
	}); err != nil || e.Stage != wire.Writing {
		t.Fatalf("%v %+v", err, e)
	}
	cut()
	<-ended
	before := int(served.Load()) + len(b.Chunks())
	console, ended, cut := b.guest(t, dir, device)
	defer func() { cut(); <-ended }()
	if e, err := b.Await(vmDeadline, func(e wire.Event) bool {
		return e.Stage == wire.Failed || e.Stage == wire.Refused || e.Stage == wire.Completed
	}); err != nil || e.Stage != wire.Completed {
		t.Fatalf("%v %+v\n%s", err, e, console)
	}
	after := int(served.Load()) + len(b.Chunks()) - before
	if kept := 256; after > len(b.Frames)-kept+8 {
		t.Errorf("%d chunks were fetched before the cut and %d after it, of %d", before, after, len(b.Frames))
	}
	t.Logf("%d chunks were fetched before the cut and %d after it, of %d", before, after, len(b.Frames))
}
