// Package wire holds the messages between the agent in the netboot ramdisk and the
// server. It has no logic: both sides import it and nothing else of each other.
//
// The conversation, all of it JSON over HTTPS whose certificate the agent pins by the
// fingerprint on its kernel command line:
//
//	POST /agent/v1/checkin   CheckIn  -> Welcome      nonce from the command line, once
//	GET  /agent/v1/order               -> Order        long poll, 204 when there is none
//	GET  /agent/v1/manifest/{digest}   -> images.Manifest JSON
//	GET  /agent/v1/chunk/{blob}        -> one compressed chunk of the image, by digest
//	POST /agent/v1/events    Event    -> 204          at most 4 a second
//	POST /agent/v1/facts     Facts    -> 204          when they changed: a switch was heard (LLDP)
//	GET  /agent/v1/stream?bytes=N      -> N bytes      for a burn-in's network test, with POST as the way back
//
// After CheckIn every request carries "Authorization: Bearer <session>".
package wire

import (
	"encoding/json"
	"time"

	"rackwright/inventory"
)

// Version is the version of this conversation; the server refuses another with 409.
const Version = 1

// Limits both sides hold to, in bytes of JSON where they are not times.
const (
	LongPoll = 20 * time.Second // how long the server holds GET order open

	MaxCheckIn = MaxFacts + 4<<10
	MaxFacts   = 1 << 20  // a machine with hundreds of disks and thousands of PCI devices has some 500 KiB
	MaxEvent   = 1 << 20  // an erase tells up to 3 KiB of each disk
	MaxWelcome = 4 << 10  // names, a secret and a key
	MaxOrder   = 4 << 20  // 256 KiB of user-data have up to six times that in JSON, and SSH keys come along
	MaxList    = 64 << 20 // a manifest of images.MaxChunks chunks of some 220 bytes
)

// Kernel command line keys the agent reads.
const (
	KeyServer = "rackwright.server" // base URL, https://10.0.0.1:8443
	KeyPin    = "rackwright.pin"    // SHA-256 of the server's certificate (DER), hexadecimal
	KeyNonce  = "rackwright.nonce"  // one-time nonce of this boot
	KeyVLAN   = "rackwright.vlan"   // tag of the network on the boot port, where it has one
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
	PermitKey []byte `json:"permit_key,omitempty"` // Ed25519 public key that permits are signed with
}

// Stage is where the agent is in an order.
type Stage string

// The stages; Accepted begins an order, Completed, Refused and Failed end it.
const (
	Accepted   Stage = "accepted"
	Writing    Stage = "writing"   // Done of Total bytes written
	Verifying  Stage = "verifying" // Done of Total bytes read back and compared
	Finishing  Stage = "finishing" // partition table grown, seed and boot entry written
	Erasing    Stage = "erasing"   // Done of Total bytes erased or proven empty
	Burning    Stage = "burning"   // Done of Total seconds
	Open       Stage = "open"      // a rescue can be logged in to; Result says how
	Completed  Stage = "completed"
	Refused    Stage = "refused"
	Failed     Stage = "failed"
	Restarting Stage = "restarting" // the reboot or off order is about to happen
)

// Counts reports whether an event of the stage is progress that a later one replaces.
func (s Stage) Counts() bool {
	return s == Writing || s == Verifying || s == Erasing || s == Burning
}

// Ends reports whether an event of the stage says how an order ended.
func (s Stage) Ends() bool { return s == Completed || s == Refused || s == Failed }

// Event is the agent's report.
type Event struct {
	Order  string          `json:"order"`
	Stage  Stage           `json:"stage"`
	Done   int64           `json:"done,omitempty"`
	Total  int64           `json:"total,omitempty"`
	Disk   *inventory.Disk `json:"disk,omitempty"`   // the disk chosen, with Accepted
	Result json.RawMessage `json:"result,omitempty"` // what came out: of an erase []Erased, of a burn-in Burned, of a rescue Door
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
	ReasonArchive      = "bad-archive" // the tar of a root file system, or what is in it
	ReasonNoRoom       = "no-room"     // the unpacked system does not fit
	ReasonFirmware     = "firmware-mismatch"
	ReasonBadOrder     = "bad-order"    // the agent does not know this order
	ReasonPermit       = "no-permit"    // the order's permit does not allow what it asks
	ReasonForeign      = "foreign-data" // a disk holds data that the permit does not give up
	ReasonNotErased    = "not-erased"   // no method of the drive worked, or data was found afterwards
	ReasonBurn         = "burn-in-failed"
	ReasonRescue       = "rescue" // nobody can log in
	ReasonEnter        = "kexec"  // the system cannot be started without a reboot
)
