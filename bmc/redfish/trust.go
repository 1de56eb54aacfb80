package redfish

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"slices"
	"strings"

	"rackwright/fault"
)

// maxAuthorities is how many certificates of HTTPS boot are looked at; real BMCs have room
// for fewer.
const maxAuthorities = 64

// enrolled is what we use of the Certificate schema.
type enrolled struct {
	resource
	CertificateString string
	Fingerprint       string
	Subject           struct{ CommonName string }
}

// is reports whether it is the authority: by the certificate itself, or by its SHA-256 where
// the BMC shows no more.
func (e enrolled) is(authority *x509.Certificate) bool {
	if der := e.der(); der != nil {
		return bytes.Equal(der, authority.Raw)
	}
	sum := sha256.Sum256(authority.Raw)
	return strings.EqualFold(strings.ReplaceAll(e.Fingerprint, ":", ""), hex.EncodeToString(sum[:]))
}

// names reports whether it is of the authority's subject.
func (e enrolled) names(authority *x509.Certificate) bool {
	if shown, err := x509.ParseCertificate(e.der()); err == nil {
		return bytes.Equal(shown.RawSubject, authority.RawSubject)
	}
	return e.Subject.CommonName != "" && e.Subject.CommonName == authority.Subject.CommonName
}

// der is the certificate, nil where the BMC does not show it.
func (e enrolled) der() []byte {
	if block, _ := pem.Decode([]byte(e.CertificateString)); block != nil && block.Type == "CERTIFICATE" {
		return block.Bytes
	}
	return nil
}

// TrustAuthority enrols the authority (ComputerSystem 1.7, Boot.Certificates) unless it is
// there, and reads it back. One of the same subject goes first: some BMCs have room for one.
func (c *Controller) TrustAuthority(ctx context.Context, authority *x509.Certificate) error {
	done, err := c.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	at, all, err := c.authorities(ctx)
	if err != nil {
		return c.explain("list the authorities of HTTPS boot", err)
	}
	is := func(e enrolled) bool { return e.is(authority) }
	for _, e := range all {
		if !is(e) && e.names(authority) {
			if err := c.delete(ctx, e.ODataID, "certificate", "remove it in the BIOS set-up, or restart the BMC"); err != nil {
				return err
			}
		}
	}
	if slices.ContainsFunc(all, is) {
		return nil
	}
	said, wrote := c.post(ctx, at, map[string]any{"CertificateType": "PEM",
		"CertificateString": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: authority.Raw}))})
	return c.verify(ctx, change{doing: "enrol an authority for HTTPS boot", wrote: wrote, task: said.task(), once: true, queued: true,
		look: func(ctx context.Context) (bool, error) {
			_, all, err := c.authorities(ctx)
			return slices.ContainsFunc(all, is), err
		},
		ignored: func() *fault.Error {
			return fault.Conflictf("BMC %s took the authority of HTTPS boot and does not list it", c.access.Address).
				WithHint("enrol it in the BIOS set-up; update the BMC's firmware")
		}})
}

// authorities reads what HTTPS boot trusts, and where more is enrolled.
func (c *Controller) authorities(ctx context.Context) (at string, all []enrolled, err error) {
	const what = "list of authorities for HTTPS boot"
	sys, err := c.read(ctx)
	if err != nil {
		return "", nil, err
	}
	if at = sys.Boot.Certificates.URI; at == "" {
		return "", nil, c.lacks(what)
	}
	all, err = members[enrolled](c.under(ctx), at, maxAuthorities)
	return at, all, c.missing(what, err)
}
