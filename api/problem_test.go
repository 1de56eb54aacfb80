package api_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"rackwright/api"
	"rackwright/api/apitest"
	"rackwright/api/wire"
	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/store"
)

func TestEveryErrorIsAProblem(t *testing.T) {
	_, url := rack(t)
	big := `{"site":"` + strings.Repeat("x", wire.MaxPlan) + `"}`
	for _, c := range []struct {
		what, method, path, body string
		headers                  []string
		status                   int
		kind, location           string
	}{
		{"no token", "GET", "/machines", "", []string{"Authorization: "}, 401, "unauthenticated", ""},
		{"another scheme", "GET", "/machines", "", []string{"Authorization: Basic eDp5"}, 401, "unauthenticated", ""},
		{"unknown token", "GET", "/machines", "", []string{"Authorization: Bearer rw_nobody"}, 401, "unauthenticated", ""},
		{"a role too narrow", "POST", "/plans", "{}", []string{"Authorization: Bearer " + apitest.ViewerSecret}, 403, "denied", ""},
		{"no such path", "GET", "/nothing", "", nil, 404, "not-found", ""},
		{"no such method", "PUT", "/machines", "", nil, 405, "method-not-allowed", ""},
		{"no such machine", "GET", "/machines/m9", "", nil, 404, "not-found", ""},
		{"no such operation", "POST", "/operations/op-9/cancel", "", nil, 404, "not-found", ""},
		{"no such image", "DELETE", "/images/none", "", nil, 404, "not-found", ""},
		{"unknown query", "GET", "/machines?colour=red", "", nil, 400, "unknown-parameter", "query.colour"},
		{"a parameter twice", "GET", "/machines?limit=1&limit=2", "", nil, 400, "repeated-parameter", "query.limit"},
		{"a query that cannot be read", "GET", "/machines?q=%zz", "", nil, 400, "malformed", ""},
		{"a query with a semicolon", "GET", "/machines?q=a;limit=1", "", nil, 400, "malformed", ""},
		{"an unknown query where an upload goes on", "PATCH", "/images/uploads/none?zz=1", "x", nil, 400, "unknown-parameter", "query.zz"},
		{"a firmware file of two versions", "POST", "/firmware?name=a&component=bios&version=1&version=2", "x", []string{"Content-Type: application/octet-stream"}, 400, "repeated-parameter", "query.version"},
		{"a limit too high", "GET", "/machines?limit=5000", "", nil, 422, "invalid", "query.limit"},
		{"a limit that is none", "GET", "/machines?limit=many", "", nil, 422, "invalid", "query.limit"},
		{"a phase that is none", "GET", "/machines?phase=asleep", "", nil, 422, "invalid", "query.phase[0]"},
		{"a MAC that is none", "GET", "/machines?mac=zz", "", nil, 422, "invalid", "query.mac"},
		{"a made-up page", "GET", "/machines?page_token=%21", "", nil, 400, "bad-page-token", "query.page_token"},
		{"a wait that is none", "GET", "/operations/op-1?wait=soon", "", nil, 422, "invalid", "query.wait"},
		{"a cursor that is none", "GET", "/events/stream", "", []string{"Last-Event-ID: x"}, 422, "invalid", "header.Last-Event-ID"},
		{"a stream of nobody", "GET", "/events/stream?machine=m9", "", nil, 404, "not-found", ""},
		{"broken JSON", "POST", "/plans", `{"site":`, nil, 400, "malformed", "body"},
		{"no body", "POST", "/plans", "", nil, 400, "malformed", ""},
		{"another media type", "POST", "/plans", "site: lab", []string{"Content-Type: text/yaml"}, 415, "unsupported-media-type", ""},
		{"an unknown property", "POST", "/plans", `{"site":"lab","colour":"red"}`, nil, 422, "invalid", "body.colour"},
		{"a property of another type", "POST", "/plans", `{"site":"lab","racks":[{"name":"r1","units":"many"}]}`, nil, 422, "invalid", "body.racks[0].units"},
		{"a body too large", "POST", "/plans", big, nil, 413, "too-large", ""},
		{"an order too large", "POST", "/machines/m1/actions/power", strings.Repeat(" ", wire.MaxBody+1), nil, 413, "too-large", ""},
		{"a fault of the domain", "POST", "/plans", `{"site":"NO!"}`, nil, 422, "invalid", "body.site"},
		{"another hash", "POST", "/plans/apply?hash=00", `{"site":"lab"}`, nil, 409, "conflict", ""},
		{"an action that is none", "POST", "/machines/m1/actions/power", `{"action":"explode"}`, nil, 422, "invalid", "body.action"},
		{"no BMC", "POST", "/machines/m2/actions/power", `{"action":"on"}`, nil, 409, "conflict", ""},
		{"an image of no name", "POST", "/machines/m1/actions/deploy", `{"image":"none"}`, nil, 422, "invalid", "body.image"},
		{"an image that cannot boot there", "POST", "/machines/m2/actions/deploy", `{"image":"efi-only"}`, nil, 409, "conflict", ""},
		{"a key that is none", "POST", "/machines/m1/actions/deploy", `{"image":"debian","ssh_keys":["hello"]}`, nil, 422, "invalid", "body.ssh_keys[0]"},
		{"an upload without a name", "POST", "/images", "x", []string{"Content-Type: application/octet-stream"}, 422, "invalid", "query.name"},
		{"an upload with a wrong query", "POST", "/images?name=a&nam=b", "x", []string{"Content-Type: "}, 400, "unknown-parameter", "query.nam"},
		{"an upload of a form", "POST", "/images?name=a", "x", []string{"Content-Type: multipart/form-data; boundary=x"}, 415, "unsupported-media-type", ""},
		{"an upload of nothing", "POST", "/images?name=a", "", nil, 400, "malformed", ""},
		{"an upload of another digest", "POST", "/images?name=a&sha256=" + strings.Repeat("0", 64), "x", []string{"Content-Type: "}, 422, "invalid", ""},
		{"an upload under a name that is taken", "POST", "/images?name=debian", "x", []string{"Content-Type: "}, 409, "conflict", ""},
	} {
		t.Run(c.what, func(t *testing.T) {
			answer, text := ask(t, c.method, url+c.path, c.body, c.headers...)
			if answer.StatusCode != c.status || answer.Header.Get("Content-Type") != "application/problem+json" {
				t.Fatalf("%s %s: %s", answer.Status, answer.Header.Get("Content-Type"), text)
			}
			p := decode[wire.Problem](t, text)
			if p.Type != "urn:rackwright:problem:"+c.kind || p.Status != c.status || p.Title == "" || p.Detail == "" || p.RequestID == "" {
				t.Errorf("problem %+v", p)
			}
			if c.location != "" && (len(p.Errors) == 0 || p.Errors[0].Location != c.location || p.Errors[0].Message == "") {
				t.Errorf("errors %+v, want one at %s", p.Errors, c.location)
			}
			if p.Hint == "" && c.status != 404 && c.status != 409 {
				t.Errorf("no hint in %s", text)
			}
			if c.status == 401 && answer.Header.Get("WWW-Authenticate") == "" {
				t.Error("401 without WWW-Authenticate")
			}
			if c.status == 405 && answer.Header.Get("Allow") != "GET, HEAD, OPTIONS" {
				t.Errorf("Allow: %s", answer.Header.Get("Allow"))
			}
		})
	}
}

