package deploy_test

import (
	"strings"
	"testing"
	"time"

	"rackwright/deploy"
	"rackwright/inventory"
	"rackwright/journal"
)

func TestWhySaysInOneSentenceWhatAMachineWaitsFor(t *testing.T) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	seen := []journal.Event{{Kind: journal.OpStep, Summary: "a step", At: now}, {Kind: journal.DHCPIgnored, Summary: "a DISCOVER from another network", At: now.Add(-90 * time.Second)}}
	in := func(p inventory.Phase) inventory.Machine {
		return inventory.Machine{Name: "n1", Phase: p, Image: "debian-12"}
	}
	waits, parked, failed := at(t, deploy.StepDHCP, deploy.Running), at(t, deploy.StepDHCP, deploy.Parked), at(t, deploy.StepWrite, deploy.Failed)
	waits.Step().Started, waits.Step().Total, waits.Step().Note = now.Add(-time.Minute), 0, ""
	parked.Reason, parked.Message, parked.Hint = "deadline-dhcp", "no packet came", "look at the cable"
	failed.Message = "the disk is gone"
	writes := at(t, deploy.StepWrite, deploy.Running)
	writes.Step().Note = "connection lost"
	ill := in(inventory.Discovered)
	ill.Conditions = []inventory.Condition{{Type: "bmc-unreachable", Evidence: "no answer", Hint: "check its cable"}}
	passed := in(inventory.Verified)
	passed.Conditions = []inventory.Condition{{Type: "dimm-missing", Subject: "A5", Waived: inventory.Waived{By: "ada", At: now}}}
	if got := deploy.Why(passed, nil, nil, now); strings.Contains(got, "dimm-missing") {
		t.Errorf("a waived condition is told as what stops it: %s", got)
	}
	kept := in(inventory.Maintenance)
	kept.Hold = &inventory.Hold{By: "ann", Reason: "fan", Until: time.Unix(60, 0)}
	for want, c := range map[string]struct {
		m      inventory.Machine
		op     *deploy.Operation
		events []journal.Event
	}{
		"n1 has a deploy queued since 1m0s: no worker has taken it.":                                 {in(inventory.Planned), &deploy.Operation{Kind: deploy.Deploy, State: deploy.Queued, Created: now.Add(-time.Minute)}, nil},
		"waiting for its DHCPDISCOVER for 1m0s; last seen: a DISCOVER from another network (1m30s a": {in(inventory.Planned), waits, seen},
		"nothing was seen of it yet": {in(inventory.Planned), waits, seen[:1]},
		`its deploy stopped at "DHCP" (deadline-dhcp): no packet came; look at the cable.`: {in(inventory.Planned), parked, nil},
		"the agent is writing the image (55 %) (attempt 3 of 3 after: connection lost)":    {in(inventory.Planned), writes, nil},
		"its last deploy failed: the disk is gone.":                                        {in(inventory.Discovered), failed, nil},
		"n1 is discovered, but bmc-unreachable: no answer; check its cable.":               {ill, nil, nil},
		"is it powered, cabled to its planned network":                                     {in(inventory.Planned), nil, nil},
		"n1 is racked: fewer than two of its identifiers":                                  {in(inventory.Racked), nil, seen},
		"n1 is ready and waits for nothing":                                                {in(inventory.Ready), nil, nil},
		"n1 is active: it runs debian-12.":                                                 {in(inventory.Active), nil, nil},
		"n1 is in maintenance: a person holds it.":                                         {in(inventory.Maintenance), nil, nil},
		"n1 is in maintenance, held by ann until 1970-01-01 00:01 UTC: fan.":               {kept, nil, nil},
		"n1 is retired.": {in(inventory.Retired), nil, nil},
	} {
		got := deploy.Why(c.m, c.op, c.events, now)
		if !strings.Contains(got, want) || !strings.HasPrefix(got, "n1 ") || strings.Contains(got, "\n") {
			t.Errorf("got %q, want %q in it", got, want)
		}
	}
}

func TestWhyFindsWordsForEveryStep(t *testing.T) {
	image := func(m deploy.Method) deploy.Order { return deploy.Order{Digest: "sha256:0", Method: m} }
	for _, of := range []struct {
		kind  deploy.Kind
		order deploy.Order
	}{
		{deploy.Deploy, image(deploy.ByDisk)}, {deploy.Deploy, image(deploy.ByInstall)}, {deploy.Deploy, image(deploy.ByNetboot)}, {deploy.Deploy, image(deploy.ByLive)},
		{deploy.Deploy, image(deploy.ByMedia)}, {deploy.Deploy, image(deploy.ByLocal)}, {deploy.Inspect, deploy.Order{}}, {deploy.Power, deploy.Order{Power: "on"}},
		{deploy.Locate, deploy.Order{Locate: "off"}}, {deploy.Erase, deploy.Order{Erase: &deploy.EraseOrder{}}}, {deploy.BurnIn, deploy.Order{Burn: &deploy.BurnOrder{Seconds: 60}}},
		{deploy.Rescue, deploy.Order{Rescue: &deploy.RescueOrder{Serial: true, Seconds: 60}}}, {deploy.Manage, deploy.Order{BMC: &deploy.BMCOrder{Do: deploy.BMCReset}}},
		{deploy.Claim, deploy.Order{Claim: &deploy.ClaimOrder{}}},
	} {
		steps, err := deploy.Plan(of.kind, deploy.Subject{Machine: racked(), Order: of.order})
		if err != nil {
			t.Fatal(of.kind, err)
		}
		for i := range steps {
			steps[i].Started = time.Unix(1, 0)
			o := &deploy.Operation{Kind: of.kind, State: deploy.Running, Steps: steps, Current: i}
			if got := deploy.Why(racked(), o, nil, time.Unix(2, 0)); strings.Contains(got, ":  for") {
				t.Errorf("%s: %q", steps[i].Name, got)
			}
		}
	}
}
