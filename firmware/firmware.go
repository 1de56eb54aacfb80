// Package firmware says which firmware files there are, which machines each is for, what a
// machine's baseline lacks, and in which order files go on. It is pure: no bytes, no BMC.
package firmware

import "time"

// File is a firmware file in the catalogue. Its digest never changes under its name.
type File struct {
	Name      string    `json:"name" doc:"Unique, e.g. x1-bios-2.4.1"`
	Component string    `json:"component" doc:"bios, bmc, or the component as in a model's firmware baseline"`
	Version   string    `json:"version" doc:"What the component says when the file is on it"`
	Vendor    string    `json:"vendor,omitempty" doc:"Of the machine; empty: any"`
	Models    []string  `json:"models,omitempty" nullable:"false" doc:"Machine models it is for, as the plan or the machine names them; a * at the end matches the rest"`
	From      []string  `json:"from,omitempty" nullable:"false" doc:"Versions it may be put on; none: any. A * at the end matches the rest"`
	Requires  []Need    `json:"requires,omitempty" nullable:"false" doc:"Versions that other components must have before"`
	Reset     Reset     `json:"reset,omitempty" enum:"host,bmc,none" doc:"What makes it run: a reset of the machine, of the BMC (which does it itself), or nothing. Empty: host for bios, bmc for bmc, else host"`
	Digest    string    `json:"digest" doc:"sha256 of the file, hexadecimal"`
	Size      int64     `json:"size" doc:"Bytes"`
	Original  string    `json:"original,omitempty" doc:"The vendor's file name, which the BMC is shown: some look at it"`
	Created   time.Time `json:"created_at"`
}

// Reset is what makes new firmware run.
type Reset string

// The resets.
const (
	ResetHost Reset = "host"
	ResetBMC  Reset = "bmc"
	ResetNone Reset = "none"
)

// Need is a component at a version or a later one.
type Need struct {
	Component string `json:"component"`
	AtLeast   string `json:"at_least"`
}

// Pick is a file chosen for one machine.
type Pick struct {
	File      string `json:"file"`
	Digest    string `json:"digest"`
	Size      int64  `json:"size"`
	Component string `json:"component"`
	From      string `json:"from,omitempty" doc:"The version that was there when it was chosen"`
	To        string `json:"to"`
	Reset     Reset  `json:"reset" enum:"host,bmc,none"`
}