func TestOurOwnFaultsAreToldInGeneral(t *testing.T) {
	s, url := rack(t)
	for kind, status := range map[error]int{
		errors.New("pq: password authentication failed"): 500,
		fault.Internalf("row 7 is broken"):               500,
		fault.Unreachablef("the database is away"):       503,
	} {
		s.Fail(kind)
		answer, text := ask(t, "GET", url+"/machines", "")
		if answer.StatusCode != status || (status == 500 && strings.Contains(text, kind.Error())) {
			t.Errorf("%v: %s %s", kind, answer.Status, text)
		}
		if again := answer.Header.Values("Retry-After"); len(again) != 0 && status != 503 || len(again) != 1 && status == 503 {
			t.Errorf("%v: to be asked for again in %v s", kind, again)
		}
	}
}

// fragile panics where a store should not.
type fragile struct{ *apitest.Store }

func (fragile) RackPage(context.Context, store.Page) ([]inventory.Rack, error) {
	panic("rack fell over")
}

func TestAPanicIsAProblemAndTheServerGoesOn(t *testing.T) {
	url := apitest.Serve(t, api.Options{Store: fragile{apitest.Rack(t)}}) + wire.Prefix
	answer, text := ask(t, "GET", url+"/racks", "")
	if answer.StatusCode != 500 || strings.Contains(text, "fell over") || decode[wire.Problem](t, text).Type != "urn:rackwright:problem:internal" {
		t.Errorf("%s %s", answer.Status, text)
	}
	if answer, _ = ask(t, "GET", url+"/machines", ""); answer.StatusCode != 200 {
		t.Error(answer.Status)
	}
}
