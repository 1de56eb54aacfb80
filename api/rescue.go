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
	verb(s, "rescue", "Netboot the machine and let a person in, by SSH with keys good for this once", s.toRescue, func(in *wire.Rescue) bool { return in.DryRun })
}

func (s *server) toRescue(ctx context.Context, machine string, in *wire.Rescue, _ bool) (task, error) {
	keys, err := rescueKeys(in.SSHKeys)
	if err != nil {
		return task{}, err
	}
	m, err := s.Store.Machine(ctx, machine)
	return task{kind: deploy.Rescue, machine: m, order: deploy.Order{Rescue: &deploy.RescueOrder{Keys: keys, Seconds: in.Seconds, Serial: in.Serial}}}, err
}

// rescueKeys refuses what the agent would not obey: a key with options.
func rescueKeys(lines []string) ([]string, error) {
	keys, err := sshKeys(lines)
	if err != nil {
		return nil, err
	}
	if keys == nil { // the answer has a list
		keys = []string{}
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
