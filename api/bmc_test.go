package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"rackwright/api"
	"rackwright/api/apitest"
	"rackwright/api/wire"
	"rackwright/bmc"
	"rackwright/bmc/bmctest"
	"rackwright/deploy"
	"rackwright/fault"
)

// wired is a rack whose BMCs answer.
func wired(t *testing.T) (*bmctest.BMC, string) {
	t.Helper()
	s := apitest.Rack(t)
	hands, m1 := apitest.BMCs(s)
	return m1, apitest.Serve(t, api.Options{Store: s, BMC: hands, Lines: hands}) + wire.Prefix
}

func TestABMCIsAskedForWhoWaitsAndItsSessionEnds(t *testing.T) {
	m1, url := wired(t)
	m1.Feel(bmc.Readings{Health: bmc.Warning, Sensors: []bmc.Sensor{{Name: "Inlet", Kind: "temperature", Value: 24.5, Unit: "Cel"}}})
	m1.Happen(bmc.Entry{ID: "1", At: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Message: "fan 2 failed", Severity: bmc.Critical})
	for what, want := range map[string]string{
		"sensors":       `"value":24.5`,
		"settings":      `"LogicalProc":"Enabled"`,
		"boot":          `"reference":"Boot0001"`,
		"clock":         `"ntp"`,
		"console":       `"kinds":[`,
		"media":         `"items":[`,
		"accounts":      `"name":"root"`,
		"protocols":     `"items":[`,
		"firmware":      `"items":[`,
		"subscriptions": `"items":[]`,
		"log?limit=5":   `"fan 2 failed"`,
	} {
		answer, text := ask(t, "GET", url+"/machines/m1/bmc/"+what, "")
		if answer.StatusCode != http.StatusOK || !strings.Contains(text, want) {
			t.Errorf("%s: %d %s", what, answer.StatusCode, text)
		}
	}
	if m1.Sessions() != 0 {
		t.Errorf("%d sessions are left open", m1.Sessions())
	}
}

func TestWhatIsKnownOfABMCIsToldWithoutAskingIt(t *testing.T) {
	m1, url := wired(t)
	m1.Fail(bmctest.Dial, fault.Unreachablef("BMC does not answer"))
	answer, text := ask(t, "GET", url+"/machines/m1/bmc", "")
	b := decode[wire.BMCOverview](t, text)
	if answer.StatusCode != http.StatusOK || b.Machine != "m1" || b.Address != "https://192.0.2.1" || b.State != "unclaimed" || !b.Subscribed || b.Line == nil || b.Line.State != "open" {
		t.Errorf("%d %s", answer.StatusCode, text)
	}
	if answer, text := ask(t, "GET", url+"/machines/m2/bmc", ""); answer.StatusCode != http.StatusConflict || !strings.Contains(text, "give it a bmc in the plan") {
		t.Errorf("one without: %d %s", answer.StatusCode, text)
	}
	_, bare := rack(t)
	if answer, text := ask(t, "GET", bare+"/machines/m1/bmc", ""); answer.StatusCode != http.StatusOK || strings.Contains(text, `"line"`) {
		t.Errorf("a server without BMCs: %d %s", answer.StatusCode, text)
	}
}

func TestWhatABMCRefusesIsAProblemWithAWayOut(t *testing.T) {
	m1, url := wired(t)
	m1.Fail(bmctest.Dial, fault.Unreachablef("BMC does not answer").WithHint("check its cable"))
	for path, want := range map[string]string{
		"/machines/m1/bmc/clock":       "check its cable",
		"/machines/m2/bmc/clock":       "give it a bmc in the plan",
		"/machines/m9/bmc/clock":       `there is no machine`,
		"/machines/m1/bmc/log?limit=0": "query.limit",
	} {
		answer, text := ask(t, "GET", url+path, "")
		if answer.StatusCode < 400 || !strings.Contains(text, want) {
			t.Errorf("%s: %d %s", path, answer.StatusCode, text)
		}
	}
	_, bare := rack(t)
	if answer, text := ask(t, "GET", bare+"/machines/m1/bmc/clock", ""); answer.StatusCode != http.StatusConflict || !strings.Contains(text, "[worker] enabled") {
		t.Errorf("a server without BMCs: %d %s", answer.StatusCode, text)
	}
}

func TestAChangeAtABMCIsAnOperation(t *testing.T) {
	_, url := wired(t)
	answer, text := ask(t, "POST", url+"/machines/m1/actions/bmc", `{"do":"boot","target":"cd","mode":"uefi"}`)
	o := decode[deploy.Operation](t, text)
	if answer.StatusCode != http.StatusAccepted || o.Kind != deploy.Manage || o.Order.BMC.Target != "cd" || o.Steps[0].Title != "boot from cd (uefi)" {
		t.Errorf("%d %s", answer.StatusCode, text)
	}
	if answer, text := ask(t, "POST", url+"/machines/m1/actions/bmc", `{"do":"eject-media","dry_run":true}`); answer.StatusCode != http.StatusOK || !strings.Contains(text, "virtual CD ejected") {
		t.Errorf("%d %s", answer.StatusCode, text)
	}
	for body, want := range map[string]string{
		`{"do":"explode"}`: "body.do",
		`{"do":"insert-media","url":"http://u:hunter2@h/i"}`:             "user name or password",
		`{"do":"boot","target":"floppy"}`:                                "body.target",
		`{"do":"clock","servers":["a","b","c","d","e","f","g","h","i"]}`: "body.servers",
		`{"do":"clock","now":"yesterday"}`:                               "body.now",
	} {
		answer, text := ask(t, "POST", url+"/machines/m1/actions/bmc", body)
		if answer.StatusCode < 400 || !strings.Contains(text, want) || strings.Contains(text, "hunter2") {
			t.Errorf("%s: %d %s", body, answer.StatusCode, text)
		}
	}
}
