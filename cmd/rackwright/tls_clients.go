package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"os"
	"sync/atomic"

	"rackwright/fault"
)

// clientAuthorities are those whose client certificates count, read again when their file
// changes. A file that is not good changes nothing.
type clientAuthorities struct {
	path    string // PEM bundle; empty: no certificate counts
	current atomic.Pointer[authorities]
	seen    string // state of the file when it was last read
}

// anyState is the state of no file, to have it read again.
const anyState = "?"

// authorities are those of one reading.
type authorities struct {
	pool *x509.CertPool
	has  map[string]bool // certificates, DER
}

// look reads the file when there is reason to, and reports whether it did. What is not good
// is said once.
func (c *clientAuthorities) look() (read bool, err error) {
	if c.path == "" {
		return false, nil
	}
	state := fileState(c.path)
	if state == c.seen && c.current.Load() != nil {
		return false, nil
	}
	c.seen = state
	text, err := os.ReadFile(c.path)
	if err != nil {
		return false, fault.Invalidf("api.client_ca: %w", err).WithHint("it is a PEM file of the authorities of client certificates")
	}
	next, err := readAuthorities(text)
	if err != nil {
		return false, fault.Invalidf("api.client_ca: %s has no certificates that can be read: %w", c.path, err).WithHint("it is a PEM file of the authorities of client certificates")
	}
	c.current.Store(next)
	return true, nil
}

func readAuthorities(text []byte) (*authorities, error) {
	a := &authorities{pool: x509.NewCertPool(), has: map[string]bool{}}
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		a.pool.AddCert(cert)
		a.has[string(cert.Raw)] = true
	}
	if len(a.has) == 0 {
		return nil, fault.Invalidf("none is in it")
	}
	return a, nil
}

// ask has a listener ask for a client certificate, and each new connection's be by the
// authorities of its time. A session is not resumed: that would show no certificate again.
func (c *clientAuthorities) ask(t *tls.Config) {
	if c.path == "" {
		return
	}
	t.ClientAuth, t.SessionTicketsDisabled = tls.VerifyClientCertIfGiven, true
	each := t.Clone()
	t.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		now := each.Clone()
		now.ClientCAs = c.current.Load().pool
		return now, nil
	}
}

// vouch reports whether an authority of a connection's client certificate still counts:
// connections live long.
func (c *clientAuthorities) vouch(state *tls.ConnectionState) bool {
	now := c.current.Load()
	for _, chain := range state.VerifiedChains {
		if now != nil && now.has[string(chain[len(chain)-1].Raw)] {
			return true
		}
	}
	return false
}
