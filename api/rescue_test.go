package api_test

import (
	"strings"
	"testing"

	"rackwright/api/wire"
	"rackwright/deploy"
)

func TestAPersonIsLetInWithKeysAndForATime(t *testing.T) {
	const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1pxyzbFyjzVqkRJJtTnzVfxwPfHCsDV4lYqI6Nq6PV alice"
	_, url := rack(t)
	action := url + "/machines/m1/actions/rescue"
	for body, want := range map[string]int{`{}`: 400, `{"ssh_keys":["nonsense"]}`: 400, `{"ssh_keys":["no-pty ` + key + `"]}`: 400, `{"ssh_keys":["` + key + `"],"seconds":1}`: 400} {
		if answer, text := ask(t, "POST", action, body); answer.StatusCode != want && answer.StatusCode != 422 {
			t.Errorf("%s: %s %s", body, answer.Status, text)
		}
	}
	answer, text := ask(t, "POST", action, `{"ssh_keys":["`+key+`"],"dry_run":true}`)
	if would := decode[wire.Steps](t, text); answer.StatusCode != 200 || len(would.Steps) == 0 || would.Order.Rescue == nil || would.Order.Rescue.Seconds != 3600 {
		t.Errorf("%s %s", answer.Status, text)
	}
	answer, text = ask(t, "POST", action, `{"ssh_keys":["`+key+`"],"seconds":600,"serial":true}`)
	if o := decode[deploy.Operation](t, text); answer.StatusCode != 202 || o.Kind != deploy.Rescue || o.Order.Rescue.Seconds != 600 || !o.Order.Rescue.Serial || !strings.HasSuffix(o.Order.Rescue.Keys[0], "alice") {
		t.Errorf("%s %s", answer.Status, text)
	}
}
