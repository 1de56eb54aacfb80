package bmctest

import (
	"slices"
	"testing"

	"rackwright/fault"
)

// Group is a part of the contract that a BMC may lack. Its calls are Invalid there.
type Group string

// The groups.
const (
	Restarts    Group = "restarts"     // Reset
	SelfRestart Group = "self-restart" // ResetBMC
	Lasting     Group = "lasting"      // an override for every start
	Once        Group = "once"         // an override for the next start only; without it each one lasts
	Order       Group = "order"        // BootOrder, SetBootOrder
	SecureBoots Group = "secure-boot"  // SecureBoot, SetSecureBoot
	KeyResets   Group = "key-resets"   // ResetSecureBootKeys
	Drives      Group = "drives"       // virtual media
	Setups      Group = "setups"       // BIOS settings
	Updates     Group = "updates"      // Components, StartUpdate, Task
	Sensors     Group = "sensors"      // Readings
	Logs        Group = "logs"         // Log
	LogClears   Group = "log-clears"   // ClearLog
	Pushes      Group = "pushes"       // Subscribe, Subscriptions, Unsubscribe
	Streams     Group = "streams"      // Stream
	Authorities Group = "authorities"  // TrustAuthority
)

// misses reports whether the BMC lacks the group, having checked that it says so.
func (s suite) misses(t *testing.T, g Group, call func() error) bool {
	t.Helper()
	if !slices.Contains(s.hooks.Without, g) {
		return false
	}
	if err := call(); !fault.Is(err, fault.Invalid) || fault.HintOf(err) == "" {
		t.Errorf("a BMC without %s answers %v (%s), want Invalid with a hint", g, err, fault.HintOf(err))
	}
	return true
}

// able is ok for what a stranger may lack, if it says so.
func (s suite) able(t *testing.T, what string, err error) {
	t.Helper()
	if s.hooks.Stranger && fault.Is(err, fault.Invalid) && fault.HintOf(err) != "" {
		t.Skipf("this BMC cannot: %v", err)
	}
	ok(t, what, err)
}
