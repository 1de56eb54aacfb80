package serve_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"rackwright/agent/wire"
	"rackwright/deploy"
)

// burnIn makes the desk's operation a burn-in at its step, whose power is not there yet.
func (d *desk) burnIn() *deploy.BurnRecord {
	d.t.Helper()
	_, err := d.db.CancelOperation(d.ctx, d.op.ID, "test")
	d.ok(err)
	d.op, err = d.db.CreateOperation(d.ctx, deploy.BurnIn, "n1", deploy.Order{Burn: &deploy.BurnOrder{Seconds: 600, Tests: []string{"cpu", "network"}}}, "test")
	d.ok(err)
	d.move(deploy.StepBurn)
	b, err := d.db.BeginBurnIn(d.ctx, d.op)
	d.ok(err)
	return b
}

func (d *desk) power(b *deploy.BurnRecord) {
	d.t.Helper()
	if got, err := d.db.PowerBurnIn(d.ctx, b, d.op); err != nil || !got.Fits {
		d.t.Fatalf("%+v, %v", got, err)
	}
}

func TestABurnInIsOrderedOnceItsPowerIsThereAndForTheRest(t *testing.T) {
	d := newDesk(t)
	b := d.burnIn()
	session := d.session()
	answered := make(chan wire.Order)
	go func() {
		_, text := d.request("GET", "/agent/v1/order", session, "")
		var o wire.Order
		if err := json.Unmarshal([]byte(text), &o); err != nil {
			t.Errorf("%v: %s", err, text)
		}
		answered <- o
	}()
	b.Earlier.Seconds, b.Latest.Seconds = 100, 7
	d.ok(d.db.SaveBurnIn(d.ctx, b))
	d.power(b)
	var o wire.Order
	select {
	case o = <-answered:
	case <-time.After(20 * time.Second):
		t.Fatal("no order")
	}
	if o.Verb != wire.Burn || o.Burn == nil || o.Permit != nil || o.Burn.Seconds != 600 || o.Burn.Done != 107 || strings.Join(o.Burn.Tests, " ") != "cpu network" || o.Burn.Peer != "/agent/v1/stream" {
		t.Errorf("%+v %+v", o, o.Burn)
	}
}

func TestBytesFlowOnlyForABurnInAndNotWithoutEnd(t *testing.T) {
	d := newDesk(t)
	d.burnIn()
	d.move(deploy.StepReboot)
	session := d.session()
	code, _ := d.request("GET", "/agent/v1/stream?bytes=10", session, "")
	d.expect("when it is over", http.StatusUnauthorized, code)
	d.move(deploy.StepBurn)
	for query, want := range map[string]int{"?bytes=10": 200, "?bytes=200000": 200, "": 400, "?bytes=0": 400, "?bytes=-1": 400, "?bytes=67108865": 400, "?bytes=9999999999999999999999": 400, "?bytes=x": 400} {
		code, text := d.request("GET", "/agent/v1/stream"+query, session, "")
		d.expect("GET "+query, want, code)
		if n := 0; code == 200 {
			if _, err := fmt.Sscanf(query, "?bytes=%d", &n); err != nil || len(text) != n {
				t.Errorf("%s: %d bytes", query, len(text))
			}
		}
	}
	code, _ = d.request("POST", "/agent/v1/stream", session, strings.Repeat("x", 300_000))
	d.expect("POST", http.StatusNoContent, code)
	code, _ = d.request("POST", "/agent/v1/stream", session, strings.Repeat("x", 65<<20))
	d.expect("POST of too much", http.StatusBadRequest, code)
	code, _ = d.request("GET", "/agent/v1/stream?bytes=10", "nobody", "")
	d.expect("a stranger", http.StatusUnauthorized, code)
}

func TestOnlyAFewStreamsFlowAtOnce(t *testing.T) {
	d := newDesk(t)
	d.burnIn()
	session := d.session()
	var open []*http.Response
	for range 2 { // as many as flow at once: their bytes are not read
		r, err := http.NewRequestWithContext(d.ctx, "GET", d.url+"/agent/v1/stream?bytes=67108864", nil)
		d.ok(err)
		r.Header.Set("Authorization", "Bearer "+session)
		res, err := http.DefaultClient.Do(r)
		d.ok(err)
		open = append(open, res)
	}
	code, _ := d.request("GET", "/agent/v1/stream?bytes=10", session, "")
	d.expect("one too many", http.StatusTooManyRequests, code)
	for _, res := range open {
		res.Body.Close()
	}
	for code != http.StatusOK && d.ctx.Err() == nil {
		code, _ = d.request("GET", "/agent/v1/stream?bytes=10", session, "")
	}
}
