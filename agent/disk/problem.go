package disk

import (
	"errors"

	"rackwright/fault"
)

// Cause is why a disk could not be written and proven.
type Cause string

// The causes. The agent translates them into the reason codes of the wire.
const (
	CauseTooSmall Cause = "too small"     // image, seed and partition table do not fit
	CauseDigest   Cause = "digest"        // what was fetched is not what the manifest names
	CauseReadBack Cause = "read back"     // the disk returns other bytes than were written
	CauseIO       Cause = "input, output" // the disk refused or lost an operation
	CauseFetch    Cause = "fetch"         // the chunks cannot be had
	CauseLayout   Cause = "layout"        // the image has no partition table that can be grown
)

// Problem is an error with its cause; Err is a fault with a hint.
type Problem struct {
	Cause Cause
	Err   error
}

// Error prints the fault.
func (p *Problem) Error() string { return p.Err.Error() }

// Unwrap returns the fault.
func (p *Problem) Unwrap() error { return p.Err }

// CauseOf returns the cause of the outermost Problem in err's chain, "" if there is none.
func CauseOf(err error) Cause {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p.Cause
	}
	return ""
}

func ioProblem(doing string, at int64, err error) error {
	return &Problem{CauseIO, fault.Unreachablef("%s at byte %d of the disk: %w", doing, at, err).
		WithHint("the disk or its cable is failing: replace it, then deploy again")}
}

func layoutProblem(format string, args ...any) error {
	return &Problem{CauseLayout, fault.Invalidf(format, args...).
		WithHint("build the image with a GPT partition table made for this disk's block size")}
}

func tooSmall(have, need int64) error {
	return &Problem{CauseTooSmall, fault.Conflictf("the disk has %d bytes, image and seed need %d", have, need).
		WithHint("name a larger disk in root_disk of the plan, or deploy a smaller image")}
}
