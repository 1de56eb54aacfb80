package redfish

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"rackwright/racksim"
)

// answer is one response with its body read.
type answer struct {
	status int
	header http.Header
	text   string
}

func (a answer) code(t *testing.T) string {
	t.Helper()
	var e struct{ Error struct{ Code string } }
	if err := json.Unmarshal([]byte(a.text), &e); err != nil {
		t.Fatalf("no Redfish error: %q", a.text)
	}
	return strings.TrimPrefix(e.Error.Code, registry+".")
}

// call sends a request as admin unless headers say otherwise.
func (b *bench) call(t *testing.T, method, path, body string, headers ...string) answer {
	t.Helper()
	r, err := http.NewRequest(method, b.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth("admin", testPassword)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Del("Authorization")
		if headers[i] != "" {
			r.Header.Set(headers[i], headers[i+1])
		}
	}
	resp, err := b.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(text)}
}

const login = `{"UserName": "admin", "Password": "` + testPassword + `"}`

func TestRequestsAreRefusedAsRedfishSays(t *testing.T) {
	b := newBench(t, racksim.BIOS)
	anonymous := []string{"", ""}
	for _, c := range []struct {
		what, method, path, body string
		headers                  []string
		status                   int
		code                     string
	}{
		{"no credentials", "GET", systemPath, "", anonymous, 401, "ResourceAtUriUnauthorized"},
		{"wrong password", "POST", sessionsPath, `{"UserName": "admin", "Password": "guess"}`, anonymous, 401, "ResourceAtUriUnauthorized"},
		{"unknown user", "POST", sessionsPath, `{"UserName": "root", "Password": ""}`, anonymous, 401, "ResourceAtUriUnauthorized"},
		{"stale token", "GET", systemPath, "", []string{"X-Auth-Token", "nope"}, 401, "ResourceAtUriUnauthorized"},
		{"unknown path", "GET", "/redfish/v1/Toaster", "", nil, 404, "ResourceMissingAtURI"},
		{"unknown member", "GET", "/redfish/v1/Systems/2", "", nil, 404, "ResourceMissingAtURI"},
		{"wrong method", "DELETE", systemPath, "", nil, 405, "OperationNotAllowed"},
		{"query", "GET", "/redfish/v1/Systems?$expand=.", "", nil, 501, "QueryNotSupported"},
		{"broken body", "PATCH", systemPath, "{", nil, 400, "MalformedJSON"},
		{"huge body", "PATCH", systemPath, `{"AssetTag": "` + strings.Repeat("x", maxBody) + `"}`, nil, 413, "MalformedJSON"},
		{"unknown property", "PATCH", systemPath, `{"Colour": "red"}`, nil, 400, "PropertyUnknown"},
		{"wrong type", "PATCH", systemPath, `{"AssetTag": 7}`, nil, 400, "PropertyValueTypeError"},
		{"unknown target", "PATCH", systemPath, `{"Boot": {"BootSourceOverrideTarget": "Floppy"}}`, nil, 400, "PropertyValueNotInList"},
		{"mode of other firmware", "PATCH", systemPath, `{"Boot": {"BootSourceOverrideMode": "UEFI"}}`, nil, 400, "PropertyValueNotInList"},
		{"http boot on BIOS", "PATCH", systemPath, `{"Boot": {"BootSourceOverrideTarget": "UefiHttp"}}`, nil, 400, "PropertyValueNotInList"},
		{"unknown reset", "POST", resetPath, `{"ResetType": "Kick"}`, nil, 400, "ActionParameterValueNotInList"},
		{"no reset type", "POST", resetPath, "", nil, 400, "ActionParameterMissing"},
		{"restart while off", "POST", resetPath, `{"ResetType": "ForceRestart"}`, nil, 409, "ResourceInStandby"},
		{"media from a share", "POST", insertPath, `{"Image": "nfs://h/x.iso"}`, nil, 400, "ActionParameterValueNotInList"},
		{"media from a closed port", "POST", insertPath, `{"Image": "http://127.0.0.1:1/x.iso"}`, nil, 400, "GeneralError"},
		{"delete of the first account", "DELETE", accountsPath + "/1", "", nil, 400, "ResourceInUse"},
		{"short password", "PATCH", accountsPath + "/1", `{"Password": "short"}`, nil, 400, "PropertyValueNotInList"},
	} {
		got := b.call(t, c.method, c.path, c.body, c.headers...)
		if got.status != c.status || got.code(t) != c.code {
			t.Errorf("%s: %d %s, want %d %s", c.what, got.status, got.code(t), c.status, c.code)
		}
		if strings.Contains(got.text, "short") {
			t.Errorf("%s: the answer repeats a password", c.what)
		}
	}
}

