package bmc

import (
	"context"
	"crypto/x509"

	"rackwright/inventory"
)

// Target is where a machine boots next (Redfish BootSourceOverrideTarget).
type Target string

// The targets.
const (
	BootNone  Target = "none" // follow the machine's own boot order
	BootPXE   Target = "pxe"
	BootHTTP  Target = "http" // UEFI HTTP boot
	BootDisk  Target = "disk"
	BootCD    Target = "cd"    // the virtual CD drive
	BootSetup Target = "setup" // BIOS set-up
)

// Targets lists them.
func Targets() []Target {
	return []Target{BootNone, BootPXE, BootHTTP, BootDisk, BootCD, BootSetup}
}

// Boot is a boot override, for the next start only unless it is lasting.
type Boot struct {
	Target  Target             `json:"target" enum:"none,pxe,http,disk,cd,setup"`
	Mode    inventory.Firmware `json:"mode,omitempty" enum:"bios,uefi" doc:"Empty leaves the mode alone (Legacy in Redfish is bios)"`
	URI     string             `json:"uri,omitempty" doc:"Of http: what to load; empty: what DHCP says"`
	Lasting bool               `json:"lasting,omitempty" doc:"For every start until it is cleared (Continuous), not for the next only"`
}

// BootOption is an entry of the machine's own boot order.
type BootOption struct {
	Reference string `json:"reference" doc:"What the order lists, e.g. Boot0003"`
	Name      string `json:"name,omitempty"`
	Device    string `json:"device,omitempty" doc:"UEFI device path"`
	Disabled  bool   `json:"disabled,omitempty"`
}

// SecureBoot is how UEFI Secure Boot stands. On is what is asked for, Running what the
// present start had.
type SecureBoot struct {
	On      bool   `json:"on"`
	Running bool   `json:"running"`
	Mode    string `json:"mode,omitempty" doc:"SetupMode, UserMode, AuditMode, DeployedMode"`
	Keys    []Keys `json:"keys,omitempty" nullable:"false"`
}

// Keys is one database of Secure Boot: PK, KEK, db, dbx.
type Keys struct {
	Database     string `json:"database"`
	Certificates int    `json:"certificates"`
	Signatures   int    `json:"signatures,omitempty"`
}

// What ResetSecureBootKeys can do (Redfish ResetKeysType).
const (
	KeysToDefault = "default"   // those the vendor shipped
	KeysDelete    = "delete"    // all of them: the firmware goes to set-up mode
	KeysDeletePK  = "delete-pk" // the platform key only
)

// Starter decides what a machine starts.
type Starter interface {
	// SetNextBoot sets the override and verifies it; BootNone clears it.
	SetNextBoot(ctx context.Context, b Boot) error
	// NextBoot reads the override that is in force.
	NextBoot(ctx context.Context) (Boot, error)
	// BootOrder reads the machine's own order, first first.
	BootOrder(ctx context.Context) ([]BootOption, error)
	// SetBootOrder makes it, by references; those left out come after, as they were. It
	// takes effect at the next reset where the BMC stages it.
	SetBootOrder(ctx context.Context, references []string) error
	// SecureBoot reads the state.
	SecureBoot(ctx context.Context) (SecureBoot, error)
	// SetSecureBoot asks for it from the next reset on.
	SetSecureBoot(ctx context.Context, on bool) error
	// ResetSecureBootKeys does one of KeysToDefault, KeysDelete, KeysDeletePK.
	ResetSecureBootKeys(ctx context.Context, what string) error
	// TrustAuthority has UEFI HTTP boot trust the servers that an authority signs for, from
	// the next reset on. Others of the same subject, which it took the place of, are removed.
	TrustAuthority(ctx context.Context, authority *x509.Certificate) error
}
