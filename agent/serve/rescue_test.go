package serve_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"rackwright/agent/wire"
	"rackwright/boot"
	"rackwright/deploy"
)

// rescue replaces the desk's deployment by a rescue whose agent has checked in.
func (d *desk) rescue() (session string) {
	d.t.Helper()
	_, err := d.db.CancelOperation(d.ctx, d.op.ID, "test")
	d.ok(err)
	d.op, err = d.db.CreateOperation(d.ctx, deploy.Rescue, "n1", deploy.Order{Rescue: &deploy.RescueOrder{Keys: []string{"ssh-ed25519 AAAA"}, Seconds: 3600, Serial: true}}, "test")
	d.ok(err)
	d.move(deploy.StepRamdisk)
	nonce, err := d.db.Begin(d.ctx, &boot.Host{Operation: d.op.ID, MAC: mac})
	d.ok(err)
	code, w := d.checkIn(nonce, "SN1")
	d.expect("check-in", http.StatusOK, code)
	d.move(deploy.StepRescue)
	return w.Session
}

func TestAnAgentIsToldWhoMayLogInAndForHowLong(t *testing.T) {
	d := newDesk(t)
	session := d.rescue()
	code, text := d.request("GET", "/agent/v1/order", session, "")
	d.expect("order", http.StatusOK, code)
	var o wire.Order
	d.ok(json.Unmarshal([]byte(text), &o))
	if o.Verb != wire.Rescue || o.Rescue == nil || o.Permit != nil || len(o.Rescue.AuthorizedKeys) != 1 || !o.Rescue.Serial || o.Rescue.Seconds < 1 || o.Rescue.Seconds > 3600 {
		t.Errorf("order %s", text)
	}
}
