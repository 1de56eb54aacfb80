package api_test

import (
	"strings"
	"testing"
	"time"

	"rackwright/access/guard"
	"rackwright/api"
	"rackwright/api/apitest"
	"rackwright/api/wire"
)

func TestWhoeverGuessesAtTokensWaitsAndTheGoodTokenGoesOn(t *testing.T) {
	now := func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }
	url := apitest.Serve(t, api.Options{Store: apitest.Rack(t), Guard: guard.New(guard.Limits{Wrong: 2, Longest: time.Minute}, now)}) + wire.Prefix
	ask(t, "GET", url+"/whoami", "")
	for range 2 {
		if answer, _ := ask(t, "GET", url+"/whoami", "", "Authorization: Bearer rw_guess"); answer.StatusCode != 401 || !strings.Contains(answer.Header.Get("WWW-Authenticate"), `error="invalid_token"`) {
			t.Errorf("%s %v", answer.Status, answer.Header)
		}
	}
	for _, secret := range []string{"rw_guess", apitest.OperatorSecret} { // of the address of a guesser, even a good one that nobody has seen there
		answer, text := ask(t, "GET", url+"/whoami", "", "Authorization: Bearer "+secret)
		if answer.StatusCode != 429 || answer.Header.Get("Retry-After") != "1" || strings.Contains(text, secret) {
			t.Errorf("%s %v %s", answer.Status, answer.Header, text)
		}
	}
	if answer, text := ask(t, "GET", url+"/whoami", ""); answer.StatusCode != 200 || !strings.Contains(text, `"role":"admin"`) {
		t.Errorf("%s %s", answer.Status, text)
	}
}

func TestWhoeverAsksTooOftenIsToldWhenToComeBack(t *testing.T) {
	now := func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }
	for name, l := range map[string]guard.Limits{"address": {PerAddress: 0.1, Burst: 20 * time.Second}, "caller": {PerCaller: 0.1, Burst: 20 * time.Second}} {
		url := apitest.Serve(t, api.Options{Store: apitest.Rack(t), Guard: guard.New(l, now)}) + wire.Prefix
		for range 2 {
			if answer, _ := ask(t, "GET", url+"/whoami", ""); answer.StatusCode != 200 {
				t.Errorf("%s: %s", name, answer.Status)
			}
		}
		if answer, text := ask(t, "GET", url+"/whoami", ""); answer.StatusCode != 429 || answer.Header.Get("Retry-After") != "10" || !strings.Contains(text, "too-many-requests") {
			t.Errorf("%s: %s %v %s", name, answer.Status, answer.Header, text)
		}
	}
}

func TestASecretIsInTheAnswerThatGivesItAndInNoOther(t *testing.T) {
	s := apitest.Rack(t)
	url := apitest.Serve(t, api.Options{Store: s}) + wire.Prefix
	answer, text := ask(t, "POST", url+"/tokens", `{"name":"ci","role":"operator","scope":{"racks":["r1"]}}`)
	given := decode[wire.TokenGiven](t, text)
	if answer.StatusCode != 201 || !strings.HasPrefix(given.Secret, "rw_") || given.By != "admin" {
		t.Fatalf("%s %s", answer.Status, text)
	}
	for _, path := range []string{"/tokens", "/tokens/ci", "/tokens?revoked=true", "/audit"} {
		if _, text := ask(t, "GET", url+path, ""); strings.Contains(text, given.Secret) {
			t.Errorf("%s: %s", path, text)
		}
	}
	if answer, text := ask(t, "GET", url+"/whoami", "", "Authorization: Bearer "+given.Secret); answer.StatusCode != 200 || !strings.Contains(text, `"racks":["r1"]`) || strings.Contains(text, given.Secret) {
		t.Errorf("%s %s", answer.Status, text)
	}
	for _, header := range []string{"Basic " + given.Secret, "Bearer", "Bearer " + strings.Repeat("x", 300), given.Secret} {
		if answer, _ := ask(t, "GET", url+"/whoami", "", "Authorization: "+header); answer.StatusCode != 401 {
			t.Errorf("%.30q: %s", header, answer.Status)
		}
	}
}
