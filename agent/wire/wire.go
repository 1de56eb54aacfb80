// Package wire holds the messages between the agent in the netboot ramdisk and the
// server. It has no logic: both sides import it and nothing else of each other.
//
// The conversation, all of it JSON over HTTPS whose certificate the agent pins by the
// fingerprint on its kernel command line:
//
//	POST /agent/v1/checkin   CheckIn  -> Welcome      nonce from the command line, once
//	GET  /agent/v1/order               -> Order        long poll, 204 when there is none
//	GET  /agent/v1/manifest/{digest}   -> images.Manifest JSON
//	GET  /agent/v1/pack/{digest}       -> bytes of the pack, Range required for parts
//	POST /agent/v1/events    Event    -> 204          at most 4 a second
//	POST /agent/v1/facts     Facts    -> 204          when they changed: a switch was heard (LLDP)
//
// After CheckIn every request carries "Authorization: Bearer <session>".
package wire

import (
	"time"

	"rackwright/inventory"
)

// Version is the version of this conversation; the server refuses another with 409.
const Version = 1

// Limits both sides hold to.
const (
	MaxMessage = 1 << 20          // bytes of a JSON message
	LongPoll   = 20 * time.Second // how long the server holds GET order open
)

// Kernel command line keys the agent reads.
const (
	KeyServer = "rackwright.server" // base URL, https://10.0.0.1:8443
	KeyPin    = "rackwright.pin"    // SHA-256 of the server's certificate (DER), hexadecimal
	KeyNonce  = "rackwright.nonce"  // one-time nonce of this boot
	KeyBootIf = "BOOTIF"            // MAC the machine booted from, 01-aa-bb-cc-dd-ee-ff
)

// CheckIn is the agent's first word. Facts are all it could read of the machine.
type CheckIn struct {
	Version int             `json:"version"`
	Nonce   string          `json:"nonce"`
	Agent   string          `json:"agent"` // build version
	Facts   inventory.Facts `json:"facts"`
}

// Welcome opens the session.
type Welcome struct {
	Session   string `json:"session"` // bearer secret
	Machine   string `json:"machine"` // name
	Operation string `json:"operation"`
}

// Verb is what an order asks.
type Verb string

// The verbs.
const (
	Write  Verb = "write"  // write an image to a disk and prove it
	Reboot Verb = "reboot" // sync and restart the machine
	Off    Verb = "off"    // sync and power off
	Stay   Verb = "stay"   // nothing more to do; keep asking
)

// Order is one thing to do. The agent does an order id once: asked again with the same
// id it reports the outcome it had. It may refuse, with an Event of stage Refused.
type Order struct {
	ID    string      `json:"id"`
	Verb  Verb        `json:"verb"`
	Write *WriteOrder `json:"write,omitempty"`
}

// WriteOrder says which bits go on which disk.
type WriteOrder struct {
	Image    string             `json:"image"`  // name, for people
	Digest   string             `json:"digest"` // of the manifest
	Disk     inventory.DiskHint `json:"disk"`
	Firmware inventory.Firmware `json:"firmware"` // how the written system must boot
	Seed     Seed               `json:"seed"`
}

// Seed is first-boot configuration, cloud-init's NoCloud files by content. They go to
// a small FAT partition labelled cidata at the end of the disk.
type Seed struct {
	MetaData      string `json:"meta_data"`
	UserData      string `json:"user_data"`
	VendorData    string `json:"vendor_data"`
	NetworkConfig string `json:"network_config"`
}

// Stage is where the agent is in an order.
type Stage string

// The stages of a write order, in order; Refused and Failed end any order.
const (
	Accepted   Stage = "accepted"
	Writing    Stage = "writing"   // Done of Total bytes written
	Verifying  Stage = "verifying" // Done of Total bytes read back and compared
	Finishing  Stage = "finishing" // partition table grown, seed written
	Completed  Stage = "completed"
	Refused    Stage = "refused"
	Failed     Stage = "failed"
	Restarting Stage = "restarting" // the reboot or off order is about to happen
)

// Event is the agent's report.
type Event struct {
	Order  string          `json:"order"`
	Stage  Stage           `json:"stage"`
	Done   int64           `json:"done,omitempty"`
	Total  int64           `json:"total,omitempty"`
	Disk   *inventory.Disk `json:"disk,omitempty"`   // the disk chosen, with Accepted
	Reason string          `json:"reason,omitempty"` // stable code, with Refused and Failed
	Detail string          `json:"detail,omitempty"` // one line for people
	Hint   string          `json:"hint,omitempty"`
}

// Reasons an order ends badly.
const (
	ReasonNoDisk       = "no-matching-disk"
	ReasonDiskTooSmall = "disk-too-small"
	ReasonBadDigest    = "digest-mismatch"
	ReasonReadBack     = "read-back-mismatch"
	ReasonDiskIO       = "disk-io"
	ReasonFetch        = "fetch-failed"
	ReasonLayout       = "partition-table"
	ReasonFirmware     = "firmware-mismatch"
	ReasonBadOrder     = "bad-order" // the agent does not know this order
)
