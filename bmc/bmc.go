// Package bmc says what any management controller can do: power, boot, media, firmware,
// settings, health, accounts. It speaks to none; drivers stand in sub-folders and pass the
// suite in bmctest.
package bmc

import (
	"context"

	"rackwright/inventory"
)

// Access is how to reach one BMC. Password is in the clear: it lives only in memory,
// and String and slog never print it.
type Access struct {
	Address           string // https://host[:port], or ipmi://host[:port]
	Username          string
	Password          string
	CertificateSHA256 string // pinned, hexadecimal; empty: trust on first use, see Controller.Certificate
	Expired           bool   // open although the BMC wants the password changed; then only SetPassword works
}

// Controller is one BMC in hand. Every method is bounded by ctx; every change is read
// back until it is true or the driver's own deadline passes, and only then returns nil.
// Errors: Unreachable (no answer; retry), Denied (credentials or certificate; do not
// retry, it locks accounts), Conflict (the BMC refuses now), Invalid (it cannot do that).
// A driver that lacks a group of methods embeds Unable.
type Controller interface {
	Switch
	Starter
	MediaDrive
	Reader
	Logbook
	Settler
	Updater
	Custodian
	Announcer
	Terminal

	// Locate lights or darkens the LED by which a person finds the machine, and reads it
	// back. Invalid when the BMC has none.
	Locate(ctx context.Context, on bool) error
	// Certificate is the SHA-256 of the certificate the BMC showed, hexadecimal.
	Certificate() string
	// Close ends the session at the BMC.
	Close(ctx context.Context) error
}

// Reader reads what the machine is and how it feels.
type Reader interface {
	// Identity reads what tells which machine it is: the system and its ports. A handful
	// of requests.
	Identity(ctx context.Context) (inventory.Facts, error)
	// Facts reads all that the BMC knows of the system's parts, firmware and settings: a
	// hundred requests or more, minutes on an old BMC. What cannot be read is left out.
	Facts(ctx context.Context) (inventory.Facts, error)
	// Readings reads the sensors and the health the BMC rolls up of them.
	Readings(ctx context.Context) (Readings, error)
	// Progress tells how far the machine's start is, in the words of Redfish's BootProgress
	// (e.g. OSBootStarted); empty where the BMC does not tell.
	Progress(ctx context.Context) (string, error)
}

// Dialer opens Controllers.
type Dialer interface {
	Dial(ctx context.Context, a Access) (Controller, error)
}
