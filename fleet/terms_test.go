package fleet

import (
	"strings"
	"testing"

	"rackwright/fault"
	"rackwright/inventory"
)

func TestAFailureDomainIsARacksLabelOrPlace(t *testing.T) {
	r := inventory.Rack{Name: "r1", Row: "a", Room: "x", Labels: map[string]string{"feed": "B", "room": "label"}}
	for domain, want := range map[string]string{"": "r1", "rack": "r1", "row": "a", "room": "label", "feed": "B"} {
		terms := Terms{Domain: domain}
		if err := terms.Within([]inventory.Rack{r}); err != nil || terms.DomainOf(&r) != want {
			t.Errorf("%s: %q, want %q (%v)", domain, terms.DomainOf(&r), want, err)
		}
	}
	terms := Terms{Domain: "fede"}
	if err := terms.Within([]inventory.Rack{r}); !fault.Is(err, fault.Invalid) || fault.HintOf(err) != "a failure domain is one of feed, rack, room, row, site" {
		t.Errorf("%v: %s", err, fault.HintOf(err))
	}
	if terms.DomainOf(nil) != "" {
		t.Error("a machine in no rack")
	}
}

func TestTermsThatCannotGoAreRefused(t *testing.T) {
	for name, bad := range map[string]Terms{"nobody": {Size: 1}, "no-size": {Racks: []string{"r1"}}, "canary": {Racks: []string{"r1"}, Canary: -1, Size: 1},
		"percent": {AllReady: true, Size: 1, MaxFailures: 101}, "Bad Name": {Racks: []string{"r1"}, Size: 1}} {
		if err := bad.Check(Campaign, name); !fault.Is(err, fault.Invalid) || fault.HintOf(err) == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := New(Rollout, "f", Terms{Racks: []string{"r1", "r2"}, Labels: []string{"role=web"}, AllReady: true}, nil)
	if !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "no machine is in rack r1 or r2 and labelled role=web and in phase ready") {
		t.Error(err)
	}
}

func TestCanariesAreOfAsManyModelsAsPossibleAndWavesKeepWithinADomain(t *testing.T) {
	var members []Member
	for i, m := range []Member{{Model: "x1", Domain: "a"}, {Model: "x1", Domain: "a"}, {Model: "x2", Domain: "b"}, {Model: "x2", Domain: "b"}, {Model: "x2", Domain: "a", Active: true}} {
		m.State, m.Name = Waiting, string(rune('a'+i))
		members = append(members, m)
	}
	got := ""
	for _, m := range lay(members, Terms{Canary: 2, Size: 3}) {
		got += " " + m.Name + string(rune('0'+m.Wave))
	}
	if got != " a0 c0 b1 d2 e3" {
		t.Errorf("laid as%s", got)
	}
}
