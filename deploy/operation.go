// Package deploy says how work on a machine goes: operations with ordered steps, planned
// before anything happens. It is pure; deploy/run does the steps.
package deploy

import (
	"fmt"
	"time"

	"rackwright/inventory"
)

// Kind is what an operation does.
type Kind string

// The kinds.
const (
	Deploy  Kind = "deploy"  // bring a system to the machine and see it phone home
	Inspect Kind = "inspect" // netboot the agent and read the machine's parts
	Power   Kind = "power"   // change the power state
	Locate  Kind = "locate"  // blink the locator LED, so that a person finds the machine

	Manage   Kind = "bmc"      // change one thing at the machine's BMC
	Claim    Kind = "claim"    // make the machine's BMC ours: a secret of its own, its certificate known
	Firmware Kind = "firmware" // bring firmware to other versions

	Erase  Kind = "erase"   // empty disks and prove it
	BurnIn Kind = "burn-in" // work the machine hard and count what goes wrong
	Rescue Kind = "rescue"  // let a person into the netbooted machine
)

// Kinds lists them.
func Kinds() []Kind {
	return []Kind{Deploy, Inspect, Power, Locate, Manage, Claim, Firmware, Erase, BurnIn, Rescue}
}

// State is where an operation stands.
type State string

// The states.
const (
	Queued    State = "queued"    // not begun
	Running   State = "running"   // a step is being done, or waited for
	Parked    State = "parked"    // stopped with a reason; needs hands, then a retry
	Succeeded State = "succeeded" // ended well
	Failed    State = "failed"    // ended badly; nothing more will be tried
	Cancelled State = "cancelled" // a person ended it
)

// Ended reports whether nothing more will happen.
func (s State) Ended() bool { return s == Succeeded || s == Failed || s == Cancelled }

// Ending says in words how an operation ended: "has succeeded", "was cancelled".
func (s State) Ending() string {
	if s == Cancelled {
		return "was cancelled"
	}
	return "has " + string(s)
}

// StateEdge is one allowed change of state and what causes it.
type StateEdge struct {
	From, To State
	Cause    string
}

// StateEdges is the whole table; the drawing in docs/operations.md is made from it.
func StateEdges() []StateEdge {
	return []StateEdge{
		{Queued, Running, "a worker claims it"},
		{Queued, Cancelled, "cancel"},
		{Running, Succeeded, "last step done"},
		{Running, Parked, "a step's deadline or retry budget is spent, or a person is needed"},
		{Running, Failed, "a step can never succeed"},
		{Running, Cancelled, "cancel"},
		{Parked, Running, "retry"},
		{Parked, Cancelled, "cancel"},
	}
}

// Operation is durable work on one machine.
type Operation struct {
	ID       string    `json:"id"`
	Kind     Kind      `json:"kind" enum:"deploy,inspect,power,locate,bmc,claim,firmware,erase,burn-in,rescue"`
	Machine  string    `json:"machine" doc:"Machine id"`
	Name     string    `json:"machine_name"`
	State    State     `json:"state" enum:"queued,running,parked,succeeded,failed,cancelled"`
	Steps    []Step    `json:"steps" nullable:"false"`
	Current  int       `json:"current" doc:"Index of the step being done; the number of steps when all are"`
	Reason   string    `json:"reason,omitempty" doc:"Stable code: why it is parked or failed"`
	Message  string    `json:"message,omitempty" doc:"One line for people: what happened"`
	Hint     string    `json:"hint,omitempty" doc:"What to do about it"`
	Order    Order     `json:"order"`
	Disk     string    `json:"disk,omitempty" doc:"Serial of the disk the agent chose"`
	Turn     int       `json:"turn,omitempty" doc:"Grows with each retry, so that an agent does an order again"`
	Actor    string    `json:"actor"`
	Cancel   bool      `json:"cancel_requested,omitempty"`
	Created  time.Time `json:"created_at"`
	Updated  time.Time `json:"updated_at"`
	Finished time.Time `json:"finished_at,omitzero"`
	Due      time.Time `json:"-"` // when a worker should look again
	Fence    int64     `json:"-"` // grows with each claim; a stale worker's write is refused
	Version  int64     `json:"version"`
	Progress *Progress `json:"progress,omitempty" doc:"How far it is, as it was asked"`
}

