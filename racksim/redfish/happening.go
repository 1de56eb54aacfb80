package redfish

import (
	"fmt"
	"time"
)

// ownRegistry is the message registry of what happens at this BMC, beside DMTF's Base.
const ownRegistry = "Racksim.1.0"

// Severities of messages (Redfish Resource.Health).
const (
	fine     = "OK"
	warning  = "Warning"
	critical = "Critical"
)

// The messages of ownRegistry.
var (
	hapPower       = notice{"PowerChanged", "The machine is %s.", fine, "None.", 1}
	hapFault       = notice{"MachineFailed", "The machine went off by itself: %s", critical, "See the simulator's log.", 1}
	hapReset       = notice{"ResetRequested", "A reset of type %s was asked for.", fine, "None.", 1}
	hapPart        = notice{"PartFailed", "%s is not well: %s.", critical, "Replace the part.", 2}
	hapSettings    = notice{"SettingsApplied", "What was staged for the reset took effect: %s.", fine, "None.", 1}
	hapInserted    = notice{"MediaInserted", "The image %s is in the virtual CD drive.", fine, "None.", 1}
	hapEjected     = notice{"MediaEjected", "The virtual CD drive is empty.", fine, "None.", 0}
	hapUpdating    = notice{"UpdateStarted", "An update has started as task %s.", fine, "None.", 1}
	hapUpdated     = notice{"UpdateSucceeded", "%s has version %s.", fine, "None.", 2}
	hapWaits       = notice{"UpdateWaits", "Version %s of %s waits for a reset.", fine, "Reset what was updated.", 2}
	hapNotUpdated  = notice{"UpdateFailed", "The update failed: %s", critical, "Check the file and its address.", 1}
	hapLoginFailed = notice{"LogInFailed", "A log-in as %s from %s failed.", warning, "None.", 2}
	hapLocked      = notice{"AccountLocked", "The account %s is locked after wrong passwords.", warning, "Wait, or have an administrator unlock it.", 1}
	hapAccount     = notice{"AccountChanged", "The account %s was changed.", fine, "None.", 1}
	hapCertificate = notice{"CertificateReplaced", "The certificate was replaced; its SHA-256 is %s.", fine, "None.", 1}
	hapStarted     = notice{"BMCStarted", "The BMC has started with version %s.", fine, "None.", 1}
	hapCleared     = notice{"LogCleared", "The log was cleared.", fine, "None.", 0}
	hapTest        = notice{"TestEvent", "This is a test: %s", fine, "None.", 1}
)

// happenings is the whole table, served as a message registry.
func happenings() []notice {
	return []notice{hapPower, hapFault, hapReset, hapPart, hapSettings, hapInserted, hapEjected, hapUpdating, hapUpdated, hapWaits, hapNotUpdated,
		hapLoginFailed, hapLocked, hapAccount, hapCertificate, hapStarted, hapCleared, hapTest}
}

// happening is one of them as it happened.
type happening struct {
	n      notice
	args   []any
	origin string // path of the resource it happened to
	at     time.Time
}

func (h happening) text() string { return fmt.Sprintf(h.n.text, h.args...) }

// message is the part that a log entry, an event and a task's message have in common.
func (h happening) message() body {
	args := []string{}
	for _, a := range h.args {
		args = append(args, fmt.Sprint(a))
	}
	return body{"MessageId": ownRegistry + "." + h.n.key, "Message": h.text(), "MessageArgs": args,
		"Severity": h.n.severity, "MessageSeverity": h.n.severity, "Resolution": h.n.resolution}
}

// note writes what happened to the origin into the log it belongs to, and tells those who
// listen. It never waits.
func (s *Service) note(b *logbook, origin string, n notice, args ...any) {
	h := happening{n: n, args: args, origin: origin, at: s.now()}
	entry := b.add(h)
	s.events.tell(h, entry)
}
