package agent_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"rackwright/agent"
	"rackwright/agent/agenttest"
	"rackwright/agent/disk"
	"rackwright/agent/wire"
	"rackwright/fault"
	"rackwright/inventory"
)

// power counts what would have ended the machine.
type power struct {
	mu                    sync.Mutex
	restarts, off, kexecs int
}

func (p *power) Restart() error { p.mu.Lock(); defer p.mu.Unlock(); p.restarts++; return nil }
func (p *power) Off() error     { p.mu.Lock(); defer p.mu.Unlock(); p.off++; return nil }
func (p *power) Kexec() error   { p.mu.Lock(); defer p.mu.Unlock(); p.kexecs++; return nil }

// bench is an agent on two files for disks, and its server.
type bench struct {
	*agenttest.Server
	image []byte
	disks [2]string
	power *power
	world agent.World
}

const deadline = 30 * time.Second

// gptImage is 24 MiB with a partition table and noise.
func gptImage() []byte {
	b := make([]byte, 24<<20)
	_, _ = rand.NewChaCha8([32]byte{}).Read(b[9<<20 : 22<<20])
	putTable(b)
	return b
}

// putTable writes a protective MBR and a GPT with one partition, from 1 to 20 MiB.
func putTable(b []byte) {
	le := binary.LittleEndian
	b[446+4], b[510], b[511] = 0xee, 0x55, 0xaa
	entries, h := b[1024:1024+128*128], b[512:1024]
	copy(entries, "some type GUID..some part. GUID.")
	le.PutUint64(entries[32:], 2048)
	le.PutUint64(entries[40:], 20<<11-1)
	copy(h, "EFI PART\x00\x00\x01\x00\x5c")
	for at, v := range map[int]uint64{24: 1, 32: 24<<11 - 1, 40: 34, 48: 24<<11 - 34, 72: 2, 80: 128 | 128<<32} {
		le.PutUint64(h[at:], v)
	}
	le.PutUint32(h[88:], crc32.ChecksumIEEE(entries))
	le.PutUint32(h[16:], crc32.ChecksumIEEE(h[:92]))
}

// standard is the image that most tests write and a server that has it: packing takes long.
var standard = sync.OnceValues(func() ([]byte, *agenttest.Server) {
	image := gptImage()
	s, err := agenttest.New(image)
	if err != nil {
		panic(err)
	}
	return image, s
})

