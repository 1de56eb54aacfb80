package deploy

import (
	"rackwright/fault"
	"rackwright/firmware"
)

// FirmwareOrder is the files to bring onto a machine, in order.
type FirmwareOrder struct {
	Files    []firmware.Pick `json:"files" nullable:"false"`
	Campaign string          `json:"campaign,omitempty" doc:"Id of the campaign that asked for it"`
}

func planFirmware(s Subject) ([]Step, error) {
	return nil, fault.Invalidf("firmware %s: not yet", s.Machine.Name)
}
