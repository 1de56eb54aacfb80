package wire

import (
	"time"

	"rackwright/access"
)

// Whoami is who is asking, and what it may.
type Whoami struct {
	access.Caller
	Rights []access.Right `json:"rights" nullable:"false" doc:"Within its scope; docs/running/access.md says what each is for"`
}

// TokenGiven is a token with its secret, which is told once.
type TokenGiven struct {
	access.Token
	Secret string `json:"secret,omitempty" doc:"What is sent as 'Authorization: Bearer SECRET'; only its hash is kept"`
}

// TokenRotation is how long a token is to be good with its new secret.
type TokenRotation struct {
	Expires time.Time `json:"expires_at,omitzero" doc:"Absent: as long as before"`
}
