package redfish

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"rackwright/fault"
)

// certifier is a mock whose web server shows a new certificate a few handshakes late.
type certifier struct {
	*mock
	key      *ecdsa.PrivateKey
	next     *tls.Certificate
	late     int // handshakes that still show the old one
	onlyRSA  bool
	requests []object
}

func withCertificates(t *testing.T, late int) *certifier {
	c := &certifier{mock: newMock(t, "dell"), late: late}
	const network, service, slot = "/redfish/v1/N", "/redfish/v1/CertificateService", "/redfish/v1/N/HTTPS/Certificates"
	c.tree["/redfish/v1"]["CertificateService"] = object{"@odata.id": service}
	c.tree[service] = object{"Actions": object{"#CertificateService.GenerateCSR": object{"target": service + "/generate"}, "#CertificateService.ReplaceCertificate": object{"target": service + "/replace"}}}
	c.tree["/redfish/v1/Managers/iDRAC.Embedded.1"]["NetworkProtocol"] = object{"@odata.id": network}
	c.tree[network] = object{"HTTPS": object{"Certificates": object{"@odata.id": slot}}}
	c.tree[slot] = object{"Members": []any{object{"@odata.id": slot + "/1"}}}
	old := c.TLS.Certificates[0]
	c.TLS.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		shown := old
		c.with(func() {
			if c.next != nil {
				if c.late--; c.late < 0 {
					shown = *c.next
				}
			}
		})
		return &tls.Config{Certificates: []tls.Certificate{shown}}, nil
	}
	c.fault = c.handle
	return c
}

func (c *certifier) handle(w http.ResponseWriter, r *http.Request) bool {
	if r.Method != http.MethodPost || !strings.HasPrefix(r.URL.Path, "/redfish/v1/CertificateService/") {
		return false
	}
	in := object{}
	_ = json.NewDecoder(r.Body).Decode(&in)
	c.requests = append(c.requests, in)
	switch {
	case strings.HasSuffix(r.URL.Path, "/generate") && c.onlyRSA && in["KeyPairAlgorithm"] != nil:
		return complain(w, 400, "ActionParameterNotSupported", "no such key")
	case strings.HasSuffix(r.URL.Path, "/generate"):
		c.key, _ = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		der, _ := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: "bmc"}}, c.key)
		_ = json.NewEncoder(w).Encode(object{"CSRString": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))})
	default:
		block, _ := pem.Decode([]byte(in["CertificateString"].(string)))
		c.next = &tls.Certificate{Certificate: [][]byte{block.Bytes}, PrivateKey: c.key}
		w.WriteHeader(http.StatusNoContent)
	}
	return true
}

// signer signs as asked and remembers the fingerprint.
func signer(t *testing.T, print *string) func([]byte) ([]byte, error) {
	return func(csr []byte) ([]byte, error) {
		block, _ := pem.Decode(csr)
		request, err := x509.ParseCertificateRequest(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		leaf := &x509.Certificate{SerialNumber: big.NewInt(3), Subject: request.Subject, NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour)}
		der, err := x509.CreateCertificate(rand.Reader, leaf, leaf, request.PublicKey, key)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(der)
		*print = hex.EncodeToString(sum[:])
		return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), nil
	}
}

func TestANewCertificateIsWaitedForUntilTheWebServerShowsIt(t *testing.T) {
	m := withCertificates(t, 6)
	m.onlyRSA = true
	c := open(t, m.mock, &Dialer{Timing: quick()})
	print := ""
	if err := c.ReplaceCertificate(t.Context(), signer(t, &print)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Power(t.Context()); err != nil || c.Certificate() != print {
		t.Errorf("Power: %v, the connection has %s pinned, want %s", err, c.Certificate(), print)
	}
	if len(m.requests) != 3 || m.requests[1]["KeyPairAlgorithm"] != nil {
		t.Errorf("%d requests: %v", len(m.requests), m.requests)
	}
}

func TestACertificateThatIsNeverShownIsAConflictAndTheOldOneStaysGood(t *testing.T) {
	m := withCertificates(t, 1000000)
	timing := quick()
	timing.Settle = short
	c := open(t, m.mock, &Dialer{Timing: timing})
	print := ""
	err := c.ReplaceCertificate(t.Context(), signer(t, &print))
	want(t, err, fault.Conflict, print, "shows another still")
	if _, err := c.Power(t.Context()); err != nil {
		t.Errorf("Power: %v", err)
	}
	m.with(func() { m.late = 0 }) // somebody restarted it
	if _, err := c.Power(t.Context()); err != nil || c.Certificate() != print {
		t.Errorf("Power after the restart: %v, %s is pinned, want %s", err, c.Certificate(), print)
	}
}

func FuzzAnswers(f *testing.F) {
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	der, _ := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	csr := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
	f.Add(csr, csr)
	f.Add([]byte("-----BEGIN X-----"), []byte("-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"))
	f.Fuzz(func(t *testing.T, csr, chain []byte) {
		if leaf, err := answers(csr, chain); err == nil && len(leaf) == 0 {
			t.Error("no error and no certificate")
		}
	})
}
