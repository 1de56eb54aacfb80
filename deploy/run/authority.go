package run

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"net"
	"time"

	"rackwright/fault"
)

// authority signs the certificates of BMCs.
type authority struct {
	certificate *x509.Certificate
	key         crypto.Signer
	chain       []byte // its certificate, PEM
}

// How long certificates are good for. A BMC's is pinned besides, and BMCs with a clock at
// 1970 are common: it begins a day ago, and nobody has to come back every year.
const (
	authorityYears = 30
	leafYears      = 10
	backdated      = 24 * time.Hour
)

// authority opens ours, made now if there is none.
func (j *job) authority(ctx context.Context) (*authority, error) {
	chain, key, err := j.w.Store.BMCAuthority(ctx, func() ([]byte, []byte, error) { return newAuthority(j.w.Now()) })
	if err != nil {
		return nil, err
	}
	return openAuthority(chain, key)
}

func openAuthority(chain, key []byte) (*authority, error) {
	c, k := der(chain, "CERTIFICATE"), der(key, "PRIVATE KEY")
	certificate, err := x509.ParseCertificate(c)
	if err != nil {
		return nil, fault.Internalf("the authority's certificate: %w", err)
	}
	private, err := x509.ParsePKCS8PrivateKey(k)
	signer, ok := private.(crypto.Signer)
	if err != nil || !ok {
		return nil, fault.Internalf("the authority's key cannot be read")
	}
	return &authority{certificate: certificate, key: signer, chain: chain}, nil
}

// newAuthority makes a certificate that signs others, and its key, both PEM.
func newAuthority(now time.Time) (certificate, key []byte, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fault.Internalf("authority: %w", err)
	}
	serial, err := serialNumber()
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: "Rackwright BMC authority"},
		NotBefore: now.Add(-backdated), NotAfter: now.AddDate(authorityYears, 0, 0), IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign}
	made, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		return nil, nil, fault.Internalf("authority: %w", err)
	}
	bytes, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, nil, fault.Internalf("authority: %w", err)
	}
	return toPEM("CERTIFICATE", made), toPEM("PRIVATE KEY", bytes), nil
}

// sign makes the certificate of a BMC from its signing request (PEM): its key, our words.
// The names it asked for are not taken over. It returns the chain and the SHA-256 of the
// BMC's own.
func (a *authority) sign(csr []byte, host string, now time.Time) (chain []byte, fingerprint string, err error) {
	request, err := x509.ParseCertificateRequest(der(csr, "CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"))
	if err == nil {
		err = request.CheckSignature()
	}
	if err != nil {
		return nil, "", fault.Conflictf("the BMC's signing request is none: %w", err).WithHint("claim it without --certificate: the one it has is pinned")
	}
	serial, err := serialNumber()
	if err != nil {
		return nil, "", err
	}
	template := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: host}, NotBefore: now.Add(-backdated), NotAfter: now.AddDate(leafYears, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true}
	if ip := net.ParseIP(host); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{host}
	}
	leaf, err := x509.CreateCertificate(rand.Reader, template, a.certificate, request.PublicKey, a.key)
	if err != nil {
		return nil, "", fault.Internalf("sign: %w", err)
	}
	sum := sha256.Sum256(leaf)
	return append(toPEM("CERTIFICATE", leaf), a.chain...), hex.EncodeToString(sum[:]), nil
}

// der is the first block of one of the types, nil when there is none.
func der(text []byte, types ...string) []byte {
	for {
		block, rest := pem.Decode(text)
		if block == nil {
			return nil
		}
		for _, t := range types {
			if block.Type == t {
				return block.Bytes
			}
		}
		text = rest
	}
}

func toPEM(kind string, bytes []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: bytes})
}

// serialNumber is random, positive and below 2^127 (RFC 5280 section 4.1.2.2 has 20 octets).
func serialNumber() (*big.Int, error) {
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, fault.Internalf("serial number: %w", err)
	}
	return n.Add(n, big.NewInt(1)), nil
}
