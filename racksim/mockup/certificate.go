package mockup

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"net"
	"net/http"
)

// generateCSR makes a key and a signing request for it. The key waits for its certificate.
func (b *BMC) generateCSR(c *call, a action) reply {
	for _, name := range append([]string{"CommonName"}, b.habits.subject...) {
		if textAt(c.body, name) == "" {
			return missingParameter(a.name, name).reply()
		}
	}
	slots := follow(c.body, "CertificateCollection")
	if b.get(slots) == nil {
		return missingParameter(a.name, "CertificateCollection").reply()
	}
	template := &x509.CertificateRequest{Subject: pkix.Name{CommonName: textAt(c.body, "CommonName")}}
	if ip := net.ParseIP(template.Subject.CommonName); ip != nil {
		template.IPAddresses = []net.IP{ip}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return refuse(http.StatusInternalServerError, "InternalError", "No key can be made.").reply()
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, template, key)
	if err != nil {
		return refuse(http.StatusBadRequest, "ActionParameterValueFormatError", "The subject is none.").reply()
	}
	b.key = key
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
	return reply{status: http.StatusOK, body: body{"CSRString": string(text), "CertificateCollection": link(slots)}}
}

// replaceCertificate shows the chain from the next connection on. It must be for the key of
// the last signing request.
func (b *BMC) replaceCertificate(c *call, a action) reply {
	slot := follow(c.body, "CertificateUri")
	if b.get(slot) == nil {
		return missingParameter(a.name, "CertificateUri").reply()
	}
	shown := tls.Certificate{PrivateKey: b.key}
	for rest := []byte(textAt(c.body, "CertificateString")); len(shown.Certificate) < 8; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		shown.Certificate = append(shown.Certificate, block.Bytes)
	}
	if len(shown.Certificate) == 0 {
		return missingParameter(a.name, "CertificateString").reply()
	}
	leaf, err := x509.ParseCertificate(shown.Certificate[0])
	if err != nil || b.key == nil || !b.key.PublicKey.Equal(leaf.PublicKey) {
		return refuse(http.StatusBadRequest, "ActionParameterValueFormatError", "The certificate is not for the key of this service.").reply()
	}
	b.certificate = &shown
	r := b.edit(slot)
	r["CertificateString"], r["Subject"] = textAt(c.body, "CertificateString"), body{"CommonName": leaf.Subject.CommonName}
	return none()
}

// show is the certificate of a connection.
func (b *BMC) show(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.certificate, nil
}
