package run

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"net"
	"strings"
	"testing"
	"time"

	"rackwright/fault"
)

func request(t testing.TB, template *x509.CertificateRequest) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	csr, err := x509.CreateCertificateRequest(rand.Reader, template, key)
	if err != nil {
		t.Fatal(err)
	}
	return toPEM("CERTIFICATE REQUEST", csr)
}

func newTestAuthority(t testing.TB) *authority {
	t.Helper()
	certificate, key, err := newAuthority(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	a, err := openAuthority(certificate, key)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// What a BMC asks to be called counts for nothing: else one BMC could be another.
func TestACertificateNamesTheAddressInThePlanAndNothingElse(t *testing.T) {
	a := newTestAuthority(t)
	csr := request(t, &x509.CertificateRequest{Subject: pkix.Name{CommonName: "bank.example"}, DNSNames: []string{"bank.example"}, IPAddresses: []net.IP{{10, 9, 9, 9}}})
	for _, host := range []string{"10.0.1.11", "2001:db8::1", "bmc1.example"} {
		chain, fingerprint, err := a.sign(csr, host, time.Now())
		if err != nil || len(fingerprint) != 64 {
			t.Fatal(fingerprint, err)
		}
		leaf, err := x509.ParseCertificate(der(chain, "CERTIFICATE"))
		if err != nil {
			t.Fatal(err)
		}
		if leaf.VerifyHostname(host) != nil || leaf.VerifyHostname("bank.example") == nil || leaf.VerifyHostname("10.9.9.9") == nil || leaf.IsCA || leaf.Subject.CommonName != host {
			t.Errorf("%s: names %v %v, subject %s", host, leaf.DNSNames, leaf.IPAddresses, leaf.Subject)
		}
	}
}

func TestPasswordsHaveTheFormAndAreNeverTheSame(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range shapes {
		for range 200 {
			s := newSecret(f)
			if len(s) != f.length || seen[s] || strings.ContainsAny(s, " \"'\\<>&") || !strings.ContainsAny(s[:1], upper+lower) {
				t.Fatalf("%d characters wanted, seen before: %v, first is %q", f.length, seen[s], s[:1])
			}
			for i := 1; i < len(s); i++ {
				if s[i] == s[i-1] {
					t.Fatal("a character stands twice in a row")
				}
			}
			seen[s] = true
		}
	}
}

func FuzzSign(f *testing.F) {
	a := newTestAuthority(f)
	f.Add(request(f, &x509.CertificateRequest{}))
	f.Add([]byte("-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n"))
	f.Fuzz(func(t *testing.T, csr []byte) {
		chain, fingerprint, err := a.sign(csr, "10.0.1.11", time.Now())
		if err != nil {
			if !fault.Is(err, fault.Conflict) && !fault.Is(err, fault.Internal) {
				t.Errorf("%v", err)
			}
			return
		}
		leaf, err := x509.ParseCertificate(der(chain, "CERTIFICATE"))
		if err != nil || len(fingerprint) != 64 || leaf.CheckSignatureFrom(a.certificate) != nil {
			t.Errorf("signed %v", err)
		}
	})
}
