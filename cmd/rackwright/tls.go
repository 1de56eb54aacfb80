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
	"io/fs"
	"log/slog"
	"math/big"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
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

// certificates keeps the API's certificate good while it serves: a given one is read again
// when its files change, an own one is renewed before it ends. It is a task.
type certificates struct {
	api   config.API
	dir   string   // of the own authority
	names []string // that an own certificate must have
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
	c := &certificates{api: cfg.API, dir: cfg.StateDir, names: ownNames(host, cfg.PublicHost), log: log, now: time.Now, every: 5 * time.Second, clients: clientAuthorities{path: cfg.API.ClientCA}}
	if err := c.look(); err != nil {
		return nil, err
	}
	if _, err := c.clients.look(); err != nil {
		return nil, err
	}
	return c, nil
}

// String names the task.
func (c *certificates) String() string { return "api certificate" }

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
			c.log.Error("the api's new certificate is not good: the one before is still served", "error", err, "hint", fault.HintOf(err))
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

// fingerprint is how people tell certificates apart.
func fingerprint(der []byte) string {
	sum := sha256.Sum256(der)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// lookOwn makes the own certificate when it lacks a name or will end.
func (c *certificates) lookOwn() error {
	if cert := c.current.Load(); cert != nil && c.fits(cert.Leaf) {
		return nil
	}
	ca, err := ownAuthority(c.dir, c.now())
	if err != nil {
		return err
	}
	path := filepath.Join(c.dir, "api.pem")
	cert, err := tls.LoadX509KeyPair(path, path)
	if err != nil || !c.fits(cert.Leaf) || cert.Leaf.CheckSignatureFrom(ca.Leaf) != nil {
		text, err := ownLeaf(ca, c.names, c.now())
		if err == nil {
			err = writeWhole(path, text)
		}
		if err == nil {
			cert, err = tls.X509KeyPair(text, text)
		}
		if err != nil {
			return fault.Invalidf("the api's own certificate: %w", err)
		}
	}
	if len(cert.Certificate) == 1 { // 'rackwright login' shows and keeps the authority
		cert.Certificate = append(cert.Certificate, ca.Certificate[0])
	}
	c.current.Store(&cert)
	c.log.Info("the api has its own certificate: 'rackwright login' asks for this fingerprint", "fingerprint", fingerprint(ca.Certificate[0]), "ends", cert.Leaf.NotAfter, "names", c.names)
	return nil
}

func (c *certificates) fits(leaf *x509.Certificate) bool {
	if leaf == nil || c.now().AddDate(0, 0, renewDays).After(leaf.NotAfter) || c.now().Before(leaf.NotBefore) {
		return false
	}
	return !slices.ContainsFunc(c.names, func(name string) bool { return leaf.VerifyHostname(name) != nil })
}

// ownNames are those by which this host is reached.
func ownNames(listen, public string) []string {
	names := []string{"localhost", "127.0.0.1", "::1"}
	if host, err := os.Hostname(); err == nil {
		names = append(names, host)
	}
	names = append(names, public, listen)
	if ip := net.ParseIP(listen); listen == "" || ip != nil && ip.IsUnspecified() {
		addrs, _ := net.InterfaceAddrs()
		for _, a := range addrs {
			if n, ok := a.(*net.IPNet); ok && n.IP.IsGlobalUnicast() {
				names = append(names, n.IP.String())
			}
		}
	}
	names = slices.DeleteFunc(names, func(name string) bool {
		ip := net.ParseIP(name)
		return ip != nil && ip.IsUnspecified() || ip == nil && (&x509.Certificate{DNSNames: []string{name}}).VerifyHostname(name) != nil
	})
	slices.Sort(names)
	names = slices.Compact(names)
	return names[:min(len(names), mostNamesOwn)]
}

// ownAuthority reads the server's authority, or makes it. Of two servers that make it at
// once one wins.
func ownAuthority(dir string, now time.Time) (*tls.Certificate, error) {
	path := filepath.Join(dir, "api-ca.pem")
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		host, _ := os.Hostname()
		text, err := signed(&x509.Certificate{Subject: pkix.Name{CommonName: "rackwright on " + host}, NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(authorityYears, 0, 0),
			IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign}, nil)
		if err == nil {
			_, err = writeOnce(path, string(text))
		}
		if err != nil {
			return nil, fault.Invalidf("the api's own authority: %w", err)
		}
	}
	ca, err := tls.LoadX509KeyPair(path, path)
	if err != nil {
		return nil, fault.Invalidf("the api's own authority %s is damaged: %w", path, err).
			WithHint("restore it, or remove it: another is made, and everybody has to log in again with its fingerprint")
	}
	return &ca, closed(path)
}

func ownLeaf(ca *tls.Certificate, names []string, now time.Time) ([]byte, error) {
	t := &x509.Certificate{Subject: pkix.Name{CommonName: "rackwright api"}, NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(0, 0, leafDays),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
		} else {
			t.DNSNames = append(t.DNSNames, name)
		}
	}
	return signed(t, ca)
}

// signed makes a certificate and its key, PEM; by itself when ca is nil.
func signed(t *x509.Certificate, ca *tls.Certificate) ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	if t.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120)); err != nil {
		return nil, err
	}
	parent, by := t, any(key)
	if ca != nil {
		parent, by = ca.Leaf, ca.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, t, parent, &key.PublicKey, by)
	if err != nil {
		return nil, err
	}
	k, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: k})...), nil
}

// writeWhole puts a file that its owner alone can read in the place of another, whole or
// not at all.
func writeWhole(path string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
