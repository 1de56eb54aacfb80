package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"rackwright/access"
	"rackwright/api"
	"rackwright/api/wire"
	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/images"
	"rackwright/inventory/plan"
	"rackwright/store"
	"rackwright/store/storetest"
)

// route is what the interface's own description says of one.
type route struct {
	method, path, id string
	right            access.Right
	reach            api.Reach
	json             bool // takes a JSON body
}

func routes(t *testing.T) (out []route) {
	t.Helper()
	text, err := api.Document()
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Paths map[string]map[string]struct {
			ID    string                           `json:"operationId"`
			Right access.Right                     `json:"x-right"`
			Reach api.Reach                        `json:"x-reach"`
			Body  struct{ Content map[string]any } `json:"requestBody"`
		}
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	for _, path := range slices.Sorted(maps.Keys(doc.Paths)) {
		for method, o := range doc.Paths[path] {
			out = append(out, route{strings.ToUpper(method), path, o.ID, o.Right, o.Reach, o.Body.Content["application/json"] != nil})
		}
	}
	return out
}

// hall is a real database with two sites, of which callers see one.
type hall struct {
	t       *testing.T
	db      *store.DB
	handler http.Handler
	now     time.Time
	ops     map[string]string // by machine
}

// noImages takes none in.
type noImages struct{}

func (noImages) Import(context.Context, io.Reader, images.ImportOrder, func(int64, int64), func(*images.Image) error) (*images.Image, error) {
	return nil, fault.Invalidf("no images here")
}

