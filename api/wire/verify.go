package wire

import "rackwright/inventory"

// Verification is what a machine is to be beside what it was seen to be.
type Verification struct {
	Machine    string                `json:"machine" doc:"Machine id"`
	Name       string                `json:"machine_name"`
	Phase      inventory.Phase       `json:"phase" enum:"planned,racked,discovered,verified,ready,active,maintenance,retired"`
	Model      *inventory.Model      `json:"model,omitempty" doc:"What is expected of each machine of its model; absent when the model is not declared"`
	NICs       []inventory.NIC       `json:"nics,omitempty" nullable:"false" doc:"Ports and cables of the plan"`
	PSUs       []inventory.PSU       `json:"psus,omitempty" nullable:"false" doc:"Power supplies of the plan"`
	Observed   []inventory.Facts     `json:"observed" nullable:"false" doc:"By source"`
	Conditions []inventory.Condition `json:"conditions" nullable:"false" doc:"The differences, waived ones among them"`
	Awaits     string                `json:"awaits,omitempty" doc:"What keeps a discovered machine from being verified"`
}

// WaiverEnd names a waiver that is to end.
type WaiverEnd struct {
	Rule string `json:"rule" minLength:"1" maxLength:"64" doc:"Type of the condition"`
	On   string `json:"on,omitempty" maxLength:"128" doc:"Its subject; absent: all"`
}

// GivenWaiver is what lets a difference of a machine pass now.
type GivenWaiver struct {
	Rule string `json:"rule" doc:"Type of the condition"`
	On   string `json:"on,omitempty" doc:"Its subject"`
	inventory.Waived
}

// Waive asks to let differences pass.
type Waive struct {
	Rule   string `json:"rule" minLength:"1" maxLength:"64" doc:"Type of the condition, e.g. dimm-missing"`
	On     string `json:"on,omitempty" maxLength:"128" doc:"Its subject, e.g. A5; absent: all"`
	Reason string `json:"reason" minLength:"1" maxLength:"512" doc:"Why; the journal keeps it"`
}
