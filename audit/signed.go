package audit

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"time"

	"rackwright/fault"
)

// Anchor is a head that a server has signed: whoever kept one can show that this server
// had that chain at that time.
type Anchor struct {
	Seq       int64     `json:"seq"`
	Hash      string    `json:"hash"`
	At        time.Time `json:"at" doc:"When it was signed"`
	Key       string    `json:"key,omitempty" doc:"Public Ed25519 key, hexadecimal"`
	Signature string    `json:"signature,omitempty" doc:"Ed25519 over the form of RFC 8785 without this member, base64"`
}

// Head is the place that it anchors.
func (a Anchor) Head() Head { return Head{a.Seq, a.Hash} }

// Sign anchors a head.
func Sign(h Head, at time.Time, key ed25519.PrivateKey) (Anchor, error) {
	a := Anchor{Seq: h.Seq, Hash: h.Hash, At: at.UTC().Truncate(time.Microsecond), Key: hex.EncodeToString(key.Public().(ed25519.PublicKey))}
	text, err := Canonical(a)
	if err != nil {
		return a, err
	}
	a.Signature = base64.StdEncoding.EncodeToString(ed25519.Sign(key, text))
	return a, nil
}

// Verify says whether the signature is by key; "" is the key that the anchor itself names.
func (a Anchor) Verify(key string) error {
	if key != "" && key != a.Key {
		return fault.Invalidf("the head was signed with another key").WithHint("'rackwright audit head -o json' shows the server's")
	}
	public, err := hex.DecodeString(a.Key)
	signature, bad := base64.StdEncoding.DecodeString(a.Signature)
	if err != nil || bad != nil || len(public) != ed25519.PublicKeySize {
		return fault.Invalidf("the head has no signature that can be read")
	}
	a.Signature = ""
	text, err := Canonical(a)
	if err != nil {
		return err
	}
	if !ed25519.Verify(public, text, signature) {
		return fault.Invalidf("the head's signature is wrong: it was changed after it was signed")
	}
	return nil
}
