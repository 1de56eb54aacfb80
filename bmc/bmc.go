// Package bmc says what any management controller can do: power, next boot, facts.
// It speaks to none; drivers stand in sub-folders and pass the suite in bmctest.
package bmc

import (
	"context"
	"time"

	"rackwright/inventory"
)

// Access is how to reach one BMC. Password is in the clear: it lives only in memory,
// and String and slog never print it.
type Access struct {
	Address           string // https://host[:port]
	Username          string
	Password          string
	CertificateSHA256 string // pinned, hexadecimal; empty: trust on first use, see Controller.Certificate
}

// Target is where a machine boots next (Redfish BootSourceOverrideTarget).
type Target string

// The targets.
const (
	BootNone Target = "none" // follow the machine's own boot order
	BootPXE  Target = "pxe"
	BootHTTP Target = "http" // UEFI HTTP boot
	BootDisk Target = "disk"
)

// Boot is a boot override for the next start only.
type Boot struct {
	Target Target
	Mode   inventory.Firmware // UEFI or BIOS ("Legacy" in Redfish); empty leaves the mode alone
}

// Controller is one BMC in hand. Every method is bounded by ctx; every change is read
// back until it is true or the driver's own deadline passes, and only then returns nil.
// Errors: Unreachable (no answer; retry), Denied (credentials or certificate; do not
// retry, it locks accounts), Conflict (the BMC refuses now), Invalid (it cannot do that).
type Controller interface {
	// Power reads the power state.
	Power(ctx context.Context) (inventory.Power, error)
	// On powers up and returns when the BMC reports on. Already on is no error.
	On(ctx context.Context) error
	// Off asks the system to shut down and forces it off when grace has passed.
	// A grace of zero forces at once. Already off is no error.
	Off(ctx context.Context, grace time.Duration) error
	// Cycle restarts the machine by force; a machine that is off is powered on.
	Cycle(ctx context.Context) error
	// SetNextBoot sets a one-time override and verifies it; BootNone clears it.
	SetNextBoot(ctx context.Context, b Boot) error
	// NextBoot reads the override that is in force.
	NextBoot(ctx context.Context) (Boot, error)
	// Identity reads what tells which machine it is: the system and its ports. A handful
	// of requests.
	Identity(ctx context.Context) (inventory.Facts, error)
	// Facts reads all that the BMC knows of the system's parts, firmware and settings: a
	// hundred requests or more, minutes on an old BMC. What cannot be read is left out.
	Facts(ctx context.Context) (inventory.Facts, error)
	// Locate lights or darkens the LED by which a person finds the machine, and reads it
	// back. Invalid when the BMC has none.
	Locate(ctx context.Context, on bool) error
	// Certificate is the SHA-256 of the certificate the BMC showed, hexadecimal.
	Certificate() string
	// Close ends the session at the BMC.
	Close(ctx context.Context) error
}

// Dialer opens Controllers.
type Dialer interface {
	Dial(ctx context.Context, a Access) (Controller, error)
}
