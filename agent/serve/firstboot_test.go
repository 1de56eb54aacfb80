package serve_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"rackwright/agent/wire"
	"rackwright/deploy"
	"rackwright/store"
)

// bootURL is where the deployed system was told to report its first boot.
func (d *desk) bootURL(session string) string {
	d.t.Helper()
	_, text := d.request("GET", "/agent/v1/order", session, "")
	var o wire.Order
	d.ok(json.Unmarshal([]byte(text), &o))
	_, at, _ := strings.Cut(o.Write.Seed.File("vendor-data"), `"endpoint": "`)
	at, _, _ = strings.Cut(at, `"`)
	return strings.TrimPrefix(at, d.url)
}

func (d *desk) reports(path, name, kind, result string) int {
	code, _ := d.request("POST", path, "", fmt.Sprintf(`{"name": %q, "event_type": %q, "result": %q, "description": "doing", "origin": "cloudinit", "timestamp": 1.5}`, name, kind, result))
	return code
}

func (d *desk) firstBoot() (b deploy.FirstBoot) {
	d.t.Helper()
	seen, err := d.db.EvidenceOf(d.ctx, d.op.ID)
	d.ok(err)
	if e := seen[store.SawBoot]; len(e.Detail) > 0 {
		d.ok(json.Unmarshal(e.Detail, &b))
	}
	return b
}

func TestAFirstBootIsFollowedByItsReports(t *testing.T) {
	d := newDesk(t)
	d.move(deploy.StepRamdisk)
	session := d.session()
	d.move(deploy.StepWrite)
	at, number := d.bootURL(session), d.phoneURL(session)
	if at == number || !strings.HasPrefix(at, "/first-boot/") {
		t.Fatalf("reports go to %q", at)
	}
	d.expect("before the image is proven", http.StatusConflict, d.reports(at, "init-local", "start", ""))
	d.move(deploy.StepPhone)
	d.expect("with another token", http.StatusUnauthorized, d.reports(at[:len(at)-1]+otherDigit(at[len(at)-1]), "init-local", "start", ""))
	d.expect("with the token to phone home", http.StatusUnauthorized, d.reports("/first-boot/"+strings.TrimPrefix(number, "/phone-home/"), "x", "start", ""))
	d.expect("a beginning", http.StatusOK, d.reports(at, "init-network", "start", ""))
	d.expect("a module", http.StatusOK, d.reports(at, "init-network/config-ssh", "finish", "SUCCESS"))
	d.expect("a failure", http.StatusOK, d.reports(at, "modules-config/config-runcmd", "finish", "FAIL"))
	d.expect("the next", http.StatusOK, d.reports(at, "modules-final/config-phone_home", "start", ""))
	if got := d.firstBoot().String(); got != "modules-final/config-phone_home: running; failed: modules-config/config-runcmd (doing)" {
		t.Errorf("got %q", got)
	}
	code, _ := d.request("POST", at, "", `{"name": 7}`)
	d.expect("what is no report", http.StatusBadRequest, code)
	code, _ = d.request("POST", at, "", `{"name": "`+strings.Repeat("x", 20<<10)+`"}`)
	d.expect("a report of 20 KiB", http.StatusBadRequest, code)
}

func TestAFloodOfReportsIsSlowedDown(t *testing.T) {
	d := newDesk(t)
	d.move(deploy.StepRamdisk)
	session := d.session()
	d.move(deploy.StepWrite)
	at := d.bootURL(session)
	d.move(deploy.StepPhone)
	for i := range 3000 {
		if code := d.reports(at, fmt.Sprint("stage/", i), "start", ""); code == http.StatusTooManyRequests {
			return
		}
	}
	t.Error("three thousand reports were taken")
}
