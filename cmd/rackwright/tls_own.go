package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"

	"rackwright/fault"
)

// own is an authority that a server makes itself, and the certificate it gives that server.
type own struct {
	name     string // of the server
	ca, leaf string // files in the state directory, each with its key
	keys     x509.PublicKeyAlgorithm
	purpose  string // in the authority's name
	said     string // when there is a certificate
	anew     string // what another authority means
}

func apiOwn() own {
	return own{name: "api", ca: "api-ca.pem", leaf: "api.pem", keys: x509.ECDSA,
		said: "the api has its own certificate: 'rackwright login' asks for this fingerprint", anew: "everybody has to log in again with its fingerprint"}
}

// bootOwn has RSA keys: much firmware has no elliptic curves.
func bootOwn() own {
	return own{name: "https boot", ca: "boot-ca.pem", leaf: "boot.pem", keys: x509.RSA, purpose: "boot ",
		said: "https boot has its own certificate: firmware needs the authority of this fingerprint", anew: "it has to be given to the firmware of the machines that boot by HTTPS"}
}

// lookOwn makes the own certificate when it lacks a name, an address that came since maybe,
// or will end.
func (c *certificates) lookOwn() error {
	names := c.names()
	if cert := c.current.Load(); cert != nil && c.fits(cert.Leaf, names) {
		return nil
	}
	ca, err := c.own.authority(c.dir, c.now())
	if err != nil {
		return err
	}
	path := filepath.Join(c.dir, c.own.leaf)
	cert, err := tls.LoadX509KeyPair(path, path)
	if err != nil || !c.fits(cert.Leaf, names) || cert.Leaf.CheckSignatureFrom(ca.Leaf) != nil {
		text, err := c.own.certificate(ca, names, c.now())
		if err == nil {
			err = writeWhole(path, text)
		}
		if err == nil {
			cert, err = tls.X509KeyPair(text, text)
		}
		if err != nil {
			return fault.Invalidf("the %s's own certificate: %w", c.own.name, err)
		}
	}
	if len(cert.Certificate) == 1 { // 'rackwright login' shows and keeps the authority, firmware builds its chain with it
		cert.Certificate = append(cert.Certificate, ca.Certificate[0])
	}
	c.current.Store(&cert)
	c.log.Info(c.own.said, "fingerprint", fingerprint(ca.Certificate[0]), "ends", cert.Leaf.NotAfter, "names", names)
	return nil
}

func (c *certificates) fits(leaf *x509.Certificate, names []string) bool {
	if leaf == nil || c.now().AddDate(0, 0, renewDays).After(leaf.NotAfter) || c.now().Before(leaf.NotBefore) {
		return false
	}
	return !slices.ContainsFunc(names, func(name string) bool { return leaf.VerifyHostname(name) != nil })
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

// authority reads the server's authority, or makes it. Of two servers that make it at
// once one wins.
func (o own) authority(dir string, now time.Time) (*tls.Certificate, error) {
	path := filepath.Join(dir, o.ca)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		host, _ := os.Hostname()
		text, err := signed(&x509.Certificate{PublicKeyAlgorithm: o.keys, Subject: pkix.Name{CommonName: "rackwright " + o.purpose + "on " + host}, NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(authorityYears, 0, 0),
			IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign}, nil)
		if err == nil {
			_, err = writeOnce(path, string(text))
		}
		if err != nil {
			return nil, fault.Invalidf("the %s's own authority: %w", o.name, err)
		}
	}
	ca, err := tls.LoadX509KeyPair(path, path)
	if err != nil {
		return nil, fault.Invalidf("the %s's own authority %s is damaged: %w", o.name, path, err).
			WithHint("restore it, or remove it: another is made, and %s", o.anew)
	}
	return &ca, closed(path)
}

func (o own) certificate(ca *tls.Certificate, names []string, now time.Time) ([]byte, error) {
	t := &x509.Certificate{PublicKeyAlgorithm: o.keys, Subject: pkix.Name{CommonName: "rackwright " + o.name}, NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(0, 0, leafDays),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
		} else {
			t.DNSNames = append(t.DNSNames, name)
		}
	}
	return signed(t, ca)
}

// signed makes a certificate and a key of the template's algorithm, PEM; by itself when ca is nil.
func signed(t *x509.Certificate, ca *tls.Certificate) ([]byte, error) {
	key, err := newKey(t.PublicKeyAlgorithm)
	if err != nil {
		return nil, err
	}
	if t.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120)); err != nil {
		return nil, err
	}
	parent, by := t, crypto.PrivateKey(key)
	if ca != nil {
		parent, by = ca.Leaf, ca.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, t, parent, key.Public(), by)
	if err != nil {
		return nil, err
	}
	k, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: k})...), nil
}

// newKey is an RSA key where that is asked for, else one on P-256.
func newKey(algorithm x509.PublicKeyAlgorithm) (crypto.Signer, error) {
	if algorithm == x509.RSA {
		return rsa.GenerateKey(rand.Reader, 3072)
	}
	return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
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
