package redfish

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net"
	"strings"
	"time"

	"rackwright/bmc"
	"rackwright/fault"
)

// maxPEM bounds a signing request and what comes of it.
const maxPEM = 64 << 10

// certificateService is what we use of the CertificateService schema.
type certificateService struct {
	Actions struct {
		Generate action `json:"#CertificateService.GenerateCSR"`
		Replace  action `json:"#CertificateService.ReplaceCertificate"`
	}
}

// ReplaceCertificate has the BMC make a key, gives its signing request to sign, installs
// what comes back and waits until a TLS handshake shows it. The key never leaves the BMC.
// This Controller goes on with the new certificate pinned.
func (c *Controller) ReplaceCertificate(ctx context.Context, sign bmc.SignRequest) error {
	done, err := c.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	if c.wire.base.Scheme != "https" {
		return fault.Invalidf("BMC %s is reached without a certificate", c.access.Address).WithHint("reach it by https")
	}
	ctx = withBudget(ctx, maxCustodyReads)
	service, slot, err := c.certificateSlot(ctx)
	if err != nil {
		return c.explain("read the certificate service", err)
	}
	csr, err := c.signingRequest(ctx, service, slot.collection)
	if err != nil {
		return c.explain("make a signing request", err)
	}
	chain, err := sign(csr)
	if err != nil {
		return err
	}
	leaf, err := answers(csr, chain)
	if err != nil {
		return fault.Invalidf("the certificate for BMC %s: %w", c.access.Address, err).
			WithHint("sign the request as it came, and give the certificate before those that signed it")
	}
	sum := sha256.Sum256(leaf)
	print := hex.EncodeToString(sum[:])
	c.wire.pin.expect(print)
	c.log.Info("bmc certificate replaced", "sha256", print)
	wrote := c.installCertificate(ctx, service, slot.certificate, chain)
	if wrote != nil && neverDone(wrote) {
		c.wire.pin.expect("")
		return c.explain("take the certificate", wrote)
	}
	return c.shown(ctx, print, wrote)
}

// slot is where the web server's certificate is.
type slot struct{ collection, certificate string }

// certificateSlot finds the actions and the web server's certificate, by the manager's
// HTTPS certificates.
func (c *Controller) certificateSlot(ctx context.Context) (*certificateService, slot, error) {
	if c.root.Certificates.URI == "" {
		return nil, slot{}, c.lacks("certificate service")
	}
	service, err := get[certificateService](c.under(ctx), c.root.Certificates.URI)
	if err != nil {
		return nil, slot{}, err
	}
	if service.Actions.Generate.Target == "" || service.Actions.Replace.Target == "" {
		return service, slot{}, c.lacks("certificate service that signs and replaces")
	}
	_, network, err := c.network(ctx)
	if err != nil {
		return service, slot{}, err
	}
	var https struct{ Certificates link }
	_ = lenient(json.Unmarshal(network["HTTPS"], &https)) // none: lacking, below
	if https.Certificates.URI == "" {
		return service, slot{}, c.lacks("certificate of its web server that it tells of")
	}
	list, err := get[collection](c.under(ctx), https.Certificates.URI)
	if err != nil {
		return service, slot{}, err
	}
	if len(list.Members) == 0 {
		return service, slot{}, c.lacks("certificate of its web server to replace")
	}
	return service, slot{https.Certificates.URI, list.uris()[0]}, nil
}

