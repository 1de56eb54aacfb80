package wire

import "rackwright/deploy/rollout"

// RolloutStart asks for a rollout: what a deployment of one machine asks for, and for whom.
type RolloutStart struct {
	Name string `json:"name" minLength:"1" maxLength:"63" pattern:"^[a-z0-9][a-z0-9._-]*$"`
	Deploy
	rollout.Terms
}
