package api_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"

	"rackwright/api"
	"rackwright/api/apitest"
	"rackwright/api/wire"
)

// ask sends a request as an admin, unless headers say otherwise ("Name: value"; an empty
// value takes the header away), and returns the answer with its body read.
func ask(t *testing.T, method, url, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+apitest.AdminSecret)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if method == "PUT" || method == "PATCH" || method == "DELETE" {
		r.Header.Set("If-Match", "*")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
		if value == "" {
			r.Header.Del(name)
		}
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(text)
}

func decode[T any](t *testing.T, text string) (v T) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return v
}

func rack(t *testing.T) (*apitest.Store, string) {
	t.Helper()
	s := apitest.Rack(t)
	return s, apitest.Serve(t, api.Options{Store: s}) + wire.Prefix
}

func TestTheCheckedInDescriptionIsTheInterface(t *testing.T) {
	want, err := api.Document()
	if err != nil {
		t.Fatal(err)
	}
	have, err := os.ReadFile("openapi.json")
	if err != nil || !bytes.Equal(want, have) {
		t.Fatalf("openapi.json is not what the code describes (%v): run go generate ./api", err)
	}
}

func TestTheDescriptionNeedsNoToken(t *testing.T) {
	_, url := rack(t)
	if answer, text := ask(t, "GET", url+"/openapi.json", "", "Authorization: "); answer.StatusCode != 200 || !strings.Contains(text, "deploy-machine") {
		t.Errorf("openapi.json: %s", answer.Status)
	}
	if answer, _ := ask(t, "GET", strings.TrimSuffix(url, wire.Prefix)+"/docs", ""); answer.StatusCode != 404 {
		t.Errorf("docs: %s", answer.Status)
	}
}

func TestHealthNeedsNoTokenAndTellsOfTheDatabase(t *testing.T) {
	s, url := rack(t)
	answer, text := ask(t, "GET", url+"/health", "", "Authorization: ")
	if h := decode[wire.Health](t, text); answer.StatusCode != 200 || h.Version != "test" || h.Database != "reachable" {
		t.Errorf("%s %s", answer.Status, text)
	}
	s.Fail(io.ErrUnexpectedEOF)
	if answer, text = ask(t, "GET", url+"/health", "", "Authorization: "); answer.StatusCode != 503 || !strings.Contains(text, "urn:rackwright:problem:unreachable") {
		t.Errorf("%s %s", answer.Status, text)
	}
	if answer.Header.Get("Retry-After") == "" {
		t.Error("it does not say when to ask again")
	}
}

func TestRequestIDGoesInAndOut(t *testing.T) {
	_, url := rack(t)
	if answer, _ := ask(t, "GET", url+"/health", "", "X-Request-Id: abc-1"); answer.Header.Get("X-Request-Id") != "abc-1" {
		t.Error("the id given is not the id answered")
	}
	answer, text := ask(t, "GET", url+"/nothing", "", "X-Request-Id: a b;drop")
	if id := answer.Header.Get("X-Request-Id"); id == "" || strings.Contains(id, " ") || decode[wire.Problem](t, text).RequestID != id {
		t.Errorf("id %q in %s", id, text)
	}
}

func TestNoSecretIsLoggedOrAnswered(t *testing.T) {
	var log bytes.Buffer
	s := apitest.Rack(t)
	url := apitest.Serve(t, api.Options{Store: s, Log: slog.New(slog.NewJSONHandler(&log, nil))}) + wire.Prefix
	plan, _ := json.Marshal(apitest.Plan())
	var told strings.Builder
	for _, call := range [][3]string{
		{"POST", "/plans", string(plan)},
		{"POST", "/plans/apply", string(plan)},
		{"POST", "/plans", strings.Replace(string(plan), `"password"`, `"pasword"`, 1)},
		{"GET", "/machines", ""},
		{"POST", "/machines/m1/actions/deploy", `{"image":"debian","user_data":"user-secret","dry_run":true}`},
		{"POST", "/machines/m1/actions/deploy", `{"image":"debian","user_data":"user-secret"}`},
		{"POST", "/machines/m2/actions/deploy", `{"image":"debian","user_data":"user-secret","x":1}`},
		{"GET", "/operations", ""},
		{"GET", "/events?after=0", ""},
		{"GET", "/machines/m1/timeline", ""},
	} {
		_, text := ask(t, call[0], url+call[1], call[2])
		told.WriteString(text)
	}
	for _, secret := range []string{"bmc-secret", "user-secret", apitest.AdminSecret} {
		if strings.Contains(told.String(), secret) || strings.Contains(log.String(), secret) {
			t.Errorf("%s came out", secret)
		}
	}
	if !strings.Contains(log.String(), `"path":"/api/v1/machines/m1/actions/deploy","status":202`) {
		t.Error("the access log misses a call")
	}
}
