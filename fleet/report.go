package fleet

import "time"

// Stage is how far the work on a machine is, as far as it weighs on others.
type Stage string

// The stages.
const (
	Boot   Stage = "boot"   // from its order until bytes of the image come
	Write  Stage = "write"  // it draws on the network
	Finish Stage = "finish" // the image is there: read back, first boot
)

// Report is what became of a member that was begun, or was to be. Its state is Running,
// Done, Failed (ended badly, or stopped and waits for a person), Waiting (not begun:
// something else has the machine) or Skipped (not begun: nothing to do, or no way).
type Report struct {
	State     State
	Operation string
	Reason    string // stable code, of a failure
	Why       string
	Stage     Stage
	Share     float64       // of the image
	Boot      time.Duration // until it began to write; 0: it did not yet
	Times     Times         // of one that is done
}

// Times are how long the work on a machine took, from when it began to write.
type Times struct {
	Write  time.Duration `json:"write_ns"`
	Finish time.Duration `json:"finish_ns"`
}
