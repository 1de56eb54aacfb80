package api_test

import (
	"fmt"
	"strings"
	"testing"

	"rackwright/api/wire"
	"rackwright/deploy"
	"rackwright/inventory"
	"rackwright/inventory/racking"
)

func TestASlotAnswersWhatShouldBeWasSeenAndWasAdopted(t *testing.T) {
	s, url := rack(t)
	s.Change("m1", func(m *inventory.Machine) { m.Phase = inventory.Discovered })
	s.Saw("m1", "mac", "52:54:00:00:00:01", "dhcp")
	s.Saw("m1", "serial", "SN-X", "agent")
	_, text := ask(t, "GET", url+"/racks/r1/slots/1", "")
	a := decode[racking.Answer](t, text)
	if a.Expected.Name != "m1" || len(a.Observed.Identifiers) != 2 || a.Adopted == nil || strings.Join(a.Adopted.Agree, "") != "mac 52:54:00:00:00:01 (dhcp)" || strings.Contains(text, "bmc-secret") {
		t.Errorf("%s", text)
	}
	_, text = ask(t, "GET", url+"/racks/r1/slots", "")
	places := decode[wire.List[racking.Place]](t, text).Items
	if len(places) != 42 || places[0].State != "discovered" || places[1].Name != "m2" || places[2].State != racking.Empty {
		t.Errorf("%d places: %s", len(places), text)
	}
	for path, status := range map[string]int{"r1/slots/43": 404, "r9/slots/1": 404, "r9/slots": 404, "r1/slots/x": 422, "r1/slots/1?face=up": 422, "r1/slots/3?side=left": 200} {
		if answer, text := ask(t, "GET", url+"/racks/"+path, ""); answer.StatusCode != status {
			t.Errorf("%s: %s %s", path, answer.Status, text)
		}
	}
}

func TestARackIsRackedAndSignedOff(t *testing.T) {
	_, url := rack(t)
	post := func(path, body string, status int) string {
		t.Helper()
		answer, text := ask(t, "POST", url+path, body)
		if answer.StatusCode != status {
			t.Fatalf("%s: %s %s", path, answer.Status, text)
		}
		return text
	}
	if got := post("/racks/r1/signoff", `{}`, 409); !strings.Contains(got, "m1 receive (todo)") {
		t.Errorf("the refusal names nothing: %s", got)
	}
	post("/racks/r1/racking/m1/mount", `{"action":"hold"}`, 422)
	post("/racks/r1/racking/m1/mount", `{"action":"hold","reason":"rails"}`, 200)
	post("/racks/r1/racking/m1/mount", `{"action":"done"}`, 409)
	post("/racks/r1/racking/m1/mount", `{"action":"resume"}`, 200)
	it := decode[racking.Item](t, post("/racks/r1/racking/m1/mount", `{"action":"done"}`, 200))
	if it.Phase != inventory.Racked || it.Steps[1].State != racking.Done || it.Steps[1].Evidence[0].By != "admin" {
		t.Errorf("%+v", it)
	}
	post("/racks/r1/racking/m1/seen", `{"action":"done"}`, 409)
	post("/racks/r1/racking/m9/mount", `{"action":"done"}`, 404)
	post("/racks/r1/racking/m1/paint", `{"action":"done"}`, 422)
	for _, m := range []string{"m1", "m2"} {
		for _, n := range racking.Steps() {
			post(fmt.Sprintf("/racks/r1/racking/%s/%s", m, n), `{"action":"waive","reason":"lab"}`, 200)
		}
	}
	_, text := ask(t, "GET", url+"/racks/r1/racking", "")
	if sheet := decode[racking.Sheet](t, text); sheet.Open != 0 || sheet.Total != 12 {
		t.Errorf("%s", text)
	}
	signed := decode[racking.SignOff](t, post("/racks/r1/signoff", `{"note":"all there"}`, 201))
	if signed.By != "admin" || len(signed.Machines) != 2 || signed.Note != "all there" {
		t.Errorf("%+v", signed)
	}
	_, text = ask(t, "GET", url+"/racks/r1/signoffs", "")
	if list := decode[wire.List[racking.SignOff]](t, text).Items; len(list) != 1 || list[0].ID != signed.ID {
		t.Errorf("%s", text)
	}
	_, text = ask(t, "GET", url+"/racks/r1/signoffs/"+signed.ID, "")
	if got := decode[racking.SignOff](t, text); got.Machines[0].Steps[5].Evidence[0].Says != "waived: lab" {
		t.Errorf("%s", text)
	}
	if answer, _ := ask(t, "GET", url+"/racks/r1/signoffs/none", ""); answer.StatusCode != 404 {
		t.Errorf("no such record: %s", answer.Status)
	}
}

