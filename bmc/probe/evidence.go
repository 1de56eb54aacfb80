package probe

import "time"

// Evidence is what the resources of a BMC say, each for itself. Empty is not said.
type Evidence struct {
	Told           bool // a driver filled it in
	Vendor, Model  string
	Manager        string // model of the BMC
	Firmware       string // version of the BMC
	RedfishVersion string
	Quirks         []Quirk
	Certificate    *Certificate

	System    System
	Chassis   []Chassis
	Parts     []Part // that tell their health
	Counts    []Count
	Tags      []Tag
	Media     []Drive
	Software  []Software
	Updates   []string // ways, e.g. multipart push
	Events    Events
	Locator   bool
	Certifies bool // it can make a key and take a certificate
	Sessions  int  // open at the BMC
	Unread    []string
}

// Quirk is a difference that the driver minds, and who says so.
type Quirk struct {
	Name   string `json:"name"`
	Source string `json:"source"`
}

// Certificate is what the BMC shows.
type Certificate struct {
	SHA256    string    `json:"sha256"`
	Subject   string    `json:"subject,omitempty"`
	Issuer    string    `json:"issuer,omitempty"`
	NotBefore time.Time `json:"not_before,omitzero"`
	NotAfter  time.Time `json:"not_after,omitzero"`
	Key       string    `json:"key,omitempty" doc:"e.g. RSA 2048"`
	TLS       string    `json:"tls,omitempty"`
}

// System is the ComputerSystem.
type System struct {
	URI              string
	Serial, SKU      string
	UUID             string
	BIOS             string
	Power            string // as it says: On, Off, PoweringOn
	Health, RolledUp string // OK, Warning, Critical
	Targets          []string
	Target           string   // of the override in force
	SettingsTargets  []string // offered by the Settings resource
	HasSettings      bool     // there is one and it was read
	Resets           []string
	Processors       int // by the summary; -1: not told
	MemoryGiB        float64
}

// Chassis is one of those the system stands in.
type Chassis struct {
	URI                string
	Kind               string // RackMount, Blade, Enclosure, ...
	Serial, SKU, UUID  string
	Power, Health      string
	Fans, FansTurning  int     // with a reading
	Watts              float64 // drawn; negative: not told
	WattsTold          bool
	Supplies, LostFeed int
}

// Part is anything that tells its health.
type Part struct {
	Name, Health string
}

// Count is a collection: how many members it says it has, and how many it lists.
type Count struct {
	URI          string
	Says, Listed int
	More         bool // the list goes on on another page
	Twice        []string
}

// Tag is how a resource's ETag behaves in two reads in a row.
type Tag struct {
	URI           string
	First, Second string
	Changed       bool // the contents differ
	Conditional   int  // status of a read with If-None-Match; 0: not tried
}

// Drive is a virtual drive where it is listed.
type Drive struct {
	List, ID, Image string
	Inserted        bool
	Kinds           []string
}

// Software is a member of the firmware inventory.
type Software struct {
	Component, ID, Version string // Component as in inventory.Version
}

// Events is the event service.
type Events struct {
	There, Enabled, Push bool
	Subscriptions        bool   // it links to them
	Stream               string // server-sent events
}

func (e Events) says() string {
	switch {
	case !e.There:
		return "no event service"
	case !e.Enabled:
		return "the event service is off"
	}
	return ""
}
