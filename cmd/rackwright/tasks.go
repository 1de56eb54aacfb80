package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"rackwright/fault"
	"rackwright/images"
	"rackwright/images/blob"
	"rackwright/inventory"
	"rackwright/journal"
	"rackwright/store"
)

// web is an HTTP server as a task.
type web struct {
	name string
	srv  *http.Server
	cert *tls.Certificate
}

// String names the task.
func (t *web) String() string { return t.name }

// Run serves until ctx ends; streams and long polls end with it.
func (t *web) Run(ctx context.Context) error {
	l, err := t.listen(ctx)
	if err != nil {
		return portFault(t.name, t.srv.Addr, err)
	}
	t.srv.BaseContext = func(net.Listener) context.Context { return ctx }
	if t.cert != nil {
		l = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{*t.cert}, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}})
	}
	stop := context.AfterFunc(ctx, func() {
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
		defer cancel()
		if t.srv.Shutdown(grace) != nil {
			t.srv.Close()
		}
	})
	defer stop()
	if err := t.srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func (t *web) listen(ctx context.Context) (net.Listener, error) {
	var lc net.ListenConfig
	path, unix := strings.CutPrefix(t.srv.Addr, "unix:")
	if !unix {
		return lc.Listen(ctx, "tcp", t.srv.Addr)
	}
	if c, err := net.Dial("unix", path); err == nil {
		c.Close()
		return nil, syscall.EADDRINUSE
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return lc.Listen(ctx, "unix", path)
}

// portFault says why a port cannot be had and what to do.
func portFault(name, addr string, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fault.Conflictf("%s: %s is in use", name, addr).WithHint("'ss -ltnp' names the program; stop it, or set another listen address")
	case errors.Is(err, syscall.EACCES):
		return fault.Deniedf("%s: this user may not open %s", name, addr).
			WithHint("run as root, or: setcap cap_net_bind_service,cap_net_raw,cap_net_admin+ep $(command -v rackwright)")
	}
	return fault.Invalidf("%s: cannot listen on %s: %w", name, addr, err)
}

// gated is a task that starts when a network is declared that we serve.
type gated struct {
	task
	s *server
}

// retryPort is how long a service that could not start after a network was declared
// waits before it tries again.
const retryPort = 10 * time.Second

// whenDeclared holds a task back until there is a network to serve.
func (s *server) whenDeclared(t task) task { return &gated{task: t, s: s} }

// Run waits for a network, then runs the task. When networks were declared before this
// process started, a task that cannot start ends the process with its reason; when one is
// declared later the reason goes to log and journal and the start is tried again.
func (g *gated) Run(ctx context.Context) error {
	late := false
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for !g.s.declared() {
		late = true
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
	for {
		g.s.log.Info("serving declared networks", "task", g.String())
		err := g.task.Run(ctx)
		if err == nil || ctx.Err() != nil {
			return nil
		}
		if !late {
			return err
		}
		g.s.log.Error("cannot serve", "task", g.String(), "error", err, "hint", fault.HintOf(err))
		g.s.words.Record(journal.Event{Kind: journal.ServerEvent, Actor: "server", Summary: g.String() + " cannot start: " + err.Error()})
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(retryPort):
		}
	}
}

func (s *server) declared() bool {
	for _, n := range s.view.View().Networks() {
		if n.DHCP != inventory.DHCPOff {
			return true
		}
	}
	return false
}

// pruner removes what has expired.
type pruner struct {
	db  *store.DB
	log *slog.Logger
}

// String names the task.
func (p *pruner) String() string { return "pruner" }

// Run prunes now and then until ctx ends.
func (p *pruner) Run(ctx context.Context) error {
	tick := time.NewTicker(10 * time.Minute)
	defer tick.Stop()
	for {
		if err := p.db.Prune(ctx); err != nil && ctx.Err() == nil {
			p.log.Warn("nothing pruned", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// importer takes the bytes of images in, and drops them.
type importer struct {
	db    *store.DB
	blobs *blob.Store
}

// Import implements api.Importer: it stores the bytes and says what they are. The API
// makes the record, and calls forget when it cannot.
func (i importer) Import(ctx context.Context, r io.Reader, name, sha256 string) (*images.Image, error) {
	in, err := i.blobs.Import(ctx, r, blob.Options{ExpectSHA256: sha256})
	if err != nil {
		return nil, err
	}
	return &images.Image{Name: name, Digest: in.Digest, Source: in.Source, Format: in.Format, Arch: in.Layout.Arch, Firmware: in.Layout.Firmware,
		Bytes: in.Manifest.Bytes, Stored: in.Manifest.PackBytes()}, nil
}

// forget drops the bytes of a digest that no image has.
func (i importer) forget(ctx context.Context, img images.Image) error {
	used, err := i.db.DigestUsed(ctx, img.Digest)
	if err != nil || used {
		return err
	}
	return i.blobs.Remove(img.Digest)
}

// agentCertificate loads the certificate agents pin, made at first start. It names
// nobody: agents know it by its fingerprint.
func agentCertificate(dir string) (*tls.Certificate, string, error) {
	path := filepath.Join(dir, "agent.pem")
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if text, err = newCertificate(); err == nil {
			err = os.WriteFile(path, text, 0o600)
		}
	}
	if err != nil {
		return nil, "", fault.Invalidf("agents' certificate: %w", err)
	}
	c, err := tls.X509KeyPair(text, text)
	if err != nil {
		return nil, "", fault.Invalidf("agents' certificate %s is damaged: %w", path, err).WithHint("remove it; a new one is made at the next start")
	}
	sum := sha256.Sum256(c.Certificate[0])
	return &c, hex.EncodeToString(sum[:]), nil
}

func newCertificate() ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	// Agents boot with whatever clock their board has: the dates must not matter.
	t := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "rackwright agents"},
		NotBefore: time.Unix(0, 0), NotAfter: time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	der, err := x509.CreateCertificate(rand.Reader, t, t, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	k, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: k})...), nil
}

func loadCertificate(cert, key string) (*tls.Certificate, error) {
	c, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, fault.Invalidf("api certificate: %w", err).WithHint("tls_cert and tls_key are PEM files this user may read")
	}
	return &c, nil
}
