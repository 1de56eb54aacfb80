package deploy

import "rackwright/fault"

// ClaimOrder is how a BMC is to become ours. Passwords stand in the store, sealed, never
// in an order.
type ClaimOrder struct {
	Confirm         bool `json:"confirm,omitempty" doc:"The BMC or its board was replaced: what was pinned is forgotten"`
	KeepPassword    bool `json:"keep_password,omitempty" doc:"Do not change the password"`
	Certificate     bool `json:"certificate,omitempty" doc:"Install a certificate of our own authority"`
	DisableAccounts bool `json:"disable_accounts,omitempty" doc:"Disable all accounts but ours"`
	DisableIPMI     bool `json:"disable_ipmi,omitempty" doc:"Switch IPMI over LAN off"`
}

func planClaim(s Subject) ([]Step, error) {
	return nil, fault.Invalidf("claim %s: not yet", s.Machine.Name)
}
