package main

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"rackwright/config"
	"rackwright/fault"
)

// Of the API's own certificates.
const (
	authorityYears = 20
	leafDays       = 90
	renewDays      = 30 // before the end
	mostNamesOwn   = 64
)

// certificates keeps a server's certificate good while it serves: a given one is read again
// when its files change, an own one is renewed before it ends. It is a task.
type certificates struct {
	api   config.API
	own   own
	dir   string          // of the own authority
	names func() []string // that an own certificate must have now
	log   *slog.Logger
	now   func() time.Time
	every time.Duration // between looks

	current atomic.Pointer[tls.Certificate]
	seen    string // state of the files when they were last read
	clients clientAuthorities
}

// newCertificates reads or makes the certificate; nil when the API is served without TLS.
func newCertificates(cfg config.Config, log *slog.Logger) (*certificates, error) {
	if cfg.API.TLSCert == "" && !cfg.API.OwnTLS() {
		return nil, nil
	}
	host, _, _ := net.SplitHostPort(cfg.API.Listen) // checked with the configuration
	c := &certificates{api: cfg.API, own: apiOwn(), dir: cfg.StateDir, names: func() []string { return ownNames(host, cfg.PublicHost) }, log: log, now: time.Now, every: 5 * time.Second, clients: clientAuthorities{path: cfg.API.ClientCA}}
	if err := c.look(); err != nil {
		return nil, err
	}
	if _, err := c.clients.look(); err != nil {
		return nil, err
	}
	return c, nil
}

// String names the task.
func (c *certificates) String() string { return c.own.name + " certificate" }

// Run looks after the certificate until ctx ends, and at once on SIGHUP.
func (c *certificates) Run(ctx context.Context) error {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	tick := time.NewTicker(c.every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-hup:
			c.seen, c.clients.seen = "", anyState
		case <-tick.C:
		}
		if err := c.look(); err != nil {
			c.log.Error("the new certificate is not good: the one before is still served", "of", c.own.name, "error", err, "hint", fault.HintOf(err))
		}
		if read, err := c.clients.look(); err != nil {
			c.log.Error("the new authorities of client certificates are not good: those before still count", "error", err, "hint", fault.HintOf(err))
		} else if read {
			c.log.Info("the authorities of client certificates were read again", "number", len(c.clients.current.Load().has))
		}
	}
}

// look reads or renews when there is reason to. What is not good is said once.
func (c *certificates) look() error {
	if c.api.TLSCert == "" {
		return c.lookOwn()
	}
	state := fileState(c.api.TLSCert, c.api.TLSKey)
	if state == c.seen {
		return nil
	}
	c.seen = state
	cert, err := loadCertificate(c.api.TLSCert, c.api.TLSKey)
	if err != nil {
		return err
	}
	if c.current.Swap(cert) != nil {
		c.log.Info("the api's certificate was read again", "ends", cert.Leaf.NotAfter)
	}
	return nil
}

func fileState(paths ...string) (state string) {
	for _, path := range paths {
		if info, err := os.Stat(path); err == nil {
			state += info.ModTime().String() + strconv.FormatInt(info.Size(), 10) + info.Mode().String()
		}
	}
	return state
}

// config is for a listener: each connection gets the certificate of its time.
func (c *certificates) config() *tls.Config {
	t := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.current.Load(), nil }}
	c.clients.ask(t)
	return t
}

// forFirmware is for a listener of HTTP boot. Firmware whose TLS has no elliptic curves can
// exchange keys by RSA alone; what is secret does not go this way.
func (c *certificates) forFirmware() *tls.Config {
	t := c.config()
	t.NextProtos, t.CipherSuites = []string{"http/1.1"}, []uint16{tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
		tls.TLS_RSA_WITH_AES_256_GCM_SHA384, tls.TLS_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_RSA_WITH_AES_256_CBC_SHA, tls.TLS_RSA_WITH_AES_128_CBC_SHA}
	return t
}

// fingerprint is how people tell certificates apart.
func fingerprint(der []byte) string {
	sum := sha256.Sum256(der)
	return "sha256:" + hex.EncodeToString(sum[:])
}
