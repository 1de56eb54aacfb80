package redfish

import (
	"slices"
	"time"

	"github.com/stmcginnis/gofish/schemas"
)

// trace is what of a system changes when it restarts.
type trace struct {
	power  schemas.PowerState
	reset  time.Time // ComputerSystem 1.12: LastResetTime
	stage  int       // ComputerSystem 1.13: BootProgress.LastState, as its place in stages
	staged time.Time // BootProgress.LastStateTime
	once   bool      // a one-time override is set: the next boot uses it up
}

func traceOf(s *system) trace {
	return trace{
		power:  s.PowerState,
		reset:  timeOf(s.LastResetTime),
		stage:  slices.Index(stages(), schemas.BootProgressTypes(s.BootProgress.LastState)),
		staged: timeOf(s.BootProgress.LastStateTime),
		once:   s.Boot.Enabled == once,
	}
}

// visible reports whether a restart would show. An override alone is no ground to rely
// on: some firmware uses it up minutes later.
func (t trace) visible() bool {
	return !t.reset.IsZero() || (t.stage >= 0 && !t.staged.IsZero())
}

// after reports whether a restart happened between was and t. Progress that only went on
// is none: the machine may have been starting already when the reset got lost.
func (t trace) after(was trace) bool {
	return t.dated(was) || (was.once && !t.once) ||
		t.power == schemas.OffPowerState || t.power == schemas.PoweringOffPowerState || t.power == schemas.PoweringOnPowerState
}

// dated reports whether what the BMC dates tells of a restart between was and t.
func (t trace) dated(was trace) bool {
	back := t.stage >= 0 && t.stage <= was.stage && t.staged.After(was.staged)
	return t.reset.After(was.reset) || back
}

// stages are the states of BootProgress in the order a start passes them.
func stages() []schemas.BootProgressTypes {
	return []schemas.BootProgressTypes{
		schemas.NoneBootProgressTypes,
		schemas.PrimaryProcessorInitializationStartedBootProgressTypes,
		schemas.BusInitializationStartedBootProgressTypes,
		schemas.MemoryInitializationStartedBootProgressTypes,
		schemas.SecondaryProcessorInitializationStartedBootProgressTypes,
		schemas.PCIResourceConfigStartedBootProgressTypes,
		schemas.SystemHardwareInitializationCompleteBootProgressTypes,
		schemas.SetupEnteredBootProgressTypes,
		schemas.OSBootStartedBootProgressTypes,
		schemas.OSRunningBootProgressTypes,
	}
}

// timeOf reads a Redfish date-time; the zero time for none, for BMCs that write
// 0000-00-00, and for the epoch that stands for "never".
func timeOf(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil || t.Unix() <= 0 {
		return time.Time{}
	}
	return t
}
