package client_test

import (
	"testing"

	"rackwright/api"
	"rackwright/api/apitest"
	"rackwright/api/client"
	"rackwright/api/wire"
	"rackwright/fault"
	"rackwright/inventory/racking"
)

func TestARackIsRackedThroughTheClient(t *testing.T) {
	ctx := t.Context()
	c, err := client.New(apitest.Serve(t, api.Options{Store: apitest.Rack(t)}), apitest.OperatorSecret)
	if err != nil {
		t.Fatal(err)
	}
	scan, err := c.Scan(ctx, wire.Codes{Codes: []string{"SN-1"}, Rack: "r1", U: 1, Confirm: true})
	if err != nil || !scan.Bound || scan.Place.Owner != "m1" {
		t.Fatalf("%+v, %v", scan, err)
	}
	if a, err := c.Slot(ctx, "r1", racking.Spot{U: 1, Face: "front"}); err != nil || a.Expected.Serial != "SN-1" || a.Adopted.By != "operator" {
		t.Errorf("%+v, %v", a, err)
	}
	if _, err := c.MarkStep(ctx, "r1", "m1", racking.Verified, racking.DoDone, ""); !fault.Is(err, fault.Conflict) {
		t.Errorf("a word for evidence: %v", err)
	}
	sheet, err := c.RackTasks(ctx, "r1")
	if err != nil || sheet.Open != 10 {
		t.Fatalf("%d steps open, %v", sheet.Open, err)
	}
	for _, it := range sheet.Items {
		for _, s := range it.Steps {
			if s.State == racking.Done {
				continue
			}
			if _, err := c.MarkStep(ctx, "r1", it.Owner, s.Name, racking.DoWaive, "lab"); err != nil {
				t.Fatal(err)
			}
		}
	}
	signed, err := c.SignOffRack(ctx, "r1", "done")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := c.SignOff(ctx, "r1", signed.ID); err != nil || got.Note != "done" || got.Machines[0].Serial != "SN-1" {
		t.Errorf("%+v, %v", got, err)
	}
	if list, err := c.SignOffs(ctx, "r1"); err != nil || len(list) != 1 {
		t.Errorf("%+v, %v", list, err)
	}
}
