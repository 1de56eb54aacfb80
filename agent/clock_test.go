package agent

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"testing"
	"time"
)

// TestTheClockDoesNotMatterToThePin shows certificates of another century: a machine whose
// clock battery is empty begins in 1970, others in 2099.
func TestTheClockDoesNotMatterToThePin(t *testing.T) {
	for _, from := range []int{1970, 2099} {
		public, private, err := ed25519.GenerateKey(nil)
		if err != nil {
			t.Fatal(err)
		}
		template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Date(from, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(from, 1, 2, 0, 0, 0, 0, time.UTC)}
		der, err := x509.CreateCertificate(nil, template, template, public, private)
		if err != nil {
			t.Fatal(err)
		}
		for pin, want := range map[[32]byte]bool{sha256.Sum256(der): true, {1}: false} {
			near, far := net.Pipe()
			server := tls.Server(far, &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: private}}})
			served := make(chan error, 1)
			go func() { served <- server.Handshake() }()
			config := pinned(pin)
			err := tls.Client(near, config).Handshake()
			if (err == nil) != want {
				t.Errorf("a certificate of %d: %v", from, err)
			}
			_ = near.Close()
			<-served
		}
	}
}
