package wire

import (
	"rackwright/deploy"
	"rackwright/firmware"
)

// FirmwareUpdate asks for firmware on a machine.
type FirmwareUpdate struct {
	File      string `json:"file,omitempty" maxLength:"63" doc:"Name of a file; absent: to the baseline of its model"`
	Downgrade bool   `json:"downgrade,omitempty" doc:"Also where it is ahead of its baseline"`
	Active    bool   `json:"active,omitempty" doc:"Also when it is active: it is restarted"`
	Partial   bool   `json:"partial,omitempty" doc:"Do what there are files for, though something lacks"`
	DryRun    bool   `json:"dry_run,omitempty" doc:"Only say which files and steps it would be"`
}

// FirmwareSteps is what an update would do, or that there is nothing to do. Nothing was
// changed.
type FirmwareSteps struct {
	DryRun  bool              `json:"dry_run"`
	Already bool              `json:"already,omitempty" doc:"It has what it is to have"`
	Order   deploy.Order      `json:"order"`
	Steps   []deploy.Step     `json:"steps" nullable:"false"`
	Resets  int               `json:"resets" doc:"How often the machine would be restarted"`
	Lacks   []firmware.Lack   `json:"lacks,omitempty" nullable:"false" doc:"What cannot be brought there, and what is missing"`
	Ahead   []firmware.Beside `json:"ahead,omitempty" nullable:"false" doc:"Left alone: later than the baseline"`
}

// FirmwareCompliance is how machines stand beside their baseline.
type FirmwareCompliance struct {
	Racks    []firmware.Tally      `json:"racks" nullable:"false"`
	Machines []firmware.Compliance `json:"machines" nullable:"false"`
}