func newBench(t *testing.T, mib int64) *bench {
	t.Helper()
	image, server := standard()
	b := &bench{image: image, Server: server.Another(), power: &power{}}
	if err := b.Start("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Server.Close() })
	facts := inventory.Facts{Source: "agent", Firmware: inventory.BIOS}
	for i := range b.disks {
		b.disks[i] = filepath.Join(t.TempDir(), fmt.Sprintf("disk%d", i))
		if err := os.WriteFile(b.disks[i], nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(b.disks[i], mib<<20); err != nil {
			t.Fatal(err)
		}
		facts.Disks = append(facts.Disks, inventory.Disk{Path: b.disks[i], Serial: fmt.Sprintf("S%d", i), Bytes: mib << 20, Type: "virtual", BlockBytes: 512})
	}
	params, err := agent.ParseParams(fmt.Sprintf("quiet rackwright.server=%s rackwright.pin=%s rackwright.nonce=%s BOOTIF=01-52-54-00-00-00-01", b.URL, b.Pin(), agenttest.Nonce))
	if err != nil {
		t.Fatal(err)
	}
	quick := func(ctx context.Context, _ time.Duration) error { return agent.Sleep(ctx, 5*time.Millisecond) }
	b.world = agent.World{Params: params, Version: "test", Facts: func() inventory.Facts { return facts }, Power: b.power, Pause: quick,
		Open:    func(path string) (agent.Disk, error) { return disk.Open(path) },
		Backoff: func(ctx context.Context, _ int) error { return quick(ctx, 0) },
		Say:     func(format string, args ...any) { t.Logf(format, args...) }}
	return b
}

func (b *bench) order(serial string) wire.Order {
	return wire.Order{ID: "o1", Verb: wire.Write, Write: &wire.WriteOrder{Image: "debian", Digest: b.Digest, Firmware: inventory.BIOS,
		Disk: inventory.DiskHint{Serial: serial}, Seed: wire.Seed{Label: "CIDATA", Files: []wire.SeedFile{{Name: "meta-data", Content: "instance-id: x\n"}, {Name: "user-data", Content: "#cloud-config\n"}}}}}
}

// run starts the agent; the returned function stops it and gives its error.
func (b *bench) run(t *testing.T) (stop func() error, done <-chan error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- agent.Run(ctx, b.world) }()
	return func() error { cancel(); return <-ended }, ended
}

func (b *bench) await(t *testing.T, stage wire.Stage) wire.Event {
	t.Helper()
	e, err := b.Await(deadline, func(e wire.Event) bool {
		if e.Stage == wire.Failed || e.Stage == wire.Refused {
			return true
		}
		return e.Stage == stage
	})
	if err != nil || e.Stage != stage {
		t.Fatalf("no event %s: %v; seen %+v, last %+v", stage, err, b.Events(), e)
	}
	return e
}

func (b *bench) holdsImage(t *testing.T, path string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil || sha256.Sum256(got[4<<20:22<<20]) != sha256.Sum256(b.image[4<<20:22<<20]) {
		t.Errorf("%s does not hold the image (%v)", path, err)
	}
	if !bytes.Contains(got[len(got)-8<<20:], []byte("#cloud-config")) {
		t.Errorf("%s carries no seed", path)
	}
}

func TestADeployFromCheckInToRestart(t *testing.T) {
	b := newBench(t, 48)
	b.Order(b.order("S1"))
	_, done := b.run(t)
	e := b.await(t, wire.Accepted)
	if e.Disk == nil || e.Disk.Serial != "S1" {
		t.Errorf("accepted with %+v", e.Disk)
	}
	b.await(t, wire.Completed)
	b.Order(wire.Order{ID: "o2", Verb: wire.Reboot})
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	b.await(t, wire.Restarting)
	b.holdsImage(t, b.disks[1])
	if other, _ := os.ReadFile(b.disks[0]); bytes.Count(other, []byte{0}) != len(other) {
		t.Error("the other disk was touched")
	}
	if b.power.restarts != 1 || b.CheckIn().Facts.Disks[0].Serial != "S0" || b.CheckIn().Version != wire.Version {
		t.Errorf("restarts %d, check-in %+v", b.power.restarts, b.CheckIn())
	}
}

func TestAnOrderAskedAgainIsNotDoneAgain(t *testing.T) {
	b := newBench(t, 48)
	b.Order(b.order("S1"))
	stop, _ := b.run(t)
	completed := 0
	if _, err := b.Await(deadline, func(e wire.Event) bool {
		if e.Stage == wire.Completed {
			completed++
		}
		return completed > 3
	}); err != nil {
		t.Fatal(b.Events())
	}
	_ = stop()
	accepted := 0
	for _, e := range b.Events() {
		if e.Stage == wire.Accepted {
			accepted++
		}
	}
	if accepted != 1 {
		t.Errorf("begun %d times", accepted)
	}
}

func TestAServerThatGoesAwayInTheMiddleIsWaitedFor(t *testing.T) {
	b := newBench(t, 48)
	b.Cut = len(b.Frames) / 2
	var away sync.Once
	open := b.world.Open
	b.world.Open = func(path string) (agent.Disk, error) {
		away.Do(func() { b.Change(func() { b.Status = 503 }) })
		return open(path)
	}
	failures := 0
	var mu sync.Mutex
	b.world.Backoff = func(ctx context.Context, _ int) error {
		mu.Lock()
		defer mu.Unlock()
		if failures++; failures == 40 {
			b.Change(func() { b.Status = 0 })
		}
		return agent.Sleep(ctx, time.Millisecond)
	}
	b.Order(b.order("S1"))
	stop, _ := b.run(t)
	b.await(t, wire.Completed)
	_ = stop()
	b.holdsImage(t, b.disks[1])
	if asked := b.Chunks(); len(asked) != len(b.Frames)+1 {
		t.Errorf("%d chunks were asked for of %d", len(asked), len(b.Frames))
	}
}

func TestOrdersThatAreRefusedOrFail(t *testing.T) {
	cases := []struct {
		name   string
		mib    int64
		change func(b *bench, o *wire.Order)
		stage  wire.Stage
		reason string
	}{
		{"two disks match", 48, func(_ *bench, o *wire.Order) { o.Write.Disk = inventory.DiskHint{Type: "virtual"} }, wire.Refused, wire.ReasonNoDisk},
		{"no disk matches", 48, func(_ *bench, o *wire.Order) { o.Write.Disk.Serial = "S7" }, wire.Refused, wire.ReasonNoDisk},
		{"the disk is too small", 26, func(*bench, *wire.Order) {}, wire.Refused, wire.ReasonDiskTooSmall},
		{"the other firmware", 48, func(_ *bench, o *wire.Order) { o.Write.Firmware = inventory.UEFI }, wire.Refused, wire.ReasonFirmware},
		{"the image is gone", 48, func(_ *bench, o *wire.Order) { o.Write.Digest = "sha256:00" }, wire.Refused, wire.ReasonFetch},
		{"the manifest is another", 48, func(b *bench, _ *wire.Order) { b.Manifest = append(b.Manifest, ' ') }, wire.Refused, wire.ReasonBadDigest},
		{"a chunk is damaged", 48, func(b *bench, _ *wire.Order) {
			for name, frame := range b.Frames {
				b.Frames[name] = bytes.Clone(frame)
				b.Frames[name][len(frame)/2] ^= 1
			}
		}, wire.Failed, wire.ReasonBadDigest},
		{"the device does not open", 48, func(b *bench, _ *wire.Order) {
			b.world.Open = func(string) (agent.Disk, error) { return nil, errors.New("gone") }
		}, wire.Refused, wire.ReasonDiskIO},
		{"an unknown verb", 48, func(_ *bench, o *wire.Order) { o.Verb = "dance" }, wire.Refused, wire.ReasonBadOrder},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, c.mib)
			o := b.order("S1")
			c.change(b, &o)
			b.Order(o)
			stop, _ := b.run(t)
			e, err := b.Await(deadline, func(e wire.Event) bool { return e.Stage == c.stage })
			_ = stop()
			if err != nil || e.Reason != c.reason || e.Detail == "" {
				t.Errorf("%+v %v; want %s %s", e, err, c.stage, c.reason)
			}
		})
	}
}

