package redfish

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	certServicePath  = "/redfish/v1/CertificateService"
	certificatesPath = protocolsPath + "/HTTPS/Certificates"
	ownCertificate   = certificatesPath + "/1"
	generatePath     = certServicePath + "/Actions/CertificateService.GenerateCSR"
	replacePath      = certServicePath + "/Actions/CertificateService.ReplaceCertificate"
	maxChain         = 8
	maxNames         = 32
)

// keyring is the BMC's certificate and key, and the key of the last signing request.
type keyring struct {
	mu      sync.Mutex
	used    *tls.Certificate
	pending crypto.Signer
}

// use shows the certificate from the next connection on.
func (k *keyring) use(c tls.Certificate) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.used = &c
}

func (k *keyring) certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.used, nil
}

// keys are those a new certificate may be for.
func (k *keyring) keys() (all []crypto.Signer) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.pending != nil {
		all = append(all, k.pending)
	}
	if k.used != nil {
		if own, ok := k.used.PrivateKey.(crypto.Signer); ok {
			all = append(all, own)
		}
	}
	return all
}

func (s *Service) routeCertificates() {
	s.get(certServicePath, func() body {
		b := resource(certServicePath, "CertificateService.v1_0_6.CertificateService", "Certificate Service")
		b["CertificateLocations"] = link(certServicePath + "/CertificateLocations")
		b["Actions"] = body{
			"#CertificateService.GenerateCSR":        body{"target": generatePath},
			"#CertificateService.ReplaceCertificate": body{"target": replacePath},
		}
		return b
	})
	s.get(certServicePath+"/CertificateLocations", func() body {
		b := resource(certServicePath+"/CertificateLocations", "CertificateLocations.v1_0_4.CertificateLocations", "Certificate Locations")
		b["Links"] = body{"Certificates": links(ownCertificate)}
		return b
	})
	s.collection(certificatesPath, "CertificateCollection", "Certificates", func() []body {
		used, _ := s.keys.certificate(nil)
		if used == nil {
			return nil
		}
		leaf, err := x509.ParseCertificate(used.Certificate[0])
		if err != nil {
			return nil
		}
		return []body{certificateBody(ownCertificate, leaf)}
	})
	s.mux.HandleFunc("POST "+generatePath, s.generateCSR)
	s.action(replacePath, configureManager, s.replaceCertificate)
}

func certificateBody(path string, c *x509.Certificate) body {
	b := resource(path, "Certificate.v1_8_2.Certificate", "Certificate")
	b["CertificateString"] = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
	b["CertificateType"], b["SerialNumber"] = "PEM", c.SerialNumber.Text(16)
	b["Subject"], b["Issuer"] = nameBody(c.Subject), nameBody(c.Issuer)
	b["ValidNotBefore"], b["ValidNotAfter"] = c.NotBefore.UTC().Format(time.RFC3339), c.NotAfter.UTC().Format(time.RFC3339)
	sum := sha256.Sum256(c.Raw)
	b["Fingerprint"], b["FingerprintHashAlgorithm"] = hex.EncodeToString(sum[:]), "TPM_ALG_SHA256"
	return b
}

func nameBody(n pkix.Name) body {
	b := body{"CommonName": n.CommonName}
	if len(n.Organization) > 0 {
		b["Organization"] = n.Organization[0]
	}
	return b
}

func (s *Service) generateCSR(w http.ResponseWriter, r *http.Request) {
	p := s.allowed(r, configureManager)
	var sent body
	if p == nil {
		sent, p = readObject(r)
	}
	var csr []byte
	if p == nil {
		csr, p = s.newRequest(&changes{sent: sent})
	}
	if p != nil {
		p.write(w)
		return
	}
	writeJSON(w, http.StatusOK, body{"CSRString": string(csr), "CertificateCollection": link(certificatesPath)})
}

