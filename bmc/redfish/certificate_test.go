package redfish_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"testing"
	"time"

	"rackwright/fault"
	"rackwright/racksim"
)

// sealed makes a certificate for a key of its own, whatever the request says.
func sealed(t *testing.T) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "other"}, NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func TestACertificateForAnotherKeyNeverReachesTheBMC(t *testing.T) {
	_, _, access := simulate(t, racksim.UEFI)
	c := dialReplay(t, access, swift())
	before := c.Certificate()
	for name, chain := range map[string][]byte{"another key": sealed(t), "no certificate": []byte("hello"), "nothing": nil, "a request": []byte("-----BEGIN CERTIFICATE REQUEST-----\nAA==\n-----END CERTIFICATE REQUEST-----\n")} {
		err := c.ReplaceCertificate(t.Context(), func([]byte) ([]byte, error) { return chain, nil })
		if !fault.Is(err, fault.Invalid) || fault.HintOf(err) == "" {
			t.Errorf("%s: %v, want Invalid with a hint", name, err)
		}
	}
	if again := dialReplay(t, access, swift()); again.Certificate() != before {
		t.Error("the BMC shows another certificate")
	}
}
