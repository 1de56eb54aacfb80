package deploy

import (
	"fmt"
	"strings"
	"time"

	"rackwright/fault"
	"rackwright/firmware"
	"rackwright/inventory"
)

// FirmwareOrder is the files to bring onto a machine, in order.
type FirmwareOrder struct {
	Files    []firmware.Pick `json:"files" nullable:"false"`
	Active   bool            `json:"active,omitempty" doc:"Also when the machine is active: it is restarted"`
	Campaign string          `json:"campaign,omitempty" doc:"Id of the campaign that asked for it"`
}

// The steps of an update. Those after the check come again for each file and each stage.
const (
	StepFirmwareCheck  StepName = "firmware-check"  // the BMC answers, and what was chosen still fits
	StepUpdate         StepName = "update"          // a file was handed to the BMC and its task is over
	StepRestart        StepName = "restart"         // the machine was restarted, so that what is staged runs
	StepFirmwareVerify StepName = "firmware-verify" // the firmware inventory has the new versions
)

// Sent is how far a step is with something that must not be done twice: a file that is
// handed over, a restart that firmware needs. It is written down before it is done, with
// the claim that alone may do it; whoever finds another claim's mark judges by the effect.
type Sent struct {
	Fence int64     `json:"fence" doc:"The claim that may do it"`
	At    time.Time `json:"at" doc:"When it was marked"`
	Taken bool      `json:"taken,omitempty" doc:"The BMC took it"`
	Lost  bool      `json:"lost,omitempty" doc:"Nobody knows whether the BMC took it"`
	Task  string    `json:"task,omitempty" doc:"Id of the BMC's task"`
	Off   bool      `json:"off,omitempty" doc:"The machine was off before its restart, and is put back so in the end"`
}

// slowest is how fast old BMCs take a file over the network, in bytes a second.
const slowest = 512 << 10

// planFirmware: files of one stage are handed over one after the other, then one restart
// makes those run that wait for it.
func planFirmware(s Subject) ([]Step, error) {
	o := s.Order.Firmware
	if o == nil || len(o.Files) == 0 {
		return nil, fault.Invalidf("firmware %s: which files?", s.Machine.Name).WithHint("an order of kind firmware names at least one")
	}
	if s.Machine.BMC == nil {
		return nil, fault.Conflictf("%s has no BMC", s.Machine.Name).WithHint("give it a bmc in the plan")
	}
	if s.Machine.Phase == inventory.Active && !o.Active {
		return nil, fault.Conflictf("%s is active", s.Machine.Name).WithHint("move its work away first; then ask with active (--active)")
	}
	steps := []Step{step(StepFirmwareCheck, "checks", 5, 15*time.Minute)}
	for i, p := range o.Files {
		steps = append(steps, step(StepUpdate, p.Component+" "+p.To, 10, time.Hour+time.Duration(p.Size/slowest)*time.Second))
		if i+1 == len(o.Files) || o.Files[i+1].Stage != p.Stage {
			steps = append(steps, endOfStage(o.Files, p.Stage)...)
		}
	}
	return steps, nil
}

func endOfStage(files []firmware.Pick, stage int) (steps []Step) {
	var staged []string
	for _, p := range files {
		if p.Stage == stage && p.Reset == firmware.ResetHost {
			staged = append(staged, p.Component)
		}
	}
	if len(staged) > 0 {
		steps = append(steps, step(StepRestart, "restart for "+strings.Join(staged, ", "), 5, 30*time.Minute))
	}
	title := "versions"
	if stage > 1 {
		title = fmt.Sprintf("versions of stage %d", stage)
	}
	return append(steps, step(StepFirmwareVerify, title, 5, 90*time.Minute))
}

// Pick returns the file that the present step is about: the one that is handed over, or
// the last of the stage that ends; nil outside of an update.
func (o *Operation) Pick() *firmware.Pick {
	at := -1
	for i := 0; i <= o.Current && i < len(o.Steps); i++ {
		if o.Steps[i].Name == StepUpdate {
			at++
		}
	}
	if o.Order.Firmware == nil || at < 0 || at >= len(o.Order.Firmware.Files) {
		return nil
	}
	return &o.Order.Firmware.Files[at]
}

// Staged returns the files of the present step's stage, the last of each component.
func (o *Operation) Staged() (out []firmware.Pick) {
	p := o.Pick()
	if p == nil {
		return nil
	}
	at := map[string]int{}
	for _, f := range o.Order.Firmware.Files {
		if f.Stage != p.Stage {
			continue
		}
		if i, again := at[firmware.Key(f.Component)]; again {
			out[i] = f
			continue
		}
		at[firmware.Key(f.Component)] = len(out)
		out = append(out, f)
	}
	return out
}
