package bmc

import (
	"context"
	"crypto/x509"
	"time"

	"rackwright/fault"
	"rackwright/inventory"
)

// Unable is a Controller that can do nothing: every method is Invalid. Drivers embed it and
// override what their protocol has. Certificate is empty and Close does nothing.
type Unable struct {
	Address  string
	Protocol string // e.g. IPMI
}

var _ Controller = Unable{}

func (u Unable) cannot(what string) error {
	return fault.Invalidf("BMC %s cannot %s over %s", u.Address, what, u.Protocol).
		WithHint("a BMC with Redfish can; where this one has it, give its https address in the plan")
}

// Power is Invalid.
func (u Unable) Power(context.Context) (inventory.Power, error) {
	return inventory.PowerUnknown, u.cannot("read the power state")
}

// On is Invalid.
func (u Unable) On(context.Context) error { return u.cannot("switch the power on") }

// Off is Invalid.
func (u Unable) Off(context.Context, time.Duration) error { return u.cannot("switch the power off") }

// Cycle is Invalid.
func (u Unable) Cycle(context.Context) error { return u.cannot("cycle the power") }

// Reset is Invalid.
func (u Unable) Reset(context.Context) error { return u.cannot("reset the machine") }

// ResetBMC is Invalid.
func (u Unable) ResetBMC(context.Context) error { return u.cannot("restart itself") }

// SetNextBoot is Invalid.
func (u Unable) SetNextBoot(context.Context, Boot) error { return u.cannot("set the next boot") }

// NextBoot is Invalid.
func (u Unable) NextBoot(context.Context) (Boot, error) {
	return Boot{}, u.cannot("tell the next boot")
}

// BootOrder is Invalid.
func (u Unable) BootOrder(context.Context) ([]BootOption, error) {
	return nil, u.cannot("tell the boot order")
}

// SetBootOrder is Invalid.
func (u Unable) SetBootOrder(context.Context, []string) error { return u.cannot("set the boot order") }

// SecureBoot is Invalid.
func (u Unable) SecureBoot(context.Context) (SecureBoot, error) {
	return SecureBoot{}, u.cannot("tell the state of Secure Boot")
}

// SetSecureBoot is Invalid.
func (u Unable) SetSecureBoot(context.Context, bool) error { return u.cannot("change Secure Boot") }

// ResetSecureBootKeys is Invalid.
func (u Unable) ResetSecureBootKeys(context.Context, string) error {
	return u.cannot("change the keys of Secure Boot")
}

// TrustAuthority is Invalid.
func (u Unable) TrustAuthority(context.Context, *x509.Certificate) error {
	return u.cannot("enrol an authority for HTTPS boot")
}

// Media is Invalid.
func (u Unable) Media(context.Context) ([]Medium, error) { return nil, u.cannot("list virtual drives") }

// InsertMedia is Invalid.
func (u Unable) InsertMedia(context.Context, string) error { return u.cannot("insert virtual media") }

// EjectMedia is Invalid.
func (u Unable) EjectMedia(context.Context) error { return u.cannot("eject virtual media") }

// Identity is Invalid.
func (u Unable) Identity(context.Context) (inventory.Facts, error) {
	return inventory.Facts{}, u.cannot("tell which machine it is")
}

// Facts is Invalid.
func (u Unable) Facts(context.Context) (inventory.Facts, error) {
	return inventory.Facts{}, u.cannot("tell its parts")
}

// Readings is Invalid.
func (u Unable) Readings(context.Context) (Readings, error) {
	return Readings{}, u.cannot("read sensors")
}

// Log is Invalid.
func (u Unable) Log(context.Context, int) ([]Entry, error) { return nil, u.cannot("read its log") }

// ClearLog is Invalid.
func (u Unable) ClearLog(context.Context) error { return u.cannot("clear its log") }

// Settings is Invalid.
func (u Unable) Settings(context.Context) (Settings, error) {
	return Settings{}, u.cannot("read BIOS settings")
}

// StageSettings is Invalid.
func (u Unable) StageSettings(context.Context, map[string]string) error {
	return u.cannot("change BIOS settings")
}

// Components is Invalid.
func (u Unable) Components(context.Context) ([]Component, error) {
	return nil, u.cannot("list firmware")
}

// StartUpdate is Invalid.
func (u Unable) StartUpdate(context.Context, Update) (Task, error) {
	return Task{}, u.cannot("update firmware")
}

// Task is Invalid.
func (u Unable) Task(context.Context, string) (Task, error) {
	return Task{}, u.cannot("tell of a task")
}

// Accounts is Invalid.
func (u Unable) Accounts(context.Context) ([]Account, error) { return nil, u.cannot("list accounts") }

// CreateAccount is Invalid.
func (u Unable) CreateAccount(context.Context, string, string, string) error {
	return u.cannot("create an account")
}

// SetPassword is Invalid.
func (u Unable) SetPassword(context.Context, string, string) error {
	return u.cannot("change a password")
}

// DisableAccount is Invalid.
func (u Unable) DisableAccount(context.Context, string) error { return u.cannot("disable an account") }

// Protocols is Invalid.
func (u Unable) Protocols(context.Context) ([]Protocol, error) {
	return nil, u.cannot("list its services")
}

// SetProtocol is Invalid.
func (u Unable) SetProtocol(context.Context, string, bool) error { return u.cannot("switch a service") }

// Clock is Invalid.
func (u Unable) Clock(context.Context) (Clock, error) { return Clock{}, u.cannot("tell the time") }

// SetClock is Invalid.
func (u Unable) SetClock(context.Context, []string) error { return u.cannot("set its clock") }

// ReplaceCertificate is Invalid.
func (u Unable) ReplaceCertificate(context.Context, SignRequest) error {
	return u.cannot("take a certificate")
}

// Console is Invalid.
func (u Unable) Console(context.Context) (Console, error) {
	return Console{}, u.cannot("tell of a serial console")
}

// Place is Invalid.
func (u Unable) Place(context.Context) (Place, error) { return Place{}, u.cannot("tell where it is") }

// SetPlace is Invalid.
func (u Unable) SetPlace(context.Context, Place) error { return u.cannot("be told where it is") }

// Subscribe is Invalid.
func (u Unable) Subscribe(context.Context, string, string) (string, error) {
	return "", u.cannot("push events")
}

// Subscriptions is Invalid.
func (u Unable) Subscriptions(context.Context) ([]Subscription, error) {
	return nil, u.cannot("list subscriptions")
}

// Unsubscribe is Invalid.
func (u Unable) Unsubscribe(context.Context, string) error { return u.cannot("end a subscription") }

// Stream is Invalid.
func (u Unable) Stream(context.Context, func(Entry)) error { return u.cannot("stream events") }

// WatchConsole is Invalid.
func (u Unable) WatchConsole(context.Context, ConsoleView) error {
	return u.cannot("show the serial console")
}

// Progress is Invalid.
func (u Unable) Progress(context.Context) (string, error) {
	return "", u.cannot("tell how far the start is")
}

// Locate is Invalid.
func (u Unable) Locate(context.Context, bool) error { return u.cannot("blink a locator LED") }

// Certificate is empty: none was shown.
func (u Unable) Certificate() string { return "" }

// Close does nothing.
func (u Unable) Close(context.Context) error { return nil }
