package main

import (
	"strings"
	"testing"
	"time"

	"rackwright/deploy"
)

func TestAPersonIsToldWhatToTypeAndWhichKeyToExpect(t *testing.T) {
	o := deploy.Operation{ID: "op-1", Name: "m1", Kind: deploy.Rescue, State: deploy.Running, Order: deploy.Order{Rescue: &deploy.RescueOrder{Seconds: 3600}},
		Steps: []deploy.Step{{Name: deploy.StepRescue, Started: time.Unix(1_800_000_000, 0), Door: &deploy.Door{Address: "10.0.0.11:22", HostKey: "ssh-ed25519 AAAA"}}}}
	var out strings.Builder
	printRescue(&out, o)
	for _, want := range []string{"ssh -p 22 root@10.0.0.11\n", "10.0.0.11 ssh-ed25519 AAAA\n", "rackwright operation cancel op-1"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in %s", want, out.String())
		}
	}
	out.Reset()
	printDoor(&out, deploy.Door{Address: "[fd00::1]:2222", HostKey: "ssh-ed25519 AAAA"})
	if want := "ssh -p 2222 root@fd00::1\nknown_hosts:  [fd00::1]:2222 ssh-ed25519 AAAA\n"; !strings.HasSuffix(out.String(), want) {
		t.Errorf("got %q", out.String())
	}
	o.State = deploy.Succeeded
	if doorOf(o) != nil {
		t.Error("the door is shown after the end")
	}
}
