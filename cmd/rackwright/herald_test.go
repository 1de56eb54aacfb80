package main

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"rackwright/config"
	"rackwright/integration/porttest"
)

// managed is a service manager's socket.
func managed(t *testing.T) (path string, says func() string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "notify")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return path, func() string {
		b := make([]byte, 64)
		_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
		n, err := c.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		return string(b[:n])
	}
}

func TestTheServiceManagerIsToldOnceTheSocketsAreOpenAndAtTheEnd(t *testing.T) {
	socket, says := managed(t)
	dir, cfg := t.TempDir(), config.Default()
	cfg.StateDir, cfg.SealKeyFile, cfg.Images.Dir, cfg.API.Listen = dir, filepath.Join(dir, "seal.key"), filepath.Join(dir, "images"), porttest.FreeAddress(t)
	s, err := assemble(t.Context(), cfg, slog.New(slog.DiscardHandler)) // without a network: DHCP, TFTP and HTTP stay closed
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	s.add(true, &herald{socket: socket, tasks: s.tasks, log: s.log})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.run(ctx) }()
	if got := says(); got != "READY=1" {
		t.Errorf("said %q", got)
	}
	if c, err := net.Dial("tcp", cfg.API.Listen); err != nil {
		t.Error(err)
	} else {
		c.Close()
	}
	cancel()
	if got := says(); got != "STOPPING=1" {
		t.Errorf("said %q", got)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestWhoIsToServeIsWaitedForAndWhoIsNotIsNot(t *testing.T) {
	for _, declared := range []bool{true, false} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		taken := l.Addr().String()
		g := &gated{task: &web{name: "test", srv: &http.Server{Addr: taken}}, s: &server{log: slog.New(slog.DiscardHandler)}, open: func(context.Context) bool { return declared }}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- g.Run(ctx) }()
		wait := 10 * time.Second
		if declared {
			wait = 200 * time.Millisecond // its port is taken: it never listens
		}
		open, shut := socketOf(g)
		select {
		case <-open:
			t.Error("it does not listen")
		case <-shut:
			if declared {
				t.Error("whom it serves is declared")
			}
		case <-time.After(wait):
			if !declared {
				t.Error("who serves nobody is waited for")
			}
		}
		cancel()
		if err := <-ended; declared == (err == nil) {
			t.Errorf("declared %v: %v", declared, err)
		}
		l.Close()
	}
}
