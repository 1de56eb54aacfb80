package webhook

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"

	"rackwright/fault"
)

// The headers of a delivery (Standard Webhooks 1.0.0, "Webhook Headers").
const (
	HeaderID        = "Webhook-Id"
	HeaderTimestamp = "Webhook-Timestamp"
	HeaderSignature = "Webhook-Signature"
)

// secretPrefix lets people and scanners recognise a secret.
const secretPrefix = "whsec_"

// secretSize is that of the secrets we make, bytes; receivers may choose 24 to 64.
const secretSize = 32

// Tolerance is by how much the clocks of sender and receiver may differ, and how long
// somebody who read a delivery may send it again.
const Tolerance = 5 * time.Minute

// Signatures a receiver looks at: more would be an attack on its processor.
const mostSignatures = 10

// NewSecret makes a secret.
func NewSecret() string {
	b := make([]byte, secretSize)
	rand.Read(b) // never fails: crypto/rand
	return secretPrefix + base64.StdEncoding.EncodeToString(b)
}

func keyOf(secret string) ([]byte, error) {
	text, ok := strings.CutPrefix(strings.TrimSpace(secret), secretPrefix)
	key, err := base64.StdEncoding.DecodeString(text)
	if !ok || err != nil || len(key) < 24 || len(key) > 64 {
		return nil, fault.Invalidf("this is no secret of a webhook").WithHint("it is %s and the base64 of 24 to 64 bytes, as it was shown when the webhook was made", secretPrefix)
	}
	return key, nil
}

// Sign is the signature header: one signature for each secret, parted by spaces.
func Sign(id string, at time.Time, body []byte, secrets ...string) (string, error) {
	var out []string
	for _, s := range secrets {
		key, err := keyOf(s)
		if err != nil {
			return "", err
		}
		out = append(out, "v1,"+base64.StdEncoding.EncodeToString(sum(key, id, strconv.FormatInt(at.Unix(), 10), body)))
	}
	return strings.Join(out, " "), nil
}

func sum(key []byte, id, timestamp string, body []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(id + "." + timestamp + "."))
	h.Write(body)
	return h.Sum(nil)
}

// Verify is for receivers: it is nil when a delivery was signed with the secret, not long
// before now. It must be given the body as it came.
func Verify(secret string, header http.Header, body []byte, now time.Time) error {
	key, err := keyOf(secret)
	if err != nil {
		return err
	}
	id, timestamp := header.Get(HeaderID), header.Get(HeaderTimestamp)
	if id == "" || timestamp == "" || header.Get(HeaderSignature) == "" {
		return fault.Invalidf("the headers webhook-id, webhook-timestamp and webhook-signature are not all there")
	}
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil {
		return fault.Invalidf("webhook-timestamp is not a number of seconds")
	}
	if off := now.Sub(time.Unix(seconds, 0)); off > Tolerance || off < -Tolerance {
		return fault.Deniedf("the delivery was signed %s ago", off.Round(time.Second)).WithHint("is the clock right? If it is, somebody may have sent an old delivery again")
	}
	want := sum(key, id, timestamp, body)
	for i, one := range strings.Fields(header.Get(HeaderSignature)) {
		if i == mostSignatures {
			break
		}
		text, ok := strings.CutPrefix(one, "v1,")
		got, err := base64.StdEncoding.DecodeString(text)
		if ok && err == nil && hmac.Equal(got, want) {
			return nil
		}
	}
	return fault.Deniedf("no signature fits").WithHint("is it the secret of this webhook, and the body byte for byte?")
}
