package bmc

import "context"

// Hands gives out Controllers by machine: whoever needs a BMC asks here and knows no
// credentials. The Controller is a share of the one session that the process has at that
// BMC: Close gives the share back. Waiting for a turn is bounded by ctx.
type Hands interface {
	Hand(ctx context.Context, machineID string) (Controller, error)
	// HandAs opens a session of its own, as somebody else: alone at the BMC until it is
	// closed. The certificate it shows is pinned as with Hand.
	HandAs(ctx context.Context, machineID string, a Access) (Controller, error)
}

type deliberateKey struct{}

// Deliberate says that the caller itself keeps account of what the BMC refused, as a claim
// does: HandAs asks the BMC although it refused the same before.
func Deliberate(ctx context.Context) context.Context {
	return context.WithValue(ctx, deliberateKey{}, true)
}

// IsDeliberate is what Deliberate said.
func IsDeliberate(ctx context.Context) bool { return ctx.Value(deliberateKey{}) != nil }

// Urgency orders those who wait for one BMC, and says how old an answer may be.
type Urgency int

// The urgencies.
const (
	Routine Urgency = iota // sweeps: waits for everybody else, takes cached answers
	Work                   // operations; what is read is read anew
	Human                  // a person waits: goes first
)

type urgencyKey struct{}

// WithUrgency says for whom calls are made; without, they are Work.
func WithUrgency(ctx context.Context, u Urgency) context.Context {
	return context.WithValue(ctx, urgencyKey{}, u)
}

// UrgencyOf is what WithUrgency said.
func UrgencyOf(ctx context.Context) Urgency {
	if u, ok := ctx.Value(urgencyKey{}).(Urgency); ok {
		return u
	}
	return Work
}
