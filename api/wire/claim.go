package wire

import (
	"time"

	"rackwright/deploy"
	"rackwright/inventory"
)

// Claim asks for a machine's BMC to become ours.
type Claim struct {
	deploy.ClaimOrder
	Password string `json:"password,omitempty" writeOnly:"true" maxLength:"256" doc:"That it has now, where the plan does not say: the sticker's"`
	DryRun   bool   `json:"dry_run,omitempty" doc:"Only say which steps it would take"`
}

// KnownBMC is the BMC of a machine in a list.
type KnownBMC struct {
	Machine     string          `json:"machine"`
	ID          string          `json:"machine_id"`
	Rack        string          `json:"rack,omitempty"`
	Unit        int             `json:"u,omitempty"`
	Address     string          `json:"address"`
	MAC         inventory.MAC   `json:"mac,omitzero"`
	Username    string          `json:"username,omitempty"`
	Vendor      string          `json:"vendor,omitempty"`
	Firmware    string          `json:"firmware,omitempty" doc:"Of the BMC itself"`
	State       string          `json:"state" doc:"claimed or unclaimed; unreachable, denied and others: why it cannot be used"`
	Claimed     time.Time       `json:"claimed_at,omitzero"`
	Certificate string          `json:"certificate_sha256,omitempty" doc:"Pinned"`
	Power       inventory.Power `json:"power" enum:"on,off,unknown"`
	Seen        time.Time       `json:"seen_at,omitzero" doc:"When it last told the machine's identity or parts"`
	Exposed     []string        `json:"exposed,omitempty" nullable:"false" doc:"What lets others in: ipmi, account NAME"`
}

// Authority is whom to trust for the certificates of BMCs.
type Authority struct {
	Certificate string `json:"certificate" doc:"PEM"`
}

// BMCOverview is all that is known of a machine's BMC without asking it.
type BMCOverview struct {
	KnownBMC
	Line       *BMCLine `json:"line,omitempty" doc:"How things stand between the server that was asked and the BMC; none where it speaks to none"`
	Subscribed bool     `json:"subscribed" doc:"It pushes its events to us"`
	Hint       string   `json:"hint,omitempty" doc:"What to do where it cannot be used"`
}

// BMCLine is how things stand between a server process and a BMC.
type BMCLine struct {
	State   string    `json:"state" enum:"idle,open,silent,refused,elsewhere" doc:"silent: it does not answer, and sweeps wait; refused: it did not let us in, and nobody asks; elsewhere: another process has it"`
	Since   time.Time `json:"since,omitzero"`
	Owner   string    `json:"owner,omitempty" doc:"Server process that talks to the BMC"`
	Error   string    `json:"error,omitempty" doc:"The last one"`
	Hint    string    `json:"hint,omitempty"`
	Next    time.Time `json:"next,omitzero" doc:"When it is tried again by itself"`
	Waiting int       `json:"waiting" doc:"Calls that wait for their turn"`
	Busy    int       `json:"busy" doc:"Calls in flight"`
}
