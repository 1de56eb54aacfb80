package deploy

import (
	"time"

	"rackwright/fault"
)

// ClaimOrder is how a BMC is to become ours. Passwords stand in the store, sealed, never
// in an order.
type ClaimOrder struct {
	Confirm         bool `json:"confirm,omitempty" doc:"The BMC or its board was replaced: what was pinned is forgotten"`
	KeepPassword    bool `json:"keep_password,omitempty" doc:"Do not change the password"`
	Certificate     bool `json:"certificate,omitempty" doc:"Install a certificate of our own authority"`
	DisableAccounts bool `json:"disable_accounts,omitempty" doc:"Disable all accounts but ours"`
	DisableIPMI     bool `json:"disable_ipmi,omitempty" doc:"Switch IPMI over LAN off"`
}

// The steps of a claim.
const (
	StepLogin       StepName = "login"       // a login that the BMC takes is known
	StepMatch       StepName = "match"       // it is the BMC of the machine in the plan
	StepSecret      StepName = "secret"      // its password is one that only we know
	StepCertificate StepName = "certificate" // it shows a certificate of our authority
	StepClock       StepName = "clock"       // it has the time
	StepExposure    StepName = "exposure"    // what else lets people in is closed, or reported
	StepPlace       StepName = "place"       // it knows its rack and unit, where it can
)

// planClaim: the password is changed before anything else is, so that a claim that parks
// later leaves a BMC that only we open.
func planClaim(s Subject) ([]Step, error) {
	if s.Machine.BMC == nil {
		return nil, fault.Conflictf("%s has no BMC", s.Machine.Name).WithHint("give it a bmc in the plan")
	}
	if s.Order.Claim == nil {
		return nil, fault.Invalidf("claim %s: how?", s.Machine.Name).WithHint("an order of kind claim has a claim")
	}
	secret := "new password"
	if s.Order.Claim.KeepPassword {
		secret = "password kept"
	}
	steps := []Step{
		step(StepLogin, "log in", 10, 30*time.Minute),
		step(StepMatch, "identity", 5, 15*time.Minute),
		step(StepSecret, secret, 5, 30*time.Minute),
	}
	if s.Order.Claim.Certificate {
		steps = append(steps, step(StepCertificate, "certificate", 5, 30*time.Minute))
	}
	return append(steps,
		step(StepClock, "clock", 3, 15*time.Minute),
		step(StepExposure, "accounts and services", 3, 15*time.Minute),
		step(StepPlace, "place", 3, 15*time.Minute),
		step(StepSettle, "claimed", 5, 5*time.Minute)), nil
}

// Refused notes that a login was refused during this turn of the operation. BMCs lock
// accounts: it is not tried again until a person has a parked claim retried.
func (s *Step) Refused(login string) { s.Tried = append(s.Tried, login) }

// Was reports whether a login was refused.
func (s *Step) Was(login string) bool {
	for _, t := range s.Tried {
		if t == login {
			return true
		}
	}
	return false
}

// Find returns the step of a name, nil when there is none.
func (o *Operation) Find(name StepName) *Step {
	for i := range o.Steps {
		if o.Steps[i].Name == name {
			return &o.Steps[i]
		}
	}
	return nil
}
