package journal

import "testing"

func TestAFilterPicksByKindPlaceMachineAndSeverity(t *testing.T) {
	e := Placed{Event: Event{Kind: OpState, Machine: "id-1", Name: "m1", Operation: "op-1", Detail: map[string]any{"state": "parked"}},
		Place: Place{Site: "lab", Rack: "r1", Project: "red"}}
	for _, c := range []struct {
		name string
		f    Filter
		want bool
	}{
		{"nothing asked", Filter{}, true},
		{"its kind", Filter{Kinds: []string{"op.state"}}, true},
		{"the family of its kind", Filter{Kinds: []string{"dhcp", "op"}}, true},
		{"the beginning of a word is no family", Filter{Kinds: []string{"o", "op.st"}}, false},
		{"its machine by id", Filter{Machines: []string{"id-1"}}, true},
		{"its machine by name", Filter{Machines: []string{"m1"}}, true},
		{"another machine", Filter{Machines: []string{"m2"}}, false},
		{"its rack in its site", Filter{Racks: []string{"r1"}, Sites: []string{"lab"}}, true},
		{"its rack in another site", Filter{Racks: []string{"r1"}, Sites: []string{"hall"}}, false},
		{"another project", Filter{Projects: []string{"blue"}}, false},
		{"its operation", Filter{Operation: "op-1"}, true},
		{"another operation", Filter{Operation: "op-2"}, false},
		{"as bad as it is", Filter{Severity: Failure}, true},
		{"warnings and worse", Filter{Severity: Warning}, true},
	} {
		if got := c.f.Match(&e); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	calm := Placed{Event: Event{Kind: DHCPAnswered}}
	if f := (Filter{Severity: Warning}); f.Match(&calm) {
		t.Error("an answer to DHCP counts as a warning")
	}
	if f := (Filter{Racks: []string{"r1"}}); f.Match(&calm) {
		t.Error("an event of no machine stands in a rack")
	}
}
