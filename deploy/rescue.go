package deploy

import (
	"encoding/base64"
	"net/netip"
	"strings"
	"time"

	"rackwright/fault"
)

// Bounds of a rescue.
const (
	MinRescue = time.Minute
	MaxRescue = 24 * time.Hour
	MaxKeys   = 64
)

// Door is how a person gets into a machine.
type Door struct {
	Address string `json:"address" doc:"host:port of its SSH server"`
	HostKey string `json:"host_key" doc:"The key it was started with, as authorized_keys has it; it is made anew each time"`
}

// planRescue lets a person into the netbooted machine for a while, then restarts it from
// its disk. It changes nothing by itself, so a machine in any phase may have one.
func planRescue(s Subject) ([]Step, error) {
	o := s.Order.Rescue
	if o == nil || len(o.Keys) == 0 && !o.Serial {
		return nil, fault.Invalidf("rescue %s: who may log in?", s.Machine.Name).WithHint("give an SSH key, or ask for the serial console")
	}
	long := time.Duration(o.Seconds) * time.Second
	if long < MinRescue || long > MaxRescue {
		return nil, fault.Invalidf("a rescue cannot take %s", long).WithHint("say %s to %s", MinRescue, MaxRescue)
	}
	if len(o.Keys) > MaxKeys {
		return nil, fault.Invalidf("a rescue takes at most %d keys", MaxKeys)
	}
	if err := netbootable(s.Machine); err != nil {
		return nil, err
	}
	steps := append(netboot(s.Machine), step(StepRescue, "rescue", 3, long+15*time.Minute))
	if s.Machine.BMC != nil {
		steps = append(steps, step(StepBootDisk, "boot from disk", 5, 5*time.Minute))
	}
	return append(steps, step(StepReboot, "rebooting", 3, 10*time.Minute), step(StepSettle, "rescued", 5, time.Minute)), nil
}

// NewDoor takes what an agent says of its door, if it is an address and a key and nothing
// else: people paste it.
func NewDoor(address, hostKey string) (Door, bool) {
	at, err := netip.ParseAddrPort(address)
	kind, key, ok := strings.Cut(hostKey, " ")
	if err != nil {
		return Door{}, address == "" && hostKey == "" // the serial console only
	}
	_, bad := base64.StdEncoding.DecodeString(key)
	if !ok || kind != "ssh-ed25519" || bad != nil || len(key) > 1024 {
		return Door{}, false
	}
	return Door{Address: at.String(), HostKey: hostKey}, true
}
