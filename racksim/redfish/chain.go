package redfish

import (
	"bytes"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"

	"rackwright/fault"
)

// match reads a chain in PEM and finds the key of its first certificate.
func (s *Service) match(text string) (pair tls.Certificate, err error) {
	rest := []byte(text)
	for len(pair.Certificate) <= maxChain {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			return pair, fault.Invalidf("there is a %s among the certificates", block.Type)
		}
		pair.Certificate = append(pair.Certificate, block.Bytes)
	}
	if n := len(pair.Certificate); n == 0 || n > maxChain || len(bytes.TrimSpace(rest)) > 0 {
		return pair, fault.Invalidf("it is not a chain of 1 to %d certificates in PEM", maxChain)
	}
	for i, der := range pair.Certificate {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return pair, fault.Invalidf("certificate %d of the chain cannot be read", i+1)
		}
		if i == 0 {
			pair.Leaf = c
		}
	}
	for _, key := range s.keys.keys() {
		if public, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool }); ok && public.Equal(pair.Leaf.PublicKey) {
			pair.PrivateKey = key
			return pair, nil
		}
	}
	return pair, fault.Invalidf("the certificate is for another key than the one of the last signing request")
}

// saveCertificate keeps chain and key for the next start of racksim.
func (s *Service) saveCertificate(pair tls.Certificate) *problem {
	if s.SaveCertificate == nil {
		return nil
	}
	var chain []byte
	for _, der := range pair.Certificate {
		chain = append(chain, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err == nil {
		err = s.SaveCertificate(chain, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))
	}
	if err != nil {
		return fromFault(fault.Internalf("BMC certificate: %w", err))
	}
	return nil
}
