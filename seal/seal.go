// Package seal keeps secrets unreadable at rest: sealed envelopes and derived keys
// from one key file. It stores nothing itself and decides nobody's access.
package seal

import (
	"crypto/cipher"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strings"

	"golang.org/x/crypto/chacha20poly1305"

	"rackwright/fault"
)

// version opens every envelope: rw1 is XChaCha20-Poly1305 with a 24-byte random nonce.
const version = "rw1"

// KeySize is the length of a key file in bytes.
const KeySize = 32

// maxEnvelope bounds what Open reads: secrets are small.
const maxEnvelope = 1 << 20

// Key seals, opens and derives. It prints as its id only. The zero Key is unusable.
type Key struct {
	secret [KeySize]byte
	id     string
	aead   cipher.AEAD
}

// NewKey makes a Key of 32 secret bytes. The cipher's key and the id are derived from
// them (HKDF, RFC 5869), so the bytes themselves are never used twice.
func NewKey(secret []byte) (*Key, error) {
	if len(secret) != KeySize {
		return nil, fault.Invalidf("a sealing key has %d bytes, not %d", KeySize, len(secret))
	}
	k := &Key{}
	copy(k.secret[:], secret)
	k.id = hex.EncodeToString(k.Derive("seal key id")[:4])
	aead, err := chacha20poly1305.NewX(k.Derive("seal " + version))
	if err != nil {
		return nil, fault.Internalf("sealing cipher: %w", err)
	}
	k.aead = aead
	return k, nil
}

// ID is eight hexadecimal digits that tell keys apart and reveal nothing of them.
func (k *Key) ID() string { return k.id }

// Seal encrypts plain for one place, named by context (like "bmc/<machine id>/password").
// The envelope is "rw1.<key id>.<base64url of nonce and ciphertext>"; it opens only with
// the same key and the same context, so nobody can move it to another row.
func (k *Key) Seal(plain []byte, context string) string {
	nonce := make([]byte, k.aead.NonceSize(), k.aead.NonceSize()+len(plain)+k.aead.Overhead())
	rand.Read(nonce) // never fails: crypto/rand
	box := k.aead.Seal(nonce, nonce, plain, k.bound(context))
	return k.head() + base64.RawURLEncoding.EncodeToString(box)
}

// Open returns what Seal was given. A foreign key or context and a damaged envelope are
// Denied, text that is no envelope is Invalid.
func (k *Key) Open(sealed, context string) ([]byte, error) {
	body, err := k.body(sealed)
	if err != nil {
		return nil, err
	}
	box, err := base64.RawURLEncoding.Strict().DecodeString(body)
	if err != nil || len(box) < k.aead.NonceSize()+k.aead.Overhead() {
		return nil, fault.Invalidf("sealed value for %s is cut or damaged", context).WithHint("enter the secret again")
	}
	plain, err := k.aead.Open(nil, box[:k.aead.NonceSize()], box[k.aead.NonceSize():], k.bound(context))
	if err != nil {
		return nil, fault.Deniedf("sealed value for %s does not open: it was changed or belongs elsewhere", context).
			WithHint("enter the secret again")
	}
	return plain, nil
}

// body checks the envelope's version and key id and returns the rest.
func (k *Key) body(sealed string) (string, error) {
	parts := strings.Split(sealed, ".")
	if len(sealed) > maxEnvelope || len(parts) != 3 || parts[0] != version {
		return "", fault.Invalidf("this is no sealed value of version %s", version).WithHint("enter the secret again")
	}
	if parts[1] != k.id {
		return "", fault.Deniedf("sealed with key %.8q, but the key in use is %s", parts[1], k.id).
			WithHint("put back the key file the value was sealed with, or enter the secret again")
	}
	return parts[2], nil
}

func (k *Key) head() string { return version + "." + k.id + "." }

// bound is the associated data: the envelope's head and the place it belongs to.
func (k *Key) bound(context string) []byte { return []byte(k.head() + context) }

// Derive returns 32 bytes for another purpose (HKDF-SHA256): the same for the same key
// and purpose, unrelated for any other, and no way back to the key.
func (k *Key) Derive(purpose string) []byte {
	out, err := hkdf.Key(sha256.New, k.secret[:], nil, "rackwright/"+purpose, KeySize)
	if err != nil {
		panic("seal: HKDF of 32 bytes cannot fail: " + err.Error()) // only a length above 8160 bytes fails (RFC 5869 2.3)
	}
	return out
}

// Signer returns the Ed25519 key of a purpose, derived as by Derive: what one server signs
// every server with the same key signs alike.
func (k *Key) Signer(purpose string) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(k.Derive(purpose))
}

// String prints the key's id.
func (k *Key) String() string {
	if k == nil {
		return "no key"
	}
	return "key " + k.id
}

// GoString is String: %#v shows no secret.
func (k *Key) GoString() string { return k.String() }

// Format prints String for every verb; %x would otherwise walk the fields.
func (k *Key) Format(f fmt.State, _ rune) { fmt.Fprint(f, k.String()) }

// LogValue is what log/slog writes.
func (k *Key) LogValue() slog.Value { return slog.StringValue(k.String()) }
