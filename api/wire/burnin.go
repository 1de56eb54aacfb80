package wire

import (
	"time"

	"rackwright/deploy"
)

// BurnIn asks to work a machine hard and count what goes wrong.
type BurnIn struct {
	deploy.BurnOrder
	Overwrite []string `json:"overwrite,omitempty" nullable:"false" maxItems:"64" doc:"Serials of disks whose data, whatever it is, is given up, when disks are written"`
	DryRun    bool     `json:"dry_run,omitempty" doc:"Only say which steps it would take"`
}

// BurnReport is a burn-in of a machine beside those of its siblings.
type BurnReport struct {
	Machine   string                `json:"machine" doc:"Machine id"`
	Name      string                `json:"machine_name"`
	Model     string                `json:"model,omitempty"`
	Batch     string                `json:"batch,omitempty"`
	Operation string                `json:"operation"`
	State     deploy.BurnState      `json:"state" enum:"waiting,running,passed,failed,given-up"`
	Order     deploy.BurnOrder      `json:"order"`
	Seconds   int                   `json:"seconds" doc:"Of work that was done"`
	Restarts  int                   `json:"restarts" doc:"How often the machine restarted by itself"`
	Silences  int                   `json:"silences" doc:"How often it fell silent and was netbooted again"`
	Wrong     []string              `json:"wrong" nullable:"false" doc:"What went wrong, one line each"`
	Notes     []string              `json:"notes" nullable:"false" doc:"What is no error"`
	Figures   []deploy.BurnCompared `json:"figures" nullable:"false"`
	Siblings  int                   `json:"siblings" doc:"Other machines of its model and batch that were burned in"`
	Began     time.Time             `json:"began_at"`
	Ended     time.Time             `json:"ended_at,omitzero"`
}