// StepName names what a step makes true.
type StepName string

// The steps.
const (
	StepCheck    StepName = "check"     // what the work needs is there
	StepBootNet  StepName = "boot-net"  // next boot is from the network
	StepPower    StepName = "power"     // the machine was started
	StepDHCP     StepName = "dhcp"      // it asked for an address and was answered
	StepLoader   StepName = "loader"    // its loader asked for the script
	StepRamdisk  StepName = "ramdisk"   // the agent checked in
	StepWrite    StepName = "write"     // the image is on the disk, read back and seeded
	StepBootDisk StepName = "boot-disk" // next boot is from the disk
	StepReboot   StepName = "reboot"    // the agent restarted the machine
	StepPhone    StepName = "phone"     // the system phoned home
	StepSettle   StepName = "settle"    // the machine's phase and power are as the operation leaves them
	StepLocate   StepName = "locate"    // the locator LED is as it was asked for
	StepErase    StepName = "erase"     // the disks were erased and samples of them read back
	StepBurn     StepName = "burn-in"   // the machine worked for as long as was asked
	StepOff      StepName = "off"       // the agent switched the machine off
	StepRescue   StepName = "rescue"    // a person could log in, and the time is over
	StepInstall  StepName = "install"   // the system's installer fetched its answers and says that it is done
	StepMedia    StepName = "media"     // the ISO image is in the BMC's virtual drive
	StepStart    StepName = "start"     // the live system was handed over to
)

// StepState is where a step stands.
type StepState string

// The step states.
const (
	StepTodo  StepState = "todo"
	StepDoing StepState = "doing"
	StepDone  StepState = "done"
)

// Step is one thing an operation makes true. It checks before it acts, so doing it twice
// is doing it once.
type Step struct {
	Name     StepName      `json:"name"`
	Title    string        `json:"title" doc:"For people"`
	State    StepState     `json:"state" enum:"todo,doing,done"`
	Started  time.Time     `json:"started_at,omitzero"`
	Ended    time.Time     `json:"ended_at,omitzero"`
	Attempts int           `json:"attempts,omitempty"`
	Budget   int           `json:"budget" doc:"Attempts before the operation parks"`
	Limit    time.Duration `json:"limit_seconds" doc:"How long the step may take"`
	Done     int64         `json:"done,omitempty" doc:"Progress, of Total"`
	Total    int64         `json:"total,omitempty"`
	Note     string        `json:"note,omitempty" doc:"What it is doing, or the last error it retries"`
	Tried    []string      `json:"tried,omitempty" nullable:"false" doc:"Of a claim: what the BMC refused, which is not tried again before a retry"`
	Door     *Door         `json:"door,omitempty" doc:"Of a rescue: how to log in"`
	Sent     *Sent         `json:"sent,omitempty" doc:"Of an update: how far it is with what must not be done twice"`
}

// Step returns the step being done, nil when all are done.
func (o *Operation) Step() *Step {
	if o.Current >= len(o.Steps) {
		return nil
	}
	return &o.Steps[o.Current]
}

// At reports whether the operation is running and at one of the steps.
func (o *Operation) At(names ...StepName) bool {
	s := o.Step()
	if s == nil || o.State != Running {
		return false
	}
	for _, n := range names {
		if s.Name == n {
			return true
		}
	}
	return false
}