func newHall(t *testing.T) *hall {
	h := &hall{t: t, now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), ops: map[string]string{}}
	now := func() time.Time { return h.now }
	db, err := store.Open(t.Context(), store.Options{DSN: storetest.SQLite{}.Fresh(t), Sealer: storetest.NewSealer("k"), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	h.db = db
	for i, side := range []string{"inner", "outer"} {
		p := plan.Plan{Site: side + "-site", Networks: []plan.Network{{Name: side + "-network", CIDR: fmt.Sprintf("10.0.%d.0/24", i), Purpose: "provision", DHCP: "reservations"}}, Projects: []plan.Project{{Name: side + "-project"}},
			Racks: []plan.Rack{{Name: side + "-rack", Machines: []plan.Machine{{Name: side + "-machine", U: 3, Project: side + "-project", Serial: side + "-serial",
				NICs: []plan.NIC{{MAC: fmt.Sprintf("52:54:00:00:00:%02x", i+1), Network: side + "-network", Address: fmt.Sprintf("10.0.%d.9", i)}},
				BMC:  &plan.BMC{Address: fmt.Sprintf("https://192.0.2.%d", i+1), Username: "u", Password: "p"}}}}}}
		if _, err := db.ApplyPlan(t.Context(), p, "", "tester"); err != nil {
			t.Fatal(err)
		}
		o, err := db.CreateOperation(t.Context(), deploy.Inspect, side+"-machine", deploy.Order{}, "tester")
		if err != nil {
			t.Fatal(err)
		}
		h.ops[side] = o.ID
		if _, err := db.BeatCache(t.Context(), images.Cache{Name: side + "-cache", URL: "http://192.0.2.9:8088", Rack: side + "-rack"}, "tester"); err != nil {
			t.Fatal(err)
		}
	}
	h.handler = api.New(api.Options{Store: db, Importer: noImages{}, Now: now})
	return h
}

// token gives one and returns its secret.
func (h *hall) token(role access.Role, kind string) string {
	h.t.Helper()
	secret := "rw_" + string(role) + "_" + kind + "_secret"
	g := access.Grant{Name: string(role) + "-" + kind, Role: role}
	switch kind {
	case "scoped":
		g.Scope = access.Scope{Sites: []string{"inner-site"}, Racks: []string{"inner-rack"}}
	case "tenant":
		g.Scope = access.Scope{Projects: []string{"inner-project"}}
	case "expired":
		g.Expires = h.now.Add(time.Nanosecond * 1000)
	}
	if _, err := h.db.AddToken(h.t.Context(), g, secret, "tester"); err != nil {
		h.t.Fatal(err)
	}
	if kind == "revoked" {
		if _, err := h.db.RevokeToken(h.t.Context(), g.Name); err != nil {
			h.t.Fatal(err)
		}
	}
	return secret
}

// ender is a recorder that ends a stream with its first byte.
type ender struct {
	*httptest.ResponseRecorder
	end func()
}

func (e ender) Write(b []byte) (int, error) {
	if strings.HasPrefix(e.Header().Get("Content-Type"), "text/event-stream") {
		e.end()
	}
	return e.ResponseRecorder.Write(b)
}

// Flush is for streams.
func (e ender) Flush() {
	if strings.HasPrefix(e.Header().Get("Content-Type"), "text/event-stream") {
		e.end()
	}
}

// ask sends a route's request about one side.
func (h *hall) ask(r route, side, secret string) (int, string, http.Header) {
	ctx, end := context.WithCancel(h.t.Context())
	defer end()
	path := strings.NewReplacer("{machine}", side+"-machine", "{rack}", side+"-rack", "{u}", "3", "{step}", "mount").Replace(r.path)
	if r.reach == api.AtWork {
		path = strings.Replace(path, "{id}", h.ops[side], 1)
	}
	for strings.Contains(path, "{") {
		a, b := strings.Index(path, "{"), strings.Index(path, "}")
		path = path[:a] + "none" + path[b+1:]
	}
	body := ""
	if r.json {
		body = "{}"
	}
	q := httptest.NewRequestWithContext(ctx, r.method, path, strings.NewReader(body))
	if r.json {
		q.Header.Set("Content-Type", "application/json")
	}
	if secret != "" {
		q.Header.Set("Authorization", "Bearer "+secret)
	}
	w := ender{httptest.NewRecorder(), end}
	h.handler.ServeHTTP(w, q)
	return w.Code, w.Body.String(), w.Header()
}

// doors are the routes that need no token, with what each answers to who sends nothing. Every
// other route refuses them.
var doors = map[string]int{
	"health": 200, "docs": 200, "plan-schema": 200, // tell of the interface
	"login-terms": 200, "open-session": 409, "open-rack-session": 422, // the ways in; this hall has no provider
}

func TestEveryRouteIsADoorOrRefusesWhoHasNothing(t *testing.T) {
	h, listed := newHall(t), maps.Clone(doors)
	for _, r := range routes(t) {
		want, door := listed[r.id]
		if !door {
			want = 401
		}
		if door != (r.reach == api.Open) {
			t.Errorf("%s is open: %v, and among the doors: %v", r.id, r.reach == api.Open, door)
		}
		if got, text, _ := h.ask(r, "inner", ""); got != want || strings.Contains(text, "rw_") {
			t.Errorf("%s %s asked by nobody: %d, want %d: %.300s", r.method, r.path, got, want, text)
		}
		delete(listed, r.id)
	}
	for id := range listed {
		t.Errorf("door %s has no route", id)
	}
	for _, path := range []string{"", "/", "/sessions/", "/sessions/rack/x", "/sessions/terms/..", "/healthy", "/schemas", "/docs/x", "/none"} {
		q := httptest.NewRequestWithContext(t.Context(), "GET", wire.Prefix+path, nil)
		w := httptest.NewRecorder()
		if h.handler.ServeHTTP(w, q); w.Code != 401 {
			t.Errorf("%q, which is near a door, asked by nobody: %d", path, w.Code)
		}
	}
}

func TestEveryRouteAnswersEveryRoleAsTheTableSays(t *testing.T) {
	h, all := newHall(t), routes(t)
	secrets := map[access.Role]map[string]string{}
	for _, role := range access.Roles() {
		secrets[role] = map[string]string{}
		for _, kind := range []string{"whole", "scoped", "tenant", "expired", "revoked"} {
			secrets[role][kind] = h.token(role, kind)
		}
	}
	h.now = h.now.Add(time.Second)
	asked := 0
	check := func(r route, who, side, secret string, want int) {
		asked++
		got, text, header := h.ask(r, side, secret)
		wrong := got != want
		if want == 0 { // let in: what comes of it is the handler's
			missing := strings.Contains(text, fmt.Sprintf("there is no machine %q", side+"-machine")) || strings.Contains(text, fmt.Sprintf("there is no rack %q", side+"-rack")) ||
				strings.Contains(text, fmt.Sprintf("there is no operation %q", h.ops[side]))
			wrong = got == 401 || got >= 500 || got == 403 && r.reach != api.Listed || missing && got == 404
		}
		if wrong {
			t.Errorf("%s %s (%s, %s) asked by %s about %s: %d, want %d: %.300s", r.method, r.path, r.right, r.reach, who, side, got, want, strings.TrimSpace(text))
		}
		challenge := header.Get("WWW-Authenticate")
		if (got == 401 || got == 403) != strings.HasPrefix(challenge, "Bearer ") || (got == 403) != strings.HasSuffix(challenge, `, error="insufficient_scope"`) {
			t.Errorf("%s %s asked by %s: %d with the challenge %q", r.method, r.path, who, got, challenge)
		}
		if want == 0 && got < 300 && (strings.HasSuffix(who, "scoped") || strings.HasSuffix(who, "tenant")) && strings.Contains(strings.ReplaceAll(text, "outer-network", ""), "outer-") {
			t.Errorf("%s %s tells %s of what is out of its scope: %s", r.method, r.path, who, text)
		}
	}
	for _, r := range all {
		open := 401
		if r.reach == api.Open {
			open = 0
		}
		check(r, "nobody", "inner", "", open)
		check(r, "a stranger", "inner", "rw_unknown", open)
		for role, kinds := range secrets {
			for _, side := range []string{"inner", "outer"} {
				for _, kind := range []string{"whole", "scoped", "tenant"} {
					check(r, string(role)+", "+kind, side, kinds[kind], want(r, role, kind, side))
				}
			}
			check(r, string(role)+", expired", "inner", kinds["expired"], open)
			check(r, string(role)+", revoked", "inner", kinds["revoked"], open)
		}
	}
	t.Logf("%d routes, %d requests", len(all), asked)
}

// want is the status that a request is refused with, 0 when it is let in.
func want(r route, role access.Role, kind, side string) int {
	scoped := kind != "whole"
	switch {
	case r.reach == api.Open:
		return 0
	case !role.May(r.right), r.reach == api.Whole && scoped:
		return 403
	case kind == "tenant" && r.reach == api.AtRack: // a rack is in no project
		return 404
	case scoped && side == "outer" && slices.Contains([]api.Reach{api.AtMachine, api.AtRack, api.AtWork}, r.reach):
		return 404
	}
	return 0
}
