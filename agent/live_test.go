package agent_test

import (
	"archive/tar"
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rackwright/agent"
	"rackwright/agent/agenttest"
	"rackwright/agent/wire"
	"rackwright/fault"
)

// rootTar is a root file system with an init and a file larger than a chunk, with zeros in
// the middle of it.
func rootTar(t *testing.T) []byte {
	t.Helper()
	big := make([]byte, 6<<20)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(big[:2<<20])
	_, _ = rand.NewChaCha8([32]byte{2}).Read(big[5<<20:])
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for name, content := range map[string]string{"sbin/init": "#!/bin/sh", "etc/hostname": "live", "usr/big": string(big)} {
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "./" + name, Mode: 0o755, Size: int64(len(content)), Uid: os.Geteuid(), Gid: os.Getegid()}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func liveBench(t *testing.T, archive []byte) (b *bench, entered chan string) {
	t.Helper()
	b = newBench(t, 48)
	b.Server.Close()
	var err error
	if b.Server, err = agenttest.New(archive); err != nil {
		t.Fatal(err)
	}
	address := strings.TrimPrefix(b.world.Params.Server.String(), "https://")
	if err := b.Start(address); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Server.Close() })
	b.world.Params.Pin = pinOf(t, b.Server)
	entered = make(chan string, 1)
	memory := t.TempDir()
	b.world.Memory = agent.Memory{Folder: func(name string) (string, error) {
		at := filepath.Join(memory, name)
		return at, os.MkdirAll(at, 0o755)
	}, Enter: func(root string) error {
		entered <- root
		return fault.Internalf("this is a test")
	}}
	return b, entered
}

func pinOf(t *testing.T, s *agenttest.Server) [32]byte {
	t.Helper()
	p, err := agent.ParseParams("rackwright.server=" + s.URL + " rackwright.pin=" + s.Pin() + " rackwright.nonce=" + agenttest.Nonce)
	if err != nil {
		t.Fatal(err)
	}
	return p.Pin
}

func TestALiveSystemIsUnpackedSeededAndEntered(t *testing.T) {
	archive := rootTar(t)
	b, entered := liveBench(t, archive)
	b.Order(wire.Order{ID: "o1", Verb: wire.Live, Live: &wire.LiveOrder{Image: "live", Digest: b.Digest,
		Seed: wire.Seed{Label: "CIDATA", Files: []wire.SeedFile{{Name: "meta-data", Content: "instance-id: x\n"}, {Name: "../../etc/hostname", Content: "escaped"}}}}})
	stop, _ := b.run(t)
	b.await(t, wire.Completed)
	root := <-entered
	_ = stop()
	for name, want := range map[string]string{"etc/hostname": "live", "var/lib/cloud/seed/nocloud/meta-data": "instance-id: x\n", "var/lib/cloud/seed/nocloud/etc/hostname": "escaped"} {
		if got, err := os.ReadFile(filepath.Join(root, name)); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if got, err := os.ReadFile(filepath.Join(root, "usr/big")); err != nil || !bytes.Contains(archive, got) || len(got) != 6<<20 {
		t.Errorf("the large file has %d bytes, %v", len(got), err)
	}
}

func TestALiveSystemWithoutInitIsNotEntered(t *testing.T) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "etc/hostname", Mode: 0o644}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		archive []byte
		reason  string
	}{"no init": {b.Bytes(), wire.ReasonEnter}, "no tar": {bytes.Repeat([]byte("noise"), 1<<20), wire.ReasonArchive}} {
		bench, entered := liveBench(t, c.archive)
		bench.Order(wire.Order{ID: "o1", Verb: wire.Live, Live: &wire.LiveOrder{Image: "live", Digest: bench.Digest}})
		stop, _ := bench.run(t)
		e, err := bench.Await(deadline, func(e wire.Event) bool { return e.Stage == wire.Failed })
		_ = stop()
		if err != nil || e.Reason != c.reason || e.Hint == "" || len(entered) != 0 {
			t.Errorf("%s: %+v, %v", what, e, err)
		}
	}
}

func TestWhyALiveSystemCouldNotBeUnpackedIsToldApart(t *testing.T) {
	for _, c := range []struct {
		what, reason string
		spoil        func(b *bench)
	}{
		{"other bytes than the manifest's", wire.ReasonBadDigest, func(b *bench) {
			for _, frame := range b.Frames {
				frame[len(frame)/2] ^= 1
			}
		}},
		{"another manifest", wire.ReasonBadDigest, func(b *bench) { b.Manifest = append(b.Manifest, ' ') }},
		{"no manifest", wire.ReasonFetch, func(b *bench) { b.Digest = "sha256:gone" }},
		{"no memory", wire.ReasonNoRoom, func(b *bench) {
			b.world.Memory.Folder = func(string) (string, error) { return "", fault.Conflictf("no memory").WithHint("add some") }
		}},
	} {
		bench, _ := liveBench(t, rootTar(t))
		order := wire.Order{ID: "o1", Verb: wire.Live, Live: &wire.LiveOrder{Image: "live", Digest: bench.Digest}}
		bench.Change(func() { c.spoil(bench) })
		bench.Order(order)
		stop, _ := bench.run(t)
		e, err := bench.Await(deadline, func(e wire.Event) bool { return e.Stage == wire.Failed })
		_ = stop()
		if err != nil || e.Reason != c.reason {
			t.Errorf("%s: %+v, %v", c.what, e, err)
		}
	}
}