func TestServiceRootIsReadWithoutAnAccount(t *testing.T) {
	b := newBench(t, racksim.BIOS)
	for _, path := range []string{"/redfish", "/redfish/v1", "/redfish/v1/", "/redfish/v1/$metadata", "/redfish/v1/odata"} {
		got := b.call(t, "GET", path, "", "", "")
		if got.status != 200 || got.header.Get("OData-Version") != "4.0" {
			t.Errorf("%s: %d, OData-Version %q", path, got.status, got.header.Get("OData-Version"))
		}
	}
}

func TestETagsGuardChanges(t *testing.T) {
	b := newBench(t, racksim.BIOS)
	etag := b.call(t, "GET", systemPath, "").header.Get("ETag")
	auth := b.token(t)
	unchanged, err := http.NewRequest("GET", b.url+systemPath, nil)
	if err != nil {
		t.Fatal(err)
	}
	unchanged.Header.Set("X-Auth-Token", auth)
	unchanged.Header.Set("If-None-Match", etag)
	resp, err := b.client.Do(unchanged)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusNotModified {
		t.Errorf("unchanged resource: %d", resp.StatusCode)
	}
	if got := b.call(t, "PATCH", systemPath, `{"AssetTag": "a"}`, "X-Auth-Token", auth, "If-Match", etag); got.status != 200 {
		t.Errorf("change with the right ETag: %d %s", got.status, got.text)
	}
	if got := b.call(t, "PATCH", systemPath, `{"AssetTag": "b"}`, "X-Auth-Token", auth, "If-Match", etag); got.status != 412 {
		t.Errorf("change with a stale ETag: %d", got.status)
	}
}

// token logs in.
func (b *bench) token(t *testing.T) string {
	t.Helper()
	got := b.call(t, "POST", sessionsPath, login, "", "")
	if got.status != 201 || got.header.Get("Location") == "" {
		t.Fatalf("log in: %d %s", got.status, got.text)
	}
	return got.header.Get("X-Auth-Token")
}

func TestSessionsRunOutAndAreLimited(t *testing.T) {
	b := newBench(t, racksim.BIOS)
	token := b.token(t)
	if got := b.call(t, "GET", systemPath, "", "X-Auth-Token", token); got.status != 200 {
		t.Errorf("fresh session: %d", got.status)
	}
	b.clock.pass(defaultTimeout + time.Second)
	if got := b.call(t, "GET", systemPath, "", "X-Auth-Token", token); got.status != 401 {
		t.Errorf("idle session: %d", got.status)
	}
	for range maxSessions {
		b.token(t)
	}
	if got := b.call(t, "POST", sessionsPath, login, "", ""); got.status != 503 || got.code(t) != "SessionLimitExceeded" {
		t.Errorf("one session too many: %d %s", got.status, got.text)
	}
	if got := b.call(t, "DELETE", sessionsPath+"/17", ""); got.status != 204 {
		t.Errorf("log out: %d %s", got.status, got.text)
	}
	b.token(t)
}

