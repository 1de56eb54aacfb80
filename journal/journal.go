// Package journal is what happened to each machine, append-only: the audit, the live
// view and the boot timeline read the same events. It stores nothing itself.
package journal

import (
	"time"

	"rackwright/inventory"
)

// Kind names what happened; the part before the dot is who saw it.
type Kind string

// The kinds of event.
const (
	DHCPAnswered Kind = "dhcp.answered" // Detail: message types, address, boot file
	DHCPIgnored  Kind = "dhcp.ignored"  // Detail says why
	DHCPConflict Kind = "dhcp.conflict" // an address is used by another machine
	DHCPMoved    Kind = "dhcp.moved"    // one MAC at two places within a short while
	DHCPRogue    Kind = "dhcp.rogue"    // another DHCP server answers
	LeaseQuery   Kind = "lease.query"   // a relay asked who has an address (RFC 4388), and was told
	TFTPSent     Kind = "tftp.sent"
	TFTPFailed   Kind = "tftp.failed"
	HTTPSent     Kind = "http.sent" // loader, script, kernel, ramdisk
	HTTPRefused  Kind = "http.refused"
	LoaderRung   Kind = "boot.loader" // a model's machines are told of another loader, or one is remembered
	AgentEvent   Kind = "agent.event"
	AgentCheckIn Kind = "agent.checkin"
	AgentRefused Kind = "agent.refused" // a client does not trust the certificate of the agents' server
	PhoneHome    Kind = "machine.phonehome"
	FirstBoot    Kind = "machine.firstboot" // the deployed system's cloud-init told how it goes
	MachineSeen  Kind = "machine.seen"
	PhaseMoved   Kind = "machine.phase"
	MachinePlan  Kind = "machine.plan"
	Condition    Kind = "machine.condition"
	BMCAction    Kind = "bmc.action"
	BMCFailed    Kind = "bmc.failed"
	BMCEvent     Kind = "bmc.event" // its BMC told it; the summary is the BMC's
	OpStep       Kind = "op.step"
	OpState      Kind = "op.state"
	ImageAdded   Kind = "image.added"
	ImageRemoved Kind = "image.removed"
	ImageJob     Kind = "image.job"         // long work of the catalogue was asked for, or ended
	FirmwareFile Kind = "firmware.file"     // a file was added to the catalogue, or removed
	FirmwareSent Kind = "firmware.sent"     // a BMC fetched a file, or tried to
	Campaign     Kind = "firmware.campaign" // a campaign began, went on, halted or ended
	DiskErased   Kind = "disk.erased"       // a disk was proven empty, and has a certificate
	Rollout      Kind = "rollout"           // a rollout of an image began, went on, halted or ended
	RackStep     Kind = "rack.step"         // a person said something of a step of racking
	RackScan     Kind = "rack.scan"         // a person scanned what stands in a slot
	RackSigned   Kind = "rack.signoff"      // a person signed a rack off
	Approval     Kind = "approval"          // a destructive request waits for a second person, or one decided
	Webhook      Kind = "webhook"           // a webhook was made, changed, disabled or removed
	ServerEvent  Kind = "server.event"
)

// Event is one thing that happened. ID and At are set by the store when zero.
type Event struct {
	ID        int64          `json:"id" doc:"Grows; the cursor of the event stream"`
	At        time.Time      `json:"at"`
	Kind      Kind           `json:"kind"`
	Machine   string         `json:"machine,omitempty" doc:"Machine id, when known"`
	Name      string         `json:"machine_name,omitempty" doc:"Machine name, when known"`
	MAC       inventory.MAC  `json:"mac,omitzero"`
	Operation string         `json:"operation,omitempty"`
	Actor     string         `json:"actor,omitempty" doc:"Who or what caused it"`
	Summary   string         `json:"summary" doc:"One line for people"`
	Detail    map[string]any `json:"detail,omitempty" doc:"Facts for programs; never a secret"`
}

// Recorder takes events. Record never blocks the caller for long and never fails it:
// a packet is answered even when the journal cannot keep up (what was lost is counted
// and said in a later event).
type Recorder interface {
	Record(Event)
}
