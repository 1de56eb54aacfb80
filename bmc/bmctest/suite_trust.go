package bmctest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"slices"
	"testing"
	"time"
)

// authorities enrols one twice, another name's beside it, and then one that has the first
// one's name.
func (s suite) authorities(t *testing.T) {
	c := s.dial(t)
	old, other, now := authority(t, "suite a"), authority(t, "suite b"), authority(t, "suite a")
	s.may(t, Authorities, c.TrustAuthority(s.context(t), old))
	for _, a := range []*x509.Certificate{old, other, now, now} {
		ok(t, "TrustAuthority", c.TrustAuthority(s.context(t), a))
	}
	if s.hooks.Authorities == nil {
		return
	}
	var trusted []string
	for _, der := range s.hooks.Authorities() {
		trusted = append(trusted, string(der))
	}
	if want := []string{string(other.Raw), string(now.Raw)}; !slices.Equal(trusted, want) {
		t.Errorf("%d authorities are trusted, or not the newest of each name", len(trusted))
	}
}

// authority makes a certificate that signs others.
func authority(t *testing.T, name string) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ok(t, "key", err)
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	ok(t, "certificate", err)
	out, err := x509.ParseCertificate(der)
	ok(t, "certificate", err)
	return out
}
