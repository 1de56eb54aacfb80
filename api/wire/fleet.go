package wire

import "rackwright/fleet"

// RolloutStart asks for a rollout: what a deployment of one machine asks for, and for whom.
type RolloutStart struct {
	Name string `json:"name" minLength:"1" maxLength:"63" pattern:"^[a-z0-9][a-z0-9._-]*$"`
	Deploy
	fleet.Terms
}

// CampaignStart asks for a firmware campaign.
type CampaignStart struct {
	Name      string `json:"name" minLength:"1" maxLength:"63" pattern:"^[a-z0-9][a-z0-9._-]*$"`
	File      string `json:"file,omitempty" maxLength:"63" doc:"A file's name; absent: each machine's baseline"`
	Downgrade bool   `json:"downgrade,omitempty" doc:"Also where a machine is ahead of its baseline"`
	DryRun    bool   `json:"dry_run,omitempty" doc:"Only say whom it would update in which waves"`
	fleet.Terms
}