// Netboots reports whether a machine with this operation is told to load the agent, or
// its installer, when it netboots. That ends once the image is proven on the disk, or the
// installer has its answers, so a machine that reboots after that boots what was written
// and nothing is ever installed in a loop; and it holds while the operation is parked before
// that, so that a machine a person restarts by hand goes on. A machine whose button only
// a person can press is served from the moment the operation is made.
func (o *Operation) Netboots() bool {
	s := o.Step()
	if s == nil || o.State.Ended() || !o.Kind.usesAgent() || o.Kind == Deploy && !o.Order.Method.Netboots() {
		return false
	}
	switch s.Name {
	case StepCheck:
		return !o.has(StepPower)
	case StepBootNet, StepPower, StepDHCP, StepLoader, StepRamdisk, StepWrite, StepErase, StepBurn, StepRescue, StepAnswers, StepLoaded, StepStart:
		return o.State != Queued
	}
	return false
}

func (o *Operation) has(name StepName) bool {
	for _, s := range o.Steps {
		if s.Name == name {
			return true
		}
	}
	return false
}

// Since is when evidence begins to count: when this turn of the operation began to start
// the machine. Where only a person can start it, that may be as soon as it was asked for.
func (o *Operation) Since() time.Time {
	for _, s := range o.Steps {
		if s.Name == StepPower {
			return s.Started
		}
	}
	if o.Turn == 0 || len(o.Steps) == 0 {
		return o.Created
	}
	return o.Steps[0].Started
}

// usesAgent reports whether an operation of the kind netboots the machine.
func (k Kind) usesAgent() bool {
	switch k {
	case Deploy, Inspect, Erase, BurnIn, Rescue:
		return true
	}
	return false
}

// Destructive reports whether an operation like this overwrites a disk.
func Destructive(k Kind, o Order) bool {
	return k == Deploy && o.Method != ByLocal && o.Method != ByLive && o.Method != ByNetboot || k == Erase || k == BurnIn && o.Burn != nil && o.Burn.Write
}

// Exclusive reports whether a machine has at most one operation of the kind, or of another
// such kind, that has not ended.
func (k Kind) Exclusive() bool { return k != Power && k != Locate && k != Manage }

// Restart makes a parked operation ready to go on after a person fixed what stopped it:
// the step is tried anew with a full budget. A step that waits for a netbooting machine,
// or for an agent that may be gone, netboots the machine again.
func (o *Operation) Restart() {
	o.State, o.Reason, o.Message, o.Hint, o.Cancel = Running, "", "", "", false
	o.Turn++
	if s := o.Step(); s != nil {
		switch s.Name {
		case StepDHCP, StepLoader, StepRamdisk, StepWrite, StepErase, StepBurn, StepRescue, StepAnswers, StepLoaded, StepStart:
			o.Rewind(StepBootNet)
			return
		case StepFirmwareVerify: // what is not there was not taken: it is sent again, the rest is not
			o.Rewind(StepFirmwareCheck)
			return
		}
	}
	o.begin(o.Current)
}

// Rewind goes back to a step, or to the first if there is none of that name.
func (o *Operation) Rewind(to StepName) {
	target := 0
	for i := range o.Steps {
		if o.Steps[i].Name == to {
			target = i
		}
	}
	for i := target; i < len(o.Steps); i++ {
		o.begin(i)
	}
	o.Current = target
}

// begin makes step i as it was before it was tried.
func (o *Operation) begin(i int) {
	s := &o.Steps[i]
	o.Steps[i] = Step{Name: s.Name, Title: s.Title, Budget: s.Budget, Limit: s.Limit, State: StepTodo}
}

// Subject is what Plan looks at.
type Subject struct {
	Machine inventory.Machine
	Order   Order
}

// OrderID names the order an agent has while the operation is at its present step. It
// changes with every retry, so that the order is done again, and with nothing else, so
// that asking twice is doing once.
func OrderID(o *Operation, verb string) string {
	attempts := 0
	if s := o.Step(); s != nil {
		attempts = s.Attempts
	}
	return fmt.Sprintf("%s/%s/%d.%d", o.ID, verb, o.Turn, attempts)
}
