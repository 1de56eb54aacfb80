package access

import (
	"crypto/rand"
	"encoding/base32"
	"regexp"
	"strings"
	"time"

	"rackwright/fault"
)

// Opening is a session that is to be opened: a token of somebody who showed who they are
// otherwise, for hours.
type Opening struct {
	Name    string // as the journal and the audit name it; its colon is in no name that an admin gives
	Door    Door
	Role    Role
	Scope   Scope
	Expires time.Time
	Owner   string    // the person
	Subject string    // the person, as the identity provider never names another
	Once    string    // names what was shown: it opens one session
	Until   time.Time // that long it could be shown again
}

// LoginTerms is what a person's program needs to know to log in.
type LoginTerms struct {
	Issuer   string   `json:"issuer" doc:"The OIDC provider; empty: people have tokens here"`
	ClientID string   `json:"client_id,omitempty"`
	Scopes   []string `json:"scopes,omitempty"`
	CA       string   `json:"ca,omitempty" doc:"Whom else to trust as the provider, PEM"`
	Exchange bool     `json:"exchange,omitempty" doc:"The server fetches the ID token: send it the code"`
}

// LoginProof is what a person brings back from the provider: an ID token, or a code where
// the server fetches the token itself.
type LoginProof struct {
	IDToken  string `json:"id_token,omitempty" maxLength:"16384" doc:"Of the provider, not older than ten minutes, shown here for the first time"`
	Nonce    string `json:"nonce,omitempty" maxLength:"128" doc:"That the token was asked for with; 16 characters at least, another each time"`
	Code     string `json:"code,omitempty" maxLength:"4096" doc:"Instead of an ID token, where the terms say exchange"`
	Verifier string `json:"code_verifier,omitempty" maxLength:"128" doc:"Of the code (RFC 7636)"`
	Redirect string `json:"redirect_uri,omitempty" maxLength:"256" doc:"Of the code"`
}

// RackCode is what a technician's device shows, once, to be let work on a rack. The code
// itself is told when it is made.
type RackCode struct {
	ID      string    `json:"id"`
	Rack    string    `json:"rack"`
	For     string    `json:"for,omitempty" doc:"The technician; absent: whoever uses it says who they are"`
	Created time.Time `json:"created_at"`
	By      string    `json:"created_by"`
	Expires time.Time `json:"expires_at" doc:"Until when it can be used, once"`
	Giver   string    `json:"-"` // id of the token or session that gave it
}

// LongestDevice bounds the session of a technician's device.
const LongestDevice = 8 * time.Hour

var personForm = regexp.MustCompile(`^[\p{L}\p{N}][\p{L}\p{N} @._'-]{0,63}$`)

// CheckPerson is Invalid for what is no name of a person.
func CheckPerson(name string) error {
	if personForm.MatchString(name) && strings.TrimSpace(name) == name {
		return nil
	}
	return &fault.Error{Kind: fault.Invalid, Message: "this is no name of a person", Hint: "letters, digits, spaces and @._'- are, 64 at most",
		Fields: []fault.Field{{Path: "body.name", Message: "is no name of a person"}}}
}

// codePrefix stands before a rack's code in its QR code.
const codePrefix = "rw:door:"

// NewCode makes a code of 80 random bits, in groups that can be read out.
func NewCode() string {
	var b [10]byte
	rand.Read(b[:])
	s := base32.StdEncoding.EncodeToString(b[:])
	return s[:4] + "-" + s[4:8] + "-" + s[8:12] + "-" + s[12:]
}

// CodeText is what a code's QR code says.
func CodeText(code string) string { return codePrefix + code }

var codeForm = regexp.MustCompile(`^[A-Z2-7]{16}$`)

// ReadCode reads a code as it was typed or scanned, in one form; false for what is none.
func ReadCode(text string) (string, bool) {
	if len(text) > 64 {
		return "", false
	}
	text = strings.TrimPrefix(strings.ToUpper(strings.TrimSpace(text)), strings.ToUpper(codePrefix))
	text = strings.NewReplacer("-", "", " ", "", "0", "O", "1", "I").Replace(text)
	return text, codeForm.MatchString(text)
}
