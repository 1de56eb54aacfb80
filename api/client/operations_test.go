package client_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"rackwright/api/client"
	"rackwright/api/wire"
	"rackwright/fleet"
	"rackwright/inventory/racking"
)

// routes of the document, by operation id.
func routes(t *testing.T) map[string][2]string {
	text, err := os.ReadFile("../openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	out := map[string][2]string{}
	for path, methods := range doc.Paths {
		for method, raw := range methods {
			var o struct {
				ID string `json:"operationId"`
			}
			if json.Unmarshal(raw, &o) == nil && o.ID != "" {
				out[o.ID] = [2]string{strings.ToUpper(method), path}
			}
		}
	}
	return out
}

// asked notes which operations are asked for, and finds nothing.
type asked struct {
	mux *http.ServeMux
	mu  sync.Mutex
	ids map[string]bool
}

func newAsked(t *testing.T) (*asked, *client.Client) {
	a := &asked{mux: http.NewServeMux(), ids: map[string]bool{}}
	for id, r := range routes(t) {
		a.mux.HandleFunc(r[0]+" "+r[1], func(w http.ResponseWriter, _ *http.Request) {
			a.mu.Lock()
			a.ids[id] = true
			a.mu.Unlock()
			http.Error(w, "", http.StatusNotFound)
		})
	}
	srv := httptest.NewServer(a.mux)
	t.Cleanup(srv.Close)
	c, err := client.New(srv.URL, "")
	if err != nil {
		t.Fatal(err)
	}
	return a, c
}

func (a *asked) take() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []string
	for id := range a.ids {
		out = append(out, id)
	}
	clear(a.ids)
	slices.Sort(out)
	return out
}

// sample is a value for an argument.
func sample(t reflect.Type) reflect.Value {
	v := reflect.New(t).Elem()
	switch {
	case t == reflect.TypeFor[racking.Spot]():
		return reflect.ValueOf(racking.Spot{U: 1})
	case t == reflect.TypeFor[url.Values]():
	case t == reflect.TypeFor[io.Reader]():
		v.Set(reflect.ValueOf(strings.NewReader("x")))
	case t.Kind() == reflect.String:
		v.SetString("x")
	case t.Kind() == reflect.Func:
		v.Set(reflect.MakeFunc(t, func([]reflect.Value) []reflect.Value {
			out := make([]reflect.Value, t.NumOut())
			for i := range out {
				out[i] = reflect.Zero(t.Out(i))
			}
			return out
		}))
	case t.Kind() == reflect.Struct:
		for i := range t.NumField() {
			if f := t.Field(i); f.Type == reflect.TypeFor[io.Reader]() || f.Name == "Name" && f.Type.Kind() == reflect.String {
				v.Field(i).Set(sample(f.Type))
			}
		}
	}
	return v
}

// Every operation of the document has a call, and every call asks for an operation: one of
// them, but where its arguments choose.
func TestEveryOperationHasACallAndEveryCallAnOperation(t *testing.T) {
	a, c := newAsked(t)
	ctx := t.Context()
	had := map[string]bool{}
	note := func(call string, most int, ids []string) {
		if len(ids) == 0 || len(ids) > most {
			t.Errorf("%s asks for %v", call, ids)
		}
		for _, id := range ids {
			had[id] = true
		}
	}
	chosen := map[string][]func(){ // calls whose arguments choose the operation
		"Elevation":    {func() { c.Elevation(ctx, "x", "front") }},
		"RackLabels":   {func() { c.RackLabels(ctx, "x", "slot", "svg", client.Paper{}) }, func() { c.RackLabels(ctx, "x", "slot", "pdf", client.Paper{}) }},
		"MachineLabel": {func() { c.MachineLabel(ctx, "x", "svg", client.Paper{}) }, func() { c.MachineLabel(ctx, "x", "pdf", client.Paper{}) }},
	}
	chosen["SendPart"] = []func(){func() { c.SendPart(ctx, client.Upload{Name: "x", File: strings.NewReader("x"), Bytes: 1}) }}
	for _, kind := range []fleet.Kind{fleet.Rollout, fleet.Campaign} {
		chosen["Fleets"] = append(chosen["Fleets"], func() { c.Fleets(ctx, kind) })
		chosen["Fleet"] = append(chosen["Fleet"], func() { c.Fleet(ctx, kind, "x") })
		for _, verb := range []string{"pause", "resume", "cancel"} {
			chosen["SteerFleet"] = append(chosen["SteerFleet"], func() { c.SteerFleet(ctx, kind, "x", verb) })
		}
	}
	typ := reflect.TypeOf(c)
	for i := range typ.NumMethod() {
		m := typ.Method(i)
		switch m.Name {
		case "Close", "Because", "Tag": // of no one operation
			continue
		}
		if m.Type.NumIn() < 2 || m.Type.In(1) != reflect.TypeFor[context.Context]() {
			continue // it asks nobody
		}
		calls := chosen[m.Name]
		if calls == nil {
			args := []reflect.Value{reflect.ValueOf(c), reflect.ValueOf(ctx)}
			for j := 2; j < m.Type.NumIn(); j++ {
				args = append(args, sample(m.Type.In(j)))
			}
			calls = []func(){func() { m.Func.Call(args) }}
		}
		for _, call := range calls {
			call()
			note(m.Name, 1, a.take())
		}
	}
	for _, verb := range []string{"deploy", "power", "inspect", "erase", "burn-in", "rescue", "bmc", "claim", "firmware", "locate", "hold", "release", "retire", "replace", "waive", "unwaive"} {
		client.Many(ctx, c, verb, wire.Many[struct{}]{})
		note("Many "+verb, 1, a.take())
	}
	for id, why := range map[string]string{
		"image-upload-offset":   "AddImage asks for it when a connection broke: resume_test.go",
		"continue-image-upload": "AddImage sends with it: resume_test.go",
		"docs":                  "the page for people",
	} {
		if had[id] {
			t.Errorf("%s is reached, and is said not to be: %s", id, why)
		}
		had[id] = true
	}
	for id := range routes(t) {
		if !had[id] {
			t.Errorf("no call asks for %s", id)
		}
	}
}