func TestAScanSaysWhatCodesAreAndBindsThem(t *testing.T) {
	_, url := rack(t)
	for body, want := range map[string]struct {
		status int
		says   string
	}{
		`{"codes":["NEW-1"]}`:                                         {200, `"is":"text"`},
		`{"codes":["rw:slot:r1:1","NEW-1"]}`:                          {200, `"bound":false`},
		`{"codes":["NEW-1"],"rack":"r1","u":1}`:                       {200, `"phase":"racked"`},
		`{"codes":["NEW-1"],"u":1}`:                                   {422, "which rack"},
		`{"codes":["NEW-1"],"rack":"r9","u":1}`:                       {404, "r9"},
		`{"codes":["NEW-1"],"confirm":true}`:                          {422, "no place"},
		`{"codes":[]}`:                                                {422, "codes"},
		`{"codes":["rw:pizza:1"]}`:                                    {422, "codes[0]"},
		`{"codes":["rw:machine:m1","52:54:00:00:00:02"]}`:             {200, "m2's NIC"},
		`{"codes":["rw:machine:m1","5254.0000.0002"],"confirm":true}`: {409, "m2's NIC"},
		`{"codes":["NEW-1"],"rack":"r1","u":30}`:                      {409, "nothing at"},
	} {
		answer, text := ask(t, "POST", url+"/scan", body)
		if answer.StatusCode != want.status || !strings.Contains(text, want.says) {
			t.Errorf("%s: %s %s", body, answer.Status, text)
		}
	}
	_, text := ask(t, "POST", url+"/scan", `{"codes":["rw:slot:r1:1","NEW-1"],"confirm":true}`)
	if got := decode[racking.Scan](t, text); !got.Bound {
		t.Errorf("%s", text)
	}
	_, text = ask(t, "GET", url+"/machines/m1", "")
	if m := decode[inventory.Machine](t, text); m.Serial != "NEW-1" || m.Phase != inventory.Racked {
		t.Errorf("%s", text)
	}
	if answer, _ := ask(t, "POST", url+"/scan", `{"codes":["NEW-1"]}`, "Authorization: Bearer rw_viewer"); answer.StatusCode != 403 {
		t.Errorf("a viewer scans: %s", answer.Status)
	}
}

func TestALocatorLEDIsOrdered(t *testing.T) {
	_, url := rack(t)
	blink := func(body string, status int) string {
		t.Helper()
		answer, text := ask(t, "POST", url+"/machines/m1/actions/locate", body)
		if answer.StatusCode != status {
			t.Fatalf("%s: %s %s", body, answer.Status, text)
		}
		return text
	}
	first := decode[deploy.Operation](t, blink(`{"on":true}`, 202))
	if first.Kind != deploy.Locate || first.Order.Seconds != 60 || first.Order.Locate != "on" {
		t.Errorf("%+v", first)
	}
	blink(`{"on":true,"seconds":10}`, 409)
	if off := decode[deploy.Operation](t, blink(`{"on":false}`, 202)); off.ID != first.ID || off.State != deploy.Cancelled {
		t.Errorf("%+v", off)
	}
	if off := decode[deploy.Operation](t, blink(`{"on":false}`, 202)); off.Order.Locate != "off" {
		t.Errorf("%+v", off)
	}
	blink(`{"on":true,"seconds":3601}`, 422)
	if answer, _ := ask(t, "POST", url+"/machines/m2/actions/locate", `{"on":true}`); answer.StatusCode != 409 {
		t.Errorf("without a BMC: %s", answer.Status)
	}
	_, text := ask(t, "GET", url+"/machines/m1/why", "")
	if strings.Contains(text, "has a locate") {
		t.Errorf("a lamp is no reason: %s", text)
	}
}
