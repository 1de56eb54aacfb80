package bmc

import "context"

// ConsoleView is how somebody looks at a serial console.
type ConsoleView struct {
	HostKey string                         // SHA256:... of the key that the console is to show; empty: the first is trusted
	Pin     func(fingerprint string) error // told the key at first contact, before the password is sent; may refuse it
	Opened  func()                         // told when the console is open
	See     func(p []byte)                 // told what it says; p is not kept
}

// Terminal passes the machine's serial console on.
type Terminal interface {
	// WatchConsole shows what the console says until ctx ends or the connection breaks, and
	// types nothing but what enters it. Invalid when the BMC passes none on in a way that is
	// spoken here; Denied for a wrong password or another host key than the pinned one.
	WatchConsole(ctx context.Context, v ConsoleView) error
}
