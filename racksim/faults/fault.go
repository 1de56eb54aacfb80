// Package faults is what a BMC does wrong on demand: an HTTP middleware and a listener that
// refuse, stall, lie and lose answers. It knows Redfish's words, and keeps no resources.
package faults

import (
	"path"
	"slices"
	"strings"
	"time"

	"rackwright/fault"
)

// Fault is one thing that goes wrong, as a rack file or a test says it.
type Fault struct {
	Kind    string        `yaml:"kind"`
	Path    string        `yaml:"path"`    // glob per segment with a leading slash; it matches what is below, too; empty: every path
	Method  string        `yaml:"method"`  // empty: every method that the kind is about
	Times   int           `yaml:"times"`   // how many requests it takes; 0: all
	After   int           `yaml:"after"`   // how many it lets pass before that; of lockout: failed logins
	Wait    time.Duration `yaml:"wait"`    // of hang (0: for ever), slow, late-*, clock-off; Retry-After of unavailable
	Status  int           `yaml:"status"`  // of answer, and of session-full (503)
	Message string        `yaml:"message"` // id of its message, such as IDRAC.2.8.SYS518
}

// The kinds.
const (
	Refuse        = "refuse"          // the connection is reset before TLS; every path
	Hang          = "hang"            // no answer
	Slow          = "slow"            // the answer takes Wait longer
	Error500      = "error-500"       // Internal Server Error
	Unavailable   = "unavailable"     // 503 with Retry-After
	Answer        = "answer"          // Status and Message
	WrongETag     = "wrong-etag"      // 412 to every write that has an If-Match
	Truncated     = "truncated"       // the body ends in the middle
	WrongType     = "wrong-type"      // JSON that says it is text/html
	DropAfter     = "drop-after"      // acts, then breaks the connection
	Late202       = "late-202"        // a write is accepted (202) and acts after Wait
	Late204       = "late-204"        // a write is done (204), it says, and acts after Wait
	TaskNeverEnds = "task-never-ends" // tasks read Running
	SessionFull   = "session-full"    // no session left
	ClockOff      = "clock-off"       // the manager's time is off by Wait
	BootIgnored   = "boot-ignored"    // a boot override is accepted and dropped
	PowerBounces  = "power-bounces"   // a read of the power state tells the other one
	Lockout       = "lockout"         // after After failed logins none succeeds
)

// Limits.
const (
	maxRetryAfter = 24 * time.Hour       // that a rack file may ask for
	maxHeld       = 1 << 20              // bytes of a body that is kept to act later
	maxLate       = 64                   // late effects under way
	longest       = 365 * 24 * time.Hour // of any wait
)

// Kinds lists them.
func Kinds() []string {
	return []string{Refuse, Hang, Slow, Error500, Unavailable, Answer, WrongETag, Truncated, WrongType, DropAfter,
		Late202, Late204, TaskNeverEnds, SessionFull, ClockOff, BootIgnored, PowerBounces, Lockout}
}

// Check says what is wrong with a fault; Invalid.
func (f Fault) Check() error {
	_, badGlob := path.Match(f.Path, "/")
	switch {
	case !slices.Contains(Kinds(), f.Kind):
		return fault.Invalidf("%q is no kind of fault", f.Kind).WithHint("use one of %s", strings.Join(Kinds(), ", "))
	case f.Path != "" && (!strings.HasPrefix(f.Path, "/") || badGlob != nil):
		return fault.Invalidf("%q is no path of a resource", f.Path).WithHint("write it from the root, like /redfish/v1/Systems/*")
	case f.Kind == Refuse && f.Path+f.Method != "":
		return fault.Invalidf("refuse is about connections: it has neither path nor method").WithHint("use error-500 for a path")
	case f.Times < 0 || f.After < 0:
		return fault.Invalidf("times and after count requests: they are 0 or more")
	case f.Wait < -longest || f.Wait > longest || f.Wait < 0 && f.Kind != ClockOff:
		return fault.Invalidf("wait %s is out of range", f.Wait)
	case f.Kind == Unavailable && f.Wait > maxRetryAfter:
		return fault.Invalidf("wait %s is more than %s", f.Wait, maxRetryAfter)
	case f.Kind == Answer && (f.Status < 200 || f.Status > 599), f.Status != 0 && (f.Status < 200 || f.Status > 599):
		return fault.Invalidf("status %d is no HTTP status of an answer", f.Status).WithHint("write one from 200 to 599")
	case f.Kind == Slow && f.Wait == 0, f.Kind == ClockOff && f.Wait == 0:
		return fault.Invalidf("%s needs wait", f.Kind).WithHint("write wait: 50ms")
	case f.Kind == Lockout && f.After == 0:
		return fault.Invalidf("lockout needs after: the failed logins that lock").WithHint("write after: 3")
	}
	return nil
}

// about says whether the fault is about a request for uri.
func (f Fault) about(method, uri string) bool {
	if f.Method != "" && f.Method != method {
		return false
	}
	return f.Path == "" || below(f.Path, uri)
}

// below matches the pattern's segments with the first ones of uri.
func below(pattern, uri string) bool {
	pattern, uri = strings.Trim(pattern, "/"), strings.Trim(uri, "/")
	parts := strings.Split(uri, "/")
	n := strings.Count(pattern, "/") + 1
	if len(parts) < n {
		return false
	}
	ok, _ := path.Match(pattern, strings.Join(parts[:n], "/"))
	return ok
}
