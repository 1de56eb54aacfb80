package racksim

import "context"

// PowerState is a machine's power state, with the names of Redfish Resource.PowerState.
type PowerState string

// The power states a machine passes through.
const (
	Off         PowerState = "Off"
	On          PowerState = "On"
	PoweringOn  PowerState = "PoweringOn"
	PoweringOff PowerState = "PoweringOff"
)

// Hardware is what a BMC is soldered to: one machine of some kind. A machine asks the
// BootSetup it was made with at every start, its own reboots included, so that a boot
// override works as in real firmware. All methods are safe for concurrent use; power
// verbs are carried out one at a time, in the order they came.
type Hardware interface {
	// Run holds the machine's parts (taps, disk files) until ctx ends, then switches
	// it off and lets go of them. Call it once; power verbs before Ready fail with
	// fault.Conflict.
	Run(ctx context.Context) error
	// Ready is closed when power verbs work.
	Ready() <-chan struct{}
	// Power is the state now.
	Power() PowerState
	// Changed is closed at the next change of Power.
	Changed() <-chan struct{}
	// Fault is why the machine is off although nobody switched it off; nil if nothing
	// is wrong.
	Fault() error

	// PowerOn starts the machine; nothing happens when it is on.
	PowerOn(ctx context.Context) error
	// ForceOff cuts the power and returns when the machine is off.
	ForceOff(ctx context.Context) error
	// Restart resets a running machine at once; fault.Conflict when it is off.
	Restart(ctx context.Context) error
	// PressPower presses the power button once: the operating system may shut down,
	// later or never. fault.Conflict when it is off.
	PressPower(ctx context.Context) error
	// Interrupt sends a non-maskable interrupt; fault.Conflict when it is off.
	Interrupt(ctx context.Context) error
	// Insert puts the ISO image at path into the virtual CD drive; "" empties it.
	Insert(ctx context.Context, path string) error
}

// Await returns when h has reached the wanted state, or with ctx's error.
func Await(ctx context.Context, h Hardware, want PowerState) error {
	for {
		changed := h.Changed()
		if h.Power() == want {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
