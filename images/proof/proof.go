// Package proof says whose signature a file carries: minisign, or cosign sign-blob with an
// ECDSA P-256 key. Which keys are trusted is given to it; what follows from a signature is
// for others to say.
package proof

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"hash"
	"io"
	"os"

	"aead.dev/minisign"

	"rackwright/fault"
)

// maxKey bounds a key file, maxSignature a signature. Bytes.
const (
	maxKey       = 16 << 10
	maxSignature = 4 << 10
)

// Keys are the public keys that are trusted.
type Keys struct {
	mini []minisign.PublicKey
	ec   []*ecdsa.PublicKey
}

// Load reads public keys from files: a minisign key, or PEM of an ECDSA P-256 key.
func Load(paths []string) (*Keys, error) {
	k := &Keys{}
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			return nil, fault.Invalidf("trusted key: %w", err).WithHint("correct images.trusted_keys in the configuration")
		}
		text, err := io.ReadAll(io.LimitReader(f, maxKey))
		f.Close()
		if err == nil {
			err = k.Add(text)
		}
		if err != nil {
			return nil, fault.Invalidf("trusted key %s: %w", path, err).WithHint("a minisign public key (minisign.pub), or a cosign public key (cosign.pub, ECDSA P-256)")
		}
	}
	return k, nil
}

// Add trusts one more key, given as the text of its file.
func (k *Keys) Add(text []byte) error {
	if block, _ := pem.Decode(text); block != nil {
		return k.addPEM(block)
	}
	var key minisign.PublicKey
	if err := key.UnmarshalText(bytes.TrimSpace(text)); err != nil {
		return fault.Invalidf("it is neither a minisign public key nor PEM")
	}
	k.mini = append(k.mini, key)
	return nil
}

func (k *Keys) addPEM(block *pem.Block) error {
	if block.Type != "PUBLIC KEY" {
		return fault.Invalidf("it is PEM of a %.40s, not of a public key", block.Type)
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return fault.Invalidf("it is no public key: %w", err)
	}
	key, ok := parsed.(*ecdsa.PublicKey)
	if !ok || key.Curve != elliptic.P256() {
		return fault.Invalidf("it is no ECDSA P-256 key")
	}
	k.ec = append(k.ec, key)
	return nil
}

// Len is how many keys are trusted.
func (k *Keys) Len() int { return len(k.mini) + len(k.ec) }

// Judge reads along while a file comes in, and says at its end who signed it.
type Judge struct {
	keys      *Keys
	signature []byte
	mini      *minisign.Reader // of everything written, by way of feed
	feed      feed
	sum       hash.Hash
}

// Judge returns the judge of one file by its detached signature: the text of a .minisig
// file, or base64 of an ECDSA signature of the file's SHA-256 as cosign sign-blob prints
// it. A signature that cannot be one of these is Invalid.
func (k *Keys) Judge(signature string) (*Judge, error) {
	j := &Judge{keys: k, sum: sha256.New()}
	text := bytes.TrimSpace([]byte(signature))
	if len(text) > maxSignature {
		return nil, fault.Invalidf("the signature has %d bytes", len(text)).WithHint("give a detached signature: minisign, or cosign sign-blob")
	}
	var mini minisign.Signature
	if err := mini.UnmarshalText(text); err == nil {
		if mini.Algorithm != minisign.HashEdDSA {
			return nil, fault.Invalidf("the minisign signature is of the old kind, not of a hash").WithHint("sign again with minisign -H, the default since version 0.10")
		}
		j.signature, j.mini = text, minisign.NewReader(&j.feed)
		return j, nil
	}
	der, err := base64.StdEncoding.DecodeString(string(text))
	if err != nil || len(der) < 8 || len(der) > 72 || der[0] != 0x30 { // ASN.1 SEQUENCE of two integers
		return nil, fault.Invalidf("the signature is neither of minisign nor of cosign sign-blob").WithHint("give the text of the .minisig file, or the base64 that cosign sign-blob prints")
	}
	j.signature = der
	return j, nil
}

// Write reads along; it never fails.
func (j *Judge) Write(p []byte) (int, error) {
	if j.mini == nil {
		return j.sum.Write(p)
	}
	j.feed.rest = p
	for len(j.feed.rest) > 0 {
		var buf [32 << 10]byte
		if _, err := j.mini.Read(buf[:]); err != nil {
			return 0, fault.Internalf("minisign: %w", err)
		}
	}
	return len(p), nil
}

// feed gives a reader what is written.
type feed struct{ rest []byte }

func (f *feed) Read(p []byte) (int, error) {
	n := copy(p, f.rest)
	f.rest = f.rest[n:]
	return n, nil
}

// Verdict says which key signed what was written. Denied when none that is trusted did.
func (j *Judge) Verdict() (string, error) {
	if j.mini != nil {
		for _, key := range j.keys.mini {
			if j.mini.Verify(key, j.signature) {
				return fmt.Sprintf("minisign:%016X", key.ID()), nil
			}
		}
	} else {
		for _, key := range j.keys.ec {
			if ecdsa.VerifyASN1(key, j.sum.Sum(nil), j.signature) {
				return KeyID(key), nil
			}
		}
	}
	return "", fault.Deniedf("the signature is not that of this file by any of the %d trusted keys", j.keys.Len()).
		WithHint("fetch file and signature again; trusted keys are images.trusted_keys in the server's configuration")
}

// KeyID names an ECDSA key by the SHA-256 of its DER form.
func KeyID(key *ecdsa.PublicKey) string {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return "ecdsa"
	}
	sum := sha256.Sum256(der)
	return "ecdsa:" + hex.EncodeToString(sum[:8])
}