func TestASessionHasABoundOfOrders(t *testing.T) {
	b := newBench(t, 8)
	for i := range 65 {
		b.Order(wire.Order{ID: fmt.Sprint("o", i), Verb: "dance"})
	}
	_, done := b.run(t)
	if err := <-done; !fault.Is(err, fault.Conflict) || fault.HintOf(err) == "" {
		t.Errorf("%v", err)
	}
	for _, e := range b.Events() {
		if e.Order == "o64" {
			t.Errorf("the last order was heard: %+v", e)
		}
	}
}

func TestALostSessionEndsTheRun(t *testing.T) {
	b := newBench(t, 48)
	say := b.world.Say
	b.world.Say = func(format string, args ...any) {
		if say(format, args...); strings.HasPrefix(format, "checked in") {
			b.Change(func() { b.Status = 401 })
		}
	}
	_, done := b.run(t)
	if err := <-done; !fault.Is(err, fault.Denied) || fault.HintOf(err) == "" {
		t.Errorf("%v", err)
	}
}

func TestAServerWithAnotherCertificateHearsNothing(t *testing.T) {
	b := newBench(t, 48)
	b.world.Params.Pin[0] ^= 1
	_, done := b.run(t)
	if err := <-done; !fault.Is(err, fault.Denied) || b.CheckIn() != nil {
		t.Errorf("%v", err)
	}
}

func TestTheCommandLineIsReadStrictly(t *testing.T) {
	pin := strings.Repeat("ab", 32)
	good := "console=ttyS0 rackwright.server=https://10.0.0.1:8443 rackwright.pin=" + pin + " rackwright.nonce=n BOOTIF=01-52-54-00-12-34-56"
	p, err := agent.ParseParams(good)
	if err != nil || p.Server.Host != "10.0.0.1:8443" || p.Nonce != "n" || p.BootIf != (inventory.MAC{0x52, 0x54, 0, 0x12, 0x34, 0x56}) {
		t.Fatalf("%+v %v", p, err)
	}
	for _, bad := range []string{"", strings.Replace(good, "https", "http", 1), strings.Replace(good, pin, pin[2:], 1), strings.Replace(good, pin, pin+"00", 1),
		strings.Replace(good, "nonce=n", "nonce=", 1), strings.Replace(good, "01-52", "01-zz", 1)} {
		if _, err := agent.ParseParams(bad); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func FuzzParams(f *testing.F) {
	f.Add("rackwright.server=https://10.0.0.1:8443 rackwright.pin=ab rackwright.nonce=n BOOTIF=01-52-54-00-12-34-56")
	f.Fuzz(func(_ *testing.T, s string) { _, _ = agent.ParseParams(s) })
}

func TestAnOrderBeyondItsBoundEndsTheConversation(t *testing.T) {
	b := newBench(t, 48)
	b.Order(wire.Order{ID: "o1", Verb: wire.Rescue, Rescue: &wire.RescueOrder{AuthorizedKeys: []string{strings.Repeat("k", wire.MaxOrder)}}})
	_, ended := b.run(t)
	err := <-ended
	if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), fmt.Sprint(wire.MaxOrder)) {
		t.Errorf("got %v", err)
	}
}
