package wire

import (
	"rackwright/bmc"
	"rackwright/deploy"
)

// Manage asks for one change at a BMC.
type Manage struct {
	deploy.BMCOrder
	DryRun bool `json:"dry_run,omitempty" doc:"Only say which steps it would take"`
}

// Booting is what a machine starts: now, by itself, and which of it Secure Boot lets run.
type Booting struct {
	Next       bmc.Boot         `json:"next" doc:"The override in force"`
	Order      []bmc.BootOption `json:"order,omitempty" nullable:"false" doc:"The machine's own boot order"`
	SecureBoot *bmc.SecureBoot  `json:"secure_boot,omitempty"`
}
