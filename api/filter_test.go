package api_test

import (
	"strings"
	"testing"

	"rackwright/api/wire"
	"rackwright/deploy"
	"rackwright/inventory"
)

func TestListsAreNarrowedByWhatIsToldOfThings(t *testing.T) {
	s, url := rack(t)
	s.Change("m1", func(m *inventory.Machine) {
		m.Image, m.AssetTag, m.Phase = "debian", "Inv-7", inventory.Active
		m.Conditions = []inventory.Condition{{Type: inventory.BMCUnusable}}
	})
	s.Change("m2", func(m *inventory.Machine) { m.Hold, m.Phase = &inventory.Hold{By: "ann"}, inventory.Maintenance })
	for query, want := range map[string]string{
		"image=debian": "m1", "asset_tag=INV-7": "m1", "condition=bmc-unusable": "m1", "held=true": "m2", "vendor=None": "", "serial=none": "",
		"phase=active&phase=maintenance": "m1 m2", "phase=maintenance": "m2", "phase=planned&phase=ready": "",
	} {
		answer, text := ask(t, "GET", url+"/machines?"+query, "")
		var names []string
		for _, m := range decode[wire.List[inventory.Machine]](t, text).Items {
			names = append(names, m.Name)
		}
		if got := strings.Join(names, " "); answer.StatusCode != 200 || got != want {
			t.Errorf("%s: %s %q, want %q", query, answer.Status, got, want)
		}
	}
	ask(t, "POST", url+"/machines/m1/actions/inspect", "{}")
	for query, want := range map[string]int{"kind=inspect&kind=deploy": 1, "kind=deploy&kind=power": 0, "state=queued&state=running&rack=r1": 1, "rack=r9": 0} {
		if _, text := ask(t, "GET", url+"/operations?"+query, ""); len(decode[wire.List[deploy.Operation]](t, text).Items) != want {
			t.Errorf("%s: %s", query, text)
		}
	}
	for path, want := range map[string]string{
		"/machines?sort=updated":     "updated_at",
		"/machines?phase=asleep":     "phase",
		"/machines?serail=1":         "serial",
		"/operations?state=lost":     "state",
		"/leases?mac=xx":             "mac",
		"/leases?netwrok=a":          "network",
		"/machines?held=true&held=1": "held",
	} {
		if answer, text := ask(t, "GET", url+path, ""); answer.StatusCode != 400 && answer.StatusCode != 422 || !strings.Contains(text, want) {
			t.Errorf("%s: %s %s", path, answer.Status, text)
		}
	}
	if _, text := ask(t, "GET", url+"/leases?network=none", ""); len(decode[wire.List[inventory.Lease]](t, text).Items) != 0 {
		t.Error(text)
	}
}
