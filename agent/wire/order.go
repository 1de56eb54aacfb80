package wire

import (
	"encoding/json"
	"time"

	"rackwright/inventory"
)

// Verb is what an order asks.
type Verb string

// The verbs.
const (
	Write  Verb = "write"  // write an image to a disk and prove it
	Erase  Verb = "erase"  // erase disks and prove it
	Burn   Verb = "burn"   // work the machine hard and count what goes wrong
	Rescue Verb = "rescue" // let a person in, until the operation ends
	Live   Verb = "live"   // run a system in memory
	Reboot Verb = "reboot" // sync and restart the machine
	Off    Verb = "off"    // sync and power off
	Stay   Verb = "stay"   // nothing more to do; keep asking
)

// Order is one thing to do. The agent does an order id once: asked again with the same
// id it reports the outcome it had. It may refuse, with an Event of stage Refused.
type Order struct {
	ID     string        `json:"id"`
	Verb   Verb          `json:"verb"`
	Permit *SignedPermit `json:"permit,omitempty"` // with every order that destroys data
	Write  *WriteOrder   `json:"write,omitempty"`
	Erase  *EraseOrder   `json:"erase,omitempty"`
	Burn   *BurnOrder    `json:"burn,omitempty"`
	Rescue *RescueOrder  `json:"rescue,omitempty"`
	Live   *LiveOrder    `json:"live,omitempty"`
}

// SignedPermit is the JSON of a Permit and the server's Ed25519 signature of these very bytes.
type SignedPermit struct {
	Permit    json.RawMessage `json:"permit"`
	Signature []byte          `json:"signature"`
}

// Permit names the disks one order may destroy. A disk that is not in it is never opened
// for writing.
type Permit struct {
	Order   string          `json:"order"`          // id of the order it is for
	Machine string          `json:"machine"`        // its name, for people
	UUID    string          `json:"uuid,omitempty"` // SMBIOS system UUID in lower case; empty: the machine has none
	Disks   []PermittedDisk `json:"disks"`
}

// PermittedDisk is a disk by its identity: the serial and the WWN, where the disk has
// them, and its size all agree; a disk that has neither is named by its bus path.
type PermittedDisk struct {
	Serial  string `json:"serial,omitempty"`
	WWN     string `json:"wwn,omitempty"`
	BusPath string `json:"bus_path,omitempty"`
	Bytes   int64  `json:"bytes"`
	Holds   Holds  `json:"holds"`
	Owner   string `json:"owner,omitempty"` // with HoldsOurs: the operation that its owner record names
}

// Holds is what a permitted disk may hold when the order begins.
type Holds string

// What a disk may hold.
const (
	HoldsNothing Holds = "nothing" // no signature of a file system, volume or partition table
	HoldsOurs    Holds = "ours"    // nothing, or what this service wrote to this machine
	HoldsAny     Holds = "any"     // whatever there is: a person gave it up, or it was seen and named
)

// Source is where chunks are: GET URL + "/" + blob with "Authorization: Bearer " + Ticket.
// Chunks are checked by digest, so a source need not be trusted.
type Source struct {
	URL    string `json:"url"`
	Ticket string `json:"ticket,omitempty"`
}

// WriteOrder says which bits go on which disk.
type WriteOrder struct {
	Image    string             `json:"image"`  // name, for people
	Digest   string             `json:"digest"` // of the manifest
	Disk     inventory.DiskHint `json:"disk"`
	Mirror   bool               `json:"mirror,omitempty"`  // two disks of the permit, as RAID 1
	Firmware inventory.Firmware `json:"firmware"`          // how the written system must boot
	Sources  []Source           `json:"sources,omitempty"` // nearest first; the server itself comes after them
	Seed     Seed               `json:"seed"`
	RootFS   bool               `json:"rootfs,omitempty"` // the image is a tar that is unpacked to the disk
	Kexec    bool               `json:"kexec,omitempty"`  // afterwards start the system without a reboot where possible
}

// Seed is first-boot configuration. Files go to a small FAT partition at the end of the
// disk, Placed into file systems that the image brings.
type Seed struct {
	Label  string       `json:"label"` // of the file system: CIDATA (NoCloud), config-2 (ConfigDrive); empty: no partition
	Files  []SeedFile   `json:"files,omitempty"`
	Placed []PlacedFile `json:"placed,omitempty"`
}