func TestRolesLimitWhatAnAccountMayDo(t *testing.T) {
	b := newBench(t, racksim.BIOS)
	for _, role := range []string{"Operator", "ReadOnly"} {
		made := b.call(t, "POST", accountsPath, `{"UserName": "`+role+`", "Password": "long enough", "RoleId": "`+role+`"}`)
		if made.status != 201 {
			t.Fatalf("%s: %d %s", role, made.status, made.text)
		}
		in := b.call(t, "POST", sessionsPath, `{"UserName": "`+role+`", "Password": "long enough"}`, "", "")
		token := in.header.Get("X-Auth-Token")
		want := map[string]int{"Operator": 204, "ReadOnly": 403}[role]
		if got := b.call(t, "POST", resetPath, `{"ResetType": "On"}`, "X-Auth-Token", token); got.status != want {
			t.Errorf("%s power on: %d", role, got.status)
		}
		if got := b.call(t, "PATCH", accountsPath+"/1", `{"Password": "taken over"}`, "X-Auth-Token", token); got.status != 403 {
			t.Errorf("%s changes the administrator's password: %d", role, got.status)
		}
		if got := b.call(t, "PATCH", made.header.Get("Location"), `{"Password": "their own one"}`, "X-Auth-Token", token); got.status != 200 {
			t.Errorf("%s changes the own password: %d %s", role, got.status, got.text)
		}
		if got := b.call(t, "DELETE", made.header.Get("Location"), ""); got.status != 204 {
			t.Errorf("delete: %d", got.status)
		}
		if got := b.call(t, "GET", systemPath, "", "X-Auth-Token", token); got.status != 401 {
			t.Errorf("session of a deleted account: %d", got.status)
		}
	}
}

// TestEveryLinkLeadsSomewhere walks the whole service from its root.
func TestEveryLinkLeadsSomewhere(t *testing.T) {
	b := newBench(t, racksim.UEFI)
	seen := map[string]bool{}
	var visit func(path, from string)
	var walk func(v any, from string)
	walk = func(v any, from string) {
		switch v := v.(type) {
		case map[string]any:
			if path, ok := v["@odata.id"].(string); ok {
				visit(path, from)
			}
			for _, item := range v {
				walk(item, from)
			}
		case []any:
			for _, item := range v {
				walk(item, from)
			}
		}
	}
	visit = func(path, from string) {
		path, _, _ = strings.Cut(path, "#")
		if seen[path] {
			return
		}
		seen[path] = true
		got := b.call(t, "GET", path, "")
		var v any
		if err := json.Unmarshal([]byte(got.text), &v); err != nil || got.status != 200 {
			t.Errorf("%s, linked from %s: %d, %v", path, from, got.status, err)
			return
		}
		walk(v, path)
	}
	visit("/redfish/v1/", "nowhere")
	if len(seen) < 40 {
		t.Errorf("only %d resources were found", len(seen))
	}
}

// unserved is a BMC that nobody can reach.
func unserved(t testing.TB) *Service {
	t.Helper()
	rack, err := racksim.Parse([]byte(`{rack: r1, machines: [{name: n1, u: 1, bmc: {address: 127.0.0.1}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	setup := racksim.NewBootSetup(rack.Machines[0])
	return New(Config{Machine: rack.Machines[0], Hardware: newFake(setup), Setup: setup, Now: time.Now})
}

func FuzzReadObject(f *testing.F) {
	f.Add(`{"Boot": {"BootSourceOverrideTarget": "Pxe", "BootOrder": ["nic1"]}}`)
	f.Add(`{"AssetTag": null, "LocationIndicatorActive": 3, "IndicatorLED": []}`)
	f.Add(login)
	s := unserved(f)
	f.Fuzz(func(t *testing.T, text string) {
		r, err := http.NewRequest("PATCH", systemPath, strings.NewReader(text))
		if err != nil {
			t.Skip()
		}
		sent, p := readObject(r)
		if p == nil {
			_ = s.changeSystem(&changes{sent: sent})
		}
		if _, err := json.Marshal(s.system()); err != nil {
			t.Error(err)
		}
	})
}
