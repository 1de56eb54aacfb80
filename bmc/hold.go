package bmc

import "time"

// Hold is how a process stands to a BMC: how it is reached, whose turn it is to talk to
// it, and whether it refused what we know.
type Hold struct {
	Access  Access
	Version string    // of Access; another once anything of it changed
	Mine    bool      // ours until Until; else Owner's, or nobody's
	Owner   string    // process
	Until   time.Time // zero: nobody's
	Refused *Refusal  // nil: this very version was not refused
}

// Refusal is a BMC's no to our credentials. They are not sent again before they change:
// each wrong login brings the account nearer to its lock.
type Refusal struct {
	At    time.Time
	Words string // what the driver said
	Hint  string
}