// newRequest makes a key and a signing request for it. The key waits for its certificate.
func (s *Service) newRequest(c *changes) ([]byte, *problem) {
	var template x509.CertificateRequest
	template.Subject.CommonName, _ = c.text("CommonName")
	for property, to := range map[string]*[]string{"Organization": &template.Subject.Organization, "OrganizationalUnit": &template.Subject.OrganizationalUnit,
		"City": &template.Subject.Locality, "State": &template.Subject.Province, "Country": &template.Subject.Country} {
		if text, ok := c.text(property); ok && text != "" {
			*to = []string{text}
		}
	}
	names, _ := c.list("AlternativeNames")
	where := c.reference("CertificateCollection")
	algorithm, hasAlgorithm := c.text("KeyPairAlgorithm")
	bits, hasBits := c.number("KeyBitLength")
	_, _ = c.list("KeyUsage")
	for _, ignored := range []string{"KeyCurveId", "Email", "ContactPerson", "GivenName", "Initials", "Surname", "UnstructuredName", "ChallengePassword"} {
		_, _ = c.text(ignored)
	}
	p := c.done()
	switch {
	case p != nil:
		return nil, p
	case template.Subject.CommonName == "":
		return nil, refuse(http.StatusBadRequest, msgParameterMissing, "GenerateCSR", "CommonName")
	case where != certificatesPath:
		return nil, refuse(http.StatusBadRequest, msgParameterNotInList, where, "CertificateCollection", "GenerateCSR")
	case hasAlgorithm && algorithm != "TPM_ALG_RSA" && algorithm != "TPM_ALG_ECDSA" && algorithm != "TPM_ALG_ECDH":
		return nil, refuse(http.StatusBadRequest, msgParameterNotInList, algorithm, "KeyPairAlgorithm", "GenerateCSR")
	case hasBits && algorithm == "TPM_ALG_RSA" && (bits < 2048 || bits > 4096):
		return nil, refuse(http.StatusBadRequest, msgParameterNotInList, "(length)", "KeyBitLength", "GenerateCSR")
	case len(names) > maxNames:
		return nil, refuse(http.StatusBadRequest, msgLimit)
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	return s.request(&template, algorithm == "TPM_ALG_RSA", max(bits, 2048))
}

func (s *Service) request(template *x509.CertificateRequest, isRSA bool, bits int) ([]byte, *problem) {
	var key crypto.Signer
	var err error
	if isRSA {
		key, err = rsa.GenerateKey(rand.Reader, bits)
	} else {
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	var der []byte
	if err == nil {
		der, err = x509.CreateCertificateRequest(rand.Reader, template, key)
	}
	if err != nil {
		return nil, refuse(http.StatusBadRequest, msgFormat, "(name)", "AlternativeNames")
	}
	s.keys.mu.Lock()
	s.keys.pending = key
	s.keys.mu.Unlock()
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}), nil
}

// replaceCertificate shows a chain from then on; its first certificate is for the key of the
// last signing request, or for the one in use.
func (s *Service) replaceCertificate(c *changes) *problem {
	text, given := c.text("CertificateString")
	kind, _ := c.text("CertificateType")
	where := c.reference("CertificateUri")
	if p := c.done(); p != nil {
		return p
	}
	switch {
	case !given:
		return refuse(http.StatusBadRequest, msgParameterMissing, "ReplaceCertificate", "CertificateString")
	case kind != "PEM" && kind != "PEMchain":
		return refuse(http.StatusBadRequest, msgParameterNotInList, kind, "CertificateType", "ReplaceCertificate")
	case where != ownCertificate:
		return refuse(http.StatusBadRequest, msgParameterNotInList, where, "CertificateUri", "ReplaceCertificate")
	}
	pair, err := s.match(text)
	if err != nil {
		p := refuse(http.StatusBadRequest, msgFormat, "(certificate)", "CertificateString")
		p.detail = err.Error()
		return p
	}
	if p := s.saveCertificate(pair); p != nil {
		return p
	}
	s.keys.mu.Lock()
	s.keys.used, s.keys.pending = &pair, nil
	s.keys.mu.Unlock()
	sum := sha256.Sum256(pair.Certificate[0])
	s.note(s.bmcLog, ownCertificate, hapCertificate, hex.EncodeToString(sum[:]))
	return nil
}