// File returns the content of a file of the seed's partition, "" when there is none.
func (s Seed) File(name string) string {
	for _, f := range s.Files {
		if f.Name == name {
			return f.Content
		}
	}
	return ""
}

// SeedFile is a file of the seed's partition; Name may have directories (a/b).
type SeedFile struct {
	Name    string `json:"name"`
	Content string `json:"content"`
}

// PlacedFile is a file that goes into a partition of the image, by its file system label.
type PlacedFile struct {
	Label   string `json:"label"` // e.g. boot (CoreOS), OEM (Flatcar)
	Path    string `json:"path"`  // below the file system's root
	Content string `json:"content"`
}

// EraseOrder says which disks are erased: those of the permit.
type EraseOrder struct {
	Methods []string `json:"methods,omitempty"` // allowed, e.g. sanitize, format; empty: all, strongest first
	Samples int      `json:"samples"`           // places of each disk that are read back
}

// Erased is how the erase of one disk went.
type Erased struct {
	Disk      inventory.Disk `json:"disk"`
	Method    string         `json:"method"` // the one that did it
	Tried     []string       `json:"tried,omitempty"`
	Pattern   string         `json:"pattern"` // what was read back: zeros, ones, random (crypto erase), changed
	Samples   int            `json:"samples"`
	Began     time.Time      `json:"began_at"`
	Ended     time.Time      `json:"ended_at"`
	Residual  []string       `json:"residual,omitempty"` // what this method does not reach, in words
	Reason    string         `json:"reason,omitempty"`   // why it is not erased
	Succeeded bool           `json:"succeeded"`
}

// BurnOrder says what is worked and for how long.
type BurnOrder struct {
	Seconds int      `json:"seconds"`         // of work, that of earlier attempts included
	Done    int      `json:"done,omitempty"`  // of them earlier attempts did: the machine restarted
	Tests   []string `json:"tests"`           // cpu, memory, disk, network
	Write   bool     `json:"write,omitempty"` // disks of the permit are written too
	Peer    string   `json:"peer,omitempty"`  // path on the server that is a source (GET with ?bytes=) and a sink (POST) of bytes; empty: none
}

// Burned is what one attempt of a burn-in found so far.
type Burned struct {
	Seconds int        `json:"seconds"` // of work by this attempt
	Figures []BurnFact `json:"figures"`
	Errors  []string   `json:"errors,omitempty"` // what went wrong, one line each, at most MaxBurnErrors
	Notes   []string   `json:"notes,omitempty"`  // what could not be worked, and is no error
}

// Bounds of what a burn-in reports.
const (
	MaxBurnFigures = 1024
	MaxBurnErrors  = 64
	MaxBurnLine    = 300 // bytes of an error or a note
)

// BurnFact is one measured figure of one part.
type BurnFact struct {
	Test   string  `json:"test"`           // cpu, memory, disk, network
	Part   string  `json:"part,omitempty"` // e.g. a disk's serial, a NIC's name; empty: the whole
	Of     string  `json:"of,omitempty"`   // what parts are alike by: a disk's model, a NIC's driver and speed
	Name   string  `json:"name"`           // e.g. read_linear
	Value  float64 `json:"value"`
	Unit   string  `json:"unit"`             // e.g. MiB/s
	Fold   Fold    `json:"fold,omitempty"`   // how the figures of attempts become one; empty: the last
	Better string  `json:"better,omitempty"` // more or less: compared with siblings; empty: not compared
}

// Fold is how figures of several attempts become one.
type Fold string

// The folds.
const (
	FoldSum   Fold = "sum"
	FoldLeast Fold = "least"
	FoldMost  Fold = "most"
	FoldMean  Fold = "mean" // by seconds of work
)

// RescueOrder lets a person in.
type RescueOrder struct {
	AuthorizedKeys []string `json:"authorized_keys"`  // one-time keys, authorized_keys lines
	Seconds        int      `json:"seconds"`          // that are left; the agent's clock may be wrong
	Serial         bool     `json:"serial,omitempty"` // a shell on the serial console as well
}

// Door says how to get in.
type Door struct {
	Address string `json:"address"`  // host:port
	HostKey string `json:"host_key"` // authorized_keys form; compare before typing anything
}

// LiveOrder runs a root file system in memory.
type LiveOrder struct {
	Image   string   `json:"image"`
	Digest  string   `json:"digest"` // of the manifest of the tar
	Sources []Source `json:"sources,omitempty"`
	Seed    Seed     `json:"seed"`
}
