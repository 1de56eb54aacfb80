// Package ticket says who may fetch chunks: a line of text that the server signs and any
// cache can check with the public key alone. It hides nothing and remembers no secret.
package ticket

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"strings"
	"time"

	"rackwright/fault"
)

// Ticket lets its holder fetch chunks until a time.
type Ticket struct {
	Holder string // for whom it was made: an operation's id, or a cache's name
	Until  time.Time
}

// Purpose is what the signing key is derived for.
const Purpose = "chunks"

// Bounds of a ticket's text.
const (
	maxText   = 512
	maxHolder = 128
)

// signed is what stands before a ticket's bytes when they are signed, so that no other
// signature of the key is a ticket.
const signed = "rackwright chunk ticket 1\n"

// New makes the text of a ticket: its bytes and their Ed25519 signature, in base64url with a
// dot between. The bytes are the end in Unix seconds (64 bits, big endian) and the holder.
func New(key ed25519.PrivateKey, t Ticket) string {
	body := append(binary.BigEndian.AppendUint64(nil, uint64(t.Until.Unix())), t.Holder[:min(len(t.Holder), maxHolder)]...)
	return base64.RawURLEncoding.EncodeToString(body) + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(key, append([]byte(signed), body...)))
}

// Check returns the ticket that a text is. Denied: it is none of this key, or is over.
func Check(key ed25519.PublicKey, text string, now time.Time) (Ticket, error) {
	t, err := read(key, text)
	if err == nil && !now.Before(t.Until) {
		err = refused("is over since " + t.Until.UTC().Format(time.RFC3339))
	}
	return t, err
}

func read(key ed25519.PublicKey, text string) (Ticket, error) {
	left, right, _ := strings.Cut(text, ".")
	strict := base64.RawURLEncoding.Strict()
	body, err := strict.DecodeString(left)
	signature, err2 := strict.DecodeString(right)
	switch {
	case len(text) > maxText || err != nil || err2 != nil || len(body) < 8 || len(body) > 8+maxHolder:
		return Ticket{}, refused("cannot be read")
	case len(key) != ed25519.PublicKeySize || !ed25519.Verify(key, append([]byte(signed), body...), signature):
		return Ticket{}, refused("was not made by this service")
	}
	return Ticket{Holder: string(body[8:]), Until: time.Unix(int64(binary.BigEndian.Uint64(body)), 0)}, nil
}

func refused(why string) error {
	return fault.Deniedf("the ticket for chunks %s", why).WithHint("take the order again: each brings a new ticket")
}