// signingRequest asks for a key and a request, with a P-384 key or as the BMC does it by
// itself. What a subject has to name for some BMCs (Dell, Supermicro) names nobody. Another
// request is harmless: it replaces one that was not used.
func (c *Controller) signingRequest(ctx context.Context, s *certificateService, collection string) ([]byte, error) {
	host, _, err := net.SplitHostPort(c.wire.base.Host)
	if err != nil {
		host = c.wire.base.Hostname()
	}
	plain := map[string]any{
		"CommonName": host, "Organization": "Rackwright", "OrganizationalUnit": "BMC", "City": "-", "State": "-", "Country": "XX",
		"CertificateCollection": link{URI: collection},
	}
	said, err := c.postForms(ctx, s.Actions.Generate.Target, []map[string]any{
		with(with(plain, "KeyPairAlgorithm", "TPM_ALG_ECDH"), "KeyCurveId", "TPM_ECC_NIST_P384"), plain})
	if err != nil {
		return nil, err
	}
	var made struct{ CSRString string }
	if err := lenient(json.Unmarshal(said.body, &made)); err != nil {
		return nil, err
	}
	block, _ := pem.Decode([]byte(made.CSRString))
	if len(made.CSRString) > maxPEM || block == nil || !strings.HasSuffix(block.Type, "CERTIFICATE REQUEST") {
		return nil, fault.Conflictf("BMC %s gives no signing request", c.access.Address).
			WithHint("make the request in the BMC's own pages, or update its firmware")
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: block.Bytes}), nil
}

// installCertificate posts it, once.
func (c *Controller) installCertificate(ctx context.Context, s *certificateService, certificate string, chain []byte) error {
	kind := "PEM"
	if bytes.Count(chain, []byte("-----BEGIN CERTIFICATE-----")) > 1 {
		kind = "PEMchain"
	}
	_, err := c.post(ctx, s.Actions.Replace.Target, map[string]any{
		"CertificateString": string(chain), "CertificateType": kind, "CertificateUri": link{URI: certificate}})
	return err
}

// answers checks that a chain begins with a certificate for the key of the request: the
// BMC's web server would not start with another. It returns the certificate's DER.
func answers(csr, chain []byte) ([]byte, error) {
	block, _ := pem.Decode(csr)
	if block == nil {
		return nil, errors.New("the request is not PEM")
	}
	request, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return nil, err
	}
	first, _ := pem.Decode(chain)
	if len(chain) > maxPEM || first == nil || first.Type != "CERTIFICATE" {
		return nil, errors.New("what was signed is no certificate in PEM")
	}
	leaf, err := x509.ParseCertificate(first.Bytes)
	if err != nil {
		return nil, err
	}
	same := false
	switch key := request.PublicKey.(type) {
	case *rsa.PublicKey:
		same = key.Equal(leaf.PublicKey)
	case *ecdsa.PublicKey:
		same = key.Equal(leaf.PublicKey)
	case ed25519.PublicKey:
		same = key.Equal(leaf.PublicKey)
	}
	if !same {
		return nil, errors.New("it is for another key than the BMC made")
	}
	return leaf.Raw, nil
}

// shown waits until the BMC's web server shows the certificate; it may restart for that.
func (c *Controller) shown(ctx context.Context, print string, wrote error) error {
	return c.verify(ctx, change{doing: "take the certificate", wrote: wrote, limit: c.timing.Settle,
		look: func(ctx context.Context) (bool, error) {
			is, err := c.wire.shows(ctx)
			return is == print, err
		},
		ignored: func() *fault.Error {
			return fault.Conflictf("BMC %s took the certificate %s and shows another still", c.access.Address, print).
				WithHint("restart the BMC: many show a new certificate only then; both are accepted until this connection is closed")
		}})
}

// shows makes a TLS handshake of its own and returns the fingerprint of what was shown.
// Nothing is sent over it.
func (w *wire) shows(ctx context.Context) (string, error) {
	config := w.pin.config()
	seen := ""
	config.ClientSessionCache, config.VerifyConnection = nil, func(state tls.ConnectionState) error {
		if len(state.PeerCertificates) > 0 {
			sum := sha256.Sum256(state.PeerCertificates[0].Raw)
			seen = hex.EncodeToString(sum[:])
		}
		return nil
	}
	host := w.base.Host
	if w.base.Port() == "" {
		host = net.JoinHostPort(w.base.Hostname(), "443")
	}
	ctx, cancel := context.WithTimeout(ctx, min(w.timing.Request, 10*time.Second))
	defer cancel()
	conn, err := (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", host)
	if err != nil {
		return "", err
	}
	return seen, conn.Close()
}
