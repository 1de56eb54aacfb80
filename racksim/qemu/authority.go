package qemu

import (
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
)

// Signature lists (UEFI 2.10, 32.4.1). No owner is named.
const (
	listHeader = 28 // sizeof EFI_SIGNATURE_LIST
	owner      = 16 // GUID before a signature
)

// mostAuthorities bounds what is read of a file of certificates, in bytes.
const mostAuthorities = 64 << 10

// authorities are those of the rack file's PEM file, if it names one, and those that were
// enrolled through the BMC.
func authorities(file string, enrolled []byte) ([]byte, error) {
	if file == "" {
		return enrolled, nil
	}
	text, err := os.ReadFile(file)
	return append(append(text, '\n'), enrolled...), err
}

// setAuthorities writes the certificates of a PEM text where the firmware is given the
// authorities that its HTTPS trusts (OvmfPkg/Library/TlsAuthConfigLib).
func setAuthorities(text []byte, to string) error {
	var lists []byte
	for rest := text[:min(len(text), mostAuthorities)]; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			return fmt.Errorf("authorities of HTTPS: %w", err)
		}
		lists = append(lists, signatureList(block.Bytes)...)
	}
	if lists == nil {
		return errors.New("authorities of HTTPS: there is no certificate in PEM")
	}
	return replaceFile(to, lists)
}

// signatureList is a list of one certificate, EFI_CERT_X509_GUID.
func signatureList(der []byte) []byte {
	kind := guid("a5c059a1-94e4-4aa7-87b5-ab155c2bf072")
	b := binary.LittleEndian.AppendUint32(kind[:], uint32(listHeader+owner+len(der)))
	b = binary.LittleEndian.AppendUint32(b, 0)
	b = binary.LittleEndian.AppendUint32(b, uint32(owner+len(der)))
	return append(append(b, make([]byte, owner)...), der...)
}
