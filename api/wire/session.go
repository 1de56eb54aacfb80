package wire

import "rackwright/access"

// CodeOrder asks for a code that opens a session for work on a rack.
type CodeOrder struct {
	For     string `json:"for,omitempty" maxLength:"64" doc:"The technician; absent: whoever uses it says who they are"`
	Minutes int    `json:"minutes,omitempty" minimum:"1" maximum:"60" doc:"How long it can be used; absent: 15"`
}

// CodeUse is what a technician's device shows.
type CodeUse struct {
	Code string `json:"code" minLength:"1" maxLength:"64" doc:"As it was scanned or typed"`
	Name string `json:"name,omitempty" maxLength:"64" doc:"Who works there, for the journal; needed unless the code is for somebody"`
	// Hours is bounded by the server as well.
	Hours int `json:"hours,omitempty" minimum:"1" maximum:"8" doc:"How long the session is to be; absent: 8"`
}

// CodesEnded is how many codes were taken back.
type CodesEnded struct {
	Ended int `json:"ended"`
}

// CodeGiven is a code for a rack with what to show, which is told once.
type CodeGiven struct {
	access.RackCode
	Code string `json:"code" doc:"To be typed in"`
	Text string `json:"text" doc:"What its QR code says"`
}
