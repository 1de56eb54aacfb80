package api_test

import (
	"net/http"
	"testing"
	"time"

	"rackwright/api/wire"
	"rackwright/inventory"
)

func TestAHoldAndAWaiverHaveTagsOfTheirOwn(t *testing.T) {
	s, url := rack(t)
	tag := func(path string) string {
		t.Helper()
		answer, text := ask(t, "GET", url+path, "")
		if answer.StatusCode != 200 || answer.Header.Get("ETag") == "" {
			t.Fatalf("%s: %s %s", path, answer.Status, text)
		}
		return "If-Match: " + answer.Header.Get("ETag")
	}
	does := func(what, method, path, body, match string, want int) {
		t.Helper()
		if answer, text := ask(t, method, url+path, body, match); answer.StatusCode != want {
			t.Errorf("%s: %s %s", what, answer.Status, text)
		}
	}
	hold, machine, waivers := "/machines/m1/hold", "/machines/m1", "/machines/m1/waivers"
	does("a hold that nobody has", "GET", hold, "", "", 404)
	never := tag(machine)
	s.Change("m1", func(m *inventory.Machine) { m.AssetTag = "x" })
	does("a hold of a machine that was changed", "POST", hold, `{"reason":"fan"}`, never, 412)
	does("a hold of the machine as it is", "POST", hold, `{"reason":"fan"}`, tag(machine), 200)
	first := tag(hold)
	_, text := ask(t, "GET", url+hold, "")
	if h := decode[inventory.Hold](t, text); h.Reason != "fan" || h.By == "" {
		t.Error(text)
	}
	s.Change("m1", func(m *inventory.Machine) { m.AssetTag = "y" })
	if tag(hold) != first {
		t.Error("what changes beside a hold changes its tag")
	}
	does("a longer hold", "POST", hold, `{"reason":"fan and disk"}`, first, 200)
	does("the end of the hold as it was", "DELETE", hold, "", first, 412)
	does("the end without a tag", "DELETE", hold, "", "If-Match: ", 428)
	does("the end by the tag of another machine", "DELETE", hold, "", tag("/machines/m2"), 412)
	does("the end by the machine's old tag", "DELETE", hold, "", never, 412)
	does("a try by the machine's tag", "DELETE", hold+"?dry_run=true", "", tag(machine), 200)
	does("the end of the hold as it is", "DELETE", hold, "", tag(hold), 200)
	does("the end of no hold by an old tag", "DELETE", hold, "", first, 412)

	at := inventory.Waived{By: "ann", Reason: "ordered", At: time.Unix(1_800_000_000, 0)}
	s.Change("m1", func(m *inventory.Machine) {
		m.Conditions = []inventory.Condition{{Type: "dimm-missing", Subject: "A5", Waived: at}, {Type: "dimm-missing", Subject: "A6", Waived: at}, {Type: "disk-missing"}}
	})
	_, text = ask(t, "GET", url+waivers, "")
	if list := decode[wire.List[wire.GivenWaiver]](t, text); len(list.Items) != 2 || list.Items[1].On != "A6" || list.Items[0].Reason != "ordered" {
		t.Error(text)
	}
	does("a waiver that nobody gave", "GET", waivers+"?rule=disk-missing", "", "", 404)
	one := tag(waivers + "?rule=dimm-missing&on=A5")
	s.Change("m1", func(m *inventory.Machine) { m.Conditions[1].Waived.Reason = "not needed" })
	does("another waiver's tag", "DELETE", waivers+"?rule=dimm-missing&on=A6", "", one, 412)
	does("without a tag", "DELETE", waivers+"?rule=dimm-missing&on=A5", "", "If-Match: ", 428)
	does("a waiver given anew by an old tag of all", "POST", waivers, `{"rule":"disk-missing","reason":"x"}`, one, 412)
	if answer, text := ask(t, "DELETE", url+waivers+"?rule=dimm-missing&on=A5", "", one); answer.StatusCode == http.StatusPreconditionFailed {
		t.Errorf("its own tag: %s", text)
	}
}

func TestThePartOfAnOperationIsHeldToTheOperation(t *testing.T) {
	_, url := rack(t)
	answer, text := ask(t, "POST", url+"/machines/m1/actions/inspect", "{}")
	if answer.StatusCode != 202 {
		t.Fatal(text)
	}
	path := "/operations/" + decode[struct{ ID string }](t, text).ID
	seen, _ := ask(t, "GET", url+path, "")
	if answer, text := ask(t, "POST", url+path+"/cancel", "", `If-Match: "99"`); answer.StatusCode != 412 {
		t.Errorf("another state: %s %s", answer.Status, text)
	}
	if answer, text := ask(t, "POST", url+path+"/cancel", "", "If-Match: "+seen.Header.Get("ETag")); answer.StatusCode/100 != 2 {
		t.Errorf("as it is: %s %s", answer.Status, text)
	}
}
