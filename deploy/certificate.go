package deploy

import (
	"cmp"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"

	"rackwright/fault"
	"rackwright/inventory"
)

// CertificateVersion is that of the certificate's form.
const CertificateVersion = 1

// Certificate says that one disk was emptied, how, and what was found on it afterwards.
type Certificate struct {
	Version   int              `json:"version"`
	ID        string           `json:"id"`
	Machine   CertifiedMachine `json:"machine"`
	Disk      CertifiedDisk    `json:"disk"`
	Method    string           `json:"method" doc:"What emptied it, e.g. nvme-sanitize-crypto"`
	Pattern   string           `json:"pattern" doc:"What its samples read as: zeros, ones, random, changed"`
	Samples   int              `json:"samples" doc:"Places that were read before and afterwards"`
	Began     time.Time        `json:"began_at"`
	Ended     time.Time        `json:"ended_at"`
	Tried     []string         `json:"tried,omitempty" nullable:"false" doc:"Methods that did not empty it, and why"`
	Residual  []string         `json:"residual,omitempty" nullable:"false" doc:"What the method does not reach"`
	Operation string           `json:"operation"`
	Actor     string           `json:"actor" doc:"Who asked for it"`
	Key       string           `json:"key" doc:"Id of the issuer's key"`
}

// CertifiedMachine is the machine a disk was in.
type CertifiedMachine struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Vendor   string `json:"vendor,omitempty"`
	Product  string `json:"product,omitempty"`
	Serial   string `json:"serial,omitempty"`
	UUID     string `json:"uuid,omitempty"`
	AssetTag string `json:"asset_tag,omitempty"`
}

// CertifiedDisk is the disk.
type CertifiedDisk struct {
	Serial  string `json:"serial,omitempty"`
	WWN     string `json:"wwn,omitempty"`
	Model   string `json:"model,omitempty"`
	Type    string `json:"type,omitempty"`
	BusPath string `json:"bus_path,omitempty"`
	Bytes   int64  `json:"bytes"`
}

// Certified is what is told of a disk in a certificate.
func Certified(d inventory.Disk) CertifiedDisk {
	return CertifiedDisk{Serial: strings.TrimSpace(d.Serial), WWN: d.WWN, Model: d.Model, Type: d.Type, BusPath: d.BusPath, Bytes: d.Bytes}
}

// Label names the disk for people.
func (d CertifiedDisk) Label() string { return cmp.Or(d.Serial, d.WWN, d.BusPath, d.Model) }

// Of reports whether the certificate is about the disk.
func (c *Certificate) Of(d inventory.Disk) bool {
	return d.Same(inventory.Disk{Serial: c.Disk.Serial, WWN: c.Disk.WWN, BusPath: c.Disk.BusPath, Bytes: c.Disk.Bytes})
}

// SignedCertificate is a certificate and the Ed25519 signature (RFC 8032) of its canonical
// bytes. The public key is there for convenience: who verifies compares it with the one
// they know.
type SignedCertificate struct {
	Certificate Certificate `json:"certificate"`
	Signature   []byte      `json:"signature"`
	PublicKey   string      `json:"public_key"`
}

// CertificateID names the certificate of a disk that an order emptied: doing the order
// once gives one certificate, however often it is told.
func CertificateID(order string, d CertifiedDisk) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{"certificate", order, d.Serial, d.WWN, d.BusPath}, "\x00")))
	return hex.EncodeToString(sum[:16])
}

// KeyID tells public keys apart: the first 16 hexadecimal digits of the key's SHA-256.
func KeyID(k ed25519.PublicKey) string {
	sum := sha256.Sum256(k)
	return hex.EncodeToString(sum[:8])
}

const keyPrefix = "ed25519:"

// KeyText is a public key as people pass it on.
func KeyText(k ed25519.PublicKey) string { return keyPrefix + base64.StdEncoding.EncodeToString(k) }

// ParseKey reads it.
func ParseKey(s string) (ed25519.PublicKey, error) {
	text, ok := strings.CutPrefix(strings.TrimSpace(s), keyPrefix)
	b, err := base64.StdEncoding.DecodeString(text)
	if !ok || err != nil || len(b) != ed25519.PublicKeySize {
		return nil, fault.Invalidf("%.20q is no public key", s).WithHint("give what 'rackwright certificate key' prints: %s and 44 characters", keyPrefix)
	}
	return b, nil
}

// Sign signs a certificate.
func Sign(c Certificate, key ed25519.PrivateKey) (*SignedCertificate, error) {
	public := key.Public().(ed25519.PublicKey)
	c.Version, c.Key = CertificateVersion, KeyID(public)
	text, err := json.Marshal(c)
	if err != nil {
		return nil, fault.Internalf("certificate: %w", err)
	}
	b, err := canonical(text)
	if err != nil {
		return nil, fault.Internalf("certificate: %w", err)
	}
	return &SignedCertificate{Certificate: c, Signature: ed25519.Sign(key, b), PublicKey: KeyText(public)}, nil
}

// VerifyCertificate reads a signed certificate, however its JSON is laid out, and checks
// it against the issuer's key. Denied: it was changed, or somebody else signed it.
func VerifyCertificate(text []byte, key ed25519.PublicKey) (*Certificate, error) {
	var in struct {
		Certificate json.RawMessage `json:"certificate"`
		Signature   []byte          `json:"signature"`
		PublicKey   string          `json:"public_key"`
	}
	if err := json.Unmarshal(text, &in); err != nil || len(in.Certificate) == 0 {
		return nil, fault.Invalidf("this is no certificate").WithHint("give the JSON of 'rackwright certificate show ID -o json'")
	}
	var c Certificate
	if err := json.Unmarshal(in.Certificate, &c); err != nil {
		return nil, fault.Invalidf("the certificate cannot be read: %w", err)
	}
	if c.Version != CertificateVersion {
		return nil, fault.Invalidf("the certificate has version %d, this program knows %d", c.Version, CertificateVersion).WithHint("use a newer rackwright")
	}
	b, err := canonical(in.Certificate)
	if err != nil {
		return nil, fault.Invalidf("the certificate cannot be read: %w", err)
	}
	if ed25519.Verify(key, b, in.Signature) {
		return &c, nil
	}
	if other, err := ParseKey(in.PublicKey); err == nil && !other.Equal(key) && ed25519.Verify(other, b, in.Signature) {
		return nil, fault.Deniedf("the certificate was signed with the key %s, not with %s", KeyID(other), KeyID(key)).
			WithHint("if that is an older key of your server, verify with --key; else somebody else made it")
	}
	return nil, fault.Deniedf("the signature of certificate %s does not fit: it was changed", cmp.Or(c.ID, "without id")).WithHint("fetch it again: 'rackwright certificate show ID -o json'")
}
