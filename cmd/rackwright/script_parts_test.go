package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"rackwright/api/apitest"
	"rackwright/bmc/console"
	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/images"
	"rackwright/racksim/mockup"
)

// proofKey signs the certificates of erased disks in scripts.
func proofKey() ed25519.PrivateKey { return ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)) }

// erasedIs keeps the certificate of a disk, as the worker does: "erased MACHINE SERIAL".
func erasedIs(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: erased MACHINE SERIAL")
	}
	s := ts.Value(storeKey{}).(*apitest.Store)
	m, err := s.Machine(context.Background(), args[0])
	ts.Check(err)
	began := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	signed, err := deploy.Sign(deploy.Certificate{ID: "proof-of-" + args[1], Machine: deploy.CertifiedMachine{ID: m.ID, Name: m.Name, Serial: m.Serial},
		Disk: deploy.CertifiedDisk{Serial: args[1], Model: "HD4", Bytes: 4 << 40}, Method: "nvme-sanitize-crypto", Pattern: "random", Samples: 512,
		Began: began, Ended: began.Add(time.Minute), Operation: "op-1", Actor: "admin"}, proofKey())
	ts.Check(err)
	ts.Check(s.AddCertificate(context.Background(), signed))
}

// cachedIs waits until a cache told of itself: "cached NAME".
func cachedIs(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: cached NAME")
	}
	s := ts.Value(storeKey{}).(*apitest.Store)
	deadline, tick := time.After(20*time.Second), time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		all, err := s.Caches(context.Background())
		ts.Check(err)
		if slices.ContainsFunc(all, func(c images.Cache) bool { return c.Name == args[0] }) {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			ts.Fatalf("%s never told of itself", args[0])
		}
	}
}

// mockupIs starts a vendor's BMC: "mockup NAME" sets BMC to its address, USER and PASSWORD
// are a login.
func mockupIs(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: mockup NAME")
	}
	tree, err := mockup.Open(args[0])
	ts.Check(err)
	m, err := mockup.New(mockup.Config{Tree: tree, Username: "root", Password: replayedPassword})
	ts.Check(err)
	server := httptest.NewTLSServer(m.Handler())
	ts.Defer(m.Close)
	ts.Defer(server.Close)
	ts.Setenv("BMC", server.URL)
	ts.Setenv("RACKWRIGHT_BMC_PASSWORD", replayedPassword)
}

// kernelIs writes what passes for a kernel, the list of its drivers, and an agent: "kernel".
func kernelIs(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: kernel")
	}
	kernel, agent := make([]byte, 1024), make([]byte, 64)
	copy(kernel[0x202:], "HdrS")
	copy(agent, "\x7fELF\x02\x01\x01")
	copy(agent[16:], []byte{2, 0, 62, 0, 1}) // ET_EXEC, EM_X86_64
	copy(agent[52:], []byte{64, 0})
	for name, text := range map[string][]byte{"vmlinuz": kernel, "agent": agent, "lib/modules/6.1.0-1/kernel/README": nil, "lib/modules/6.1.0-1/modules.builtin": []byte("kernel/drivers/net/virtio_net.ko\n")} {
		path := ts.MkAbs(name)
		ts.Check(os.MkdirAll(filepath.Dir(path), 0o755))
		ts.Check(os.WriteFile(path, text, 0o644))
	}
}

// sayings are consoles that all said the same.
type sayings string

func (sayings) Attend(string, time.Duration)        {}
func (sayings) Trust(context.Context, string) error { return nil }

// Look has said it all, and is not open any more.
func (s sayings) Look(_ string, after int64) console.Look {
	text := []byte(s)
	return console.Look{Raw: bytes.Clone(text[min(int(after), len(text)):]), Total: int64(len(text)), Err: fault.Unreachablef("the BMC ended the session").WithHint("look again in a minute")}
}
