package api

import (
	"context"
	"fmt"

	"golang.org/x/crypto/ssh"

	"rackwright/api/wire"
	"rackwright/deploy"
	"rackwright/fault"
)

// rescues registers the route that lets a person into a machine.
func (s *server) rescues() {
	route(s, s.action("rescue", "Netboot the machine and let a person in, by SSH with keys good for this once"), func(ctx context.Context, in *struct {
		MachineIn
		Body wire.Rescue
	}) (*begun, error) {
		keys, err := rescueKeys(in.Body.SSHKeys)
		if err != nil {
			return nil, err
		}
		m, err := s.Store.Machine(ctx, in.Machine)
		if err != nil {
			return nil, err
		}
		order := deploy.Order{Rescue: &deploy.RescueOrder{Keys: keys, Seconds: in.Body.Seconds, Serial: in.Body.Serial}}
		return s.start(ctx, deploy.Rescue, m, order, in.Body.DryRun)
	})
}

// rescueKeys refuses what the agent would not obey: a key with options.
func rescueKeys(lines []string) ([]string, error) {
	keys, err := sshKeys(lines)
	if err != nil {
		return nil, err
	}
	for i, k := range keys {
		if _, _, options, _, _ := ssh.ParseAuthorizedKey([]byte(k)); len(options) > 0 {
			words := "has options, which a rescue does not obey"
			return nil, &fault.Error{Kind: fault.Invalid, Message: "an SSH key " + words, Hint: "give the content of a .pub file, without options",
				Fields: []fault.Field{{Path: fmt.Sprintf("body.ssh_keys[%d]", i), Message: words}}}
		}
	}
	return keys, nil
}
