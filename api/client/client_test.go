package client_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rackwright/api"
	"rackwright/api/apitest"
	"rackwright/api/client"
	"rackwright/api/wire"
	"rackwright/deploy"
	"rackwright/fault"
)

func dial(t *testing.T, url, token string) *client.Client {
	t.Helper()
	c, err := client.New(url, token)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestAddressesOfServers(t *testing.T) {
	for address, good := range map[string]bool{
		"http://127.0.0.1:8480": true, "https://rackwright.example": true, "https://rackwright.example/": true, "unix:///run/rackwright/api.sock": true,
		"": false, "127.0.0.1:8480": false, "http://": false, "ftp://x": false, "http://x/api": false, "http://u:p@x": false,
		"http://x?a=b": false, "unix://run/sock": false, "unix://": false, "http://[": false,
	} {
		if _, err := client.New(address, ""); (err == nil) != good || (err != nil && !fault.Is(err, fault.Invalid)) {
			t.Errorf("%q: %v", address, err)
		}
	}
}

func TestTheServerIsReachedThroughAUnixSocket(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "api.sock")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(api.New(api.Options{Store: apitest.Rack(t), Version: "7"}))
	server.Listener = l
	server.Start()
	defer server.Close()
	c := dial(t, "unix://"+socket, apitest.ViewerSecret)
	if h, err := c.Health(t.Context()); err != nil || h.Version != "7" {
		t.Errorf("%+v %v", h, err)
	}
	if m, err := c.Machines(t.Context(), client.MachineQuery{Limit: 1}); err != nil || len(m) != 2 {
		t.Errorf("%d machines over pages of one, %v", len(m), err)
	}
}

func TestProblemsComeBackAsTheirFaults(t *testing.T) {
	s := apitest.Rack(t)
	url := apitest.Serve(t, api.Options{Store: s})
	c, ctx := dial(t, url, apitest.AdminSecret), t.Context()
	plan := apitest.Plan()
	plan.Racks[0].Machines[1].U = 1
	for what, c := range map[string]struct {
		err  func() error
		kind fault.Kind
		text string
	}{
		"no token":       {func() error { _, err := dial(t, url, "").Racks(ctx); return err }, fault.Denied, "no bearer token"},
		"a viewer":       {func() error { _, err := dial(t, url, apitest.ViewerSecret).Inspect(ctx, "m1"); return err }, fault.Denied, "viewer"},
		"nobody":         {func() error { _, err := c.Machine(ctx, "m 9/x"); return err }, fault.NotFound, `no machine "m 9/x"`},
		"bad plan":       {func() error { _, err := c.DiffPlan(ctx, plan); return err }, fault.Invalid, "slot r1/u1 front is taken twice"},
		"bad query":      {func() error { _, err := c.Machines(ctx, client.MachineQuery{Phases: []string{"asleep"}}); return err }, fault.Invalid, "query.phase[0]"},
		"does not fit":   {func() error { _, err := c.Deploy(ctx, "m2", wire.Deploy{Image: "efi-only"}); return err }, fault.Conflict, "efi-only"},
		"no such action": {func() error { _, err := c.Power(ctx, "m1", "explode"); return err }, fault.Invalid, "action"},
	} {
		err := c.err()
		if fault.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.text) || fault.HintOf(err) == "" {
			t.Errorf("%s: %v %v, hint %q", what, fault.KindOf(err), err, fault.HintOf(err))
		}
	}
	_, err := c.DiffPlan(ctx, plan)
	if f, _ := errors.AsType[*fault.Error](err); f == nil || len(f.Fields) != 1 || f.Fields[0].Path != "racks[0].machines[1].u" {
		t.Errorf("fields of %v", err)
	}
}

func TestWhatIsNoRackwrightServerIsSaidSo(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case wire.Prefix + "/racks":
			w.Write([]byte("<html>welcome</html>"))
		case wire.Prefix + "/networks":
			http.Redirect(w, r, "http://elsewhere.example/", http.StatusFound)
		default:
			http.Error(w, "bad gateway", http.StatusBadGateway)
		}
	}))
	defer server.Close()
	c, ctx := dial(t, server.URL, "secret"), t.Context()
	_, html := c.Racks(ctx)
	_, moved := c.Networks(ctx)
	_, gateway := c.Leases(ctx, "", "")
	for _, err := range []error{html, moved, gateway} {
		if err == nil || !strings.Contains(fault.HintOf(err), "is a rackwright server at that address?") {
			t.Errorf("%v, hint %q", err, fault.HintOf(err))
		}
	}
	if !fault.Is(gateway, fault.Unreachable) {
		t.Errorf("a bad gateway is %v", fault.KindOf(gateway))
	}
}

func TestAServerThatIsAwayIsUnreachable(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	_, err := dial(t, server.URL, "").Racks(t.Context())
	if !fault.Is(err, fault.Unreachable) || !strings.Contains(fault.HintOf(err), "rackwright serve") {
		t.Errorf("%v, hint %q", err, fault.HintOf(err))
	}
}

func TestOneOperationFromOrderToEnd(t *testing.T) {
	s := apitest.Rack(t)
	c, ctx := dial(t, apitest.Serve(t, api.Options{Store: s}), apitest.OperatorSecret), t.Context()
	steps, err := c.PlanDeploy(ctx, "m1", wire.Deploy{Image: "debian"})
	if err != nil || len(steps.Steps) == 0 {
		t.Fatal(steps, err)
	}
	o, err := c.Deploy(ctx, "m1", wire.Deploy{Image: "debian"})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan deploy.Operation, 1)
	go func() {
		last, err := c.WaitOperation(ctx, o.ID, 0, time.Minute)
		if err != nil {
			t.Error(err)
		}
		done <- last
	}()
	s.Move(o.ID, "done", func(o *deploy.Operation) { o.State = deploy.Succeeded })
	if last := <-done; last.State != deploy.Succeeded {
		t.Error(last.State)
	}
	list, err := c.Operations(ctx, client.OperationQuery{Machine: "m1", Kinds: []string{"deploy"}})
	if err != nil || len(list) != 1 {
		t.Error(list, err)
	}
	if list, err = c.Operations(ctx, client.OperationQuery{Open: true}); err != nil || len(list) != 0 {
		t.Error(list, err)
	}
	if why, err := c.Why(ctx, "m1"); err != nil || why.Why == "" {
		t.Error(why, err)
	}
	if events, err := c.Timeline(ctx, "m1", 10); err != nil || len(events) != 3 {
		t.Error(events, err)
	}
}

func TestAnUploadTellsItsProgressAndItsRefusal(t *testing.T) {
	s := apitest.Rack(t)
	c, ctx := dial(t, apitest.Serve(t, api.Options{Store: s}), apitest.OperatorSecret), t.Context()
	file, sent := strings.Repeat("x", 1<<20), int64(0)
	img, err := c.AddImage(ctx, client.Upload{Name: "new", File: strings.NewReader(file), Bytes: 1 << 20, Progress: func(n int64) { sent = n }})
	if err != nil || img.Bytes != 1<<20 || sent != 1<<20 {
		t.Errorf("%+v %v, %d sent", img, err, sent)
	}
	_, err = c.AddImage(ctx, client.Upload{Name: "No!", File: strings.NewReader(file), Bytes: 1 << 20})
	if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "name: is not an image name") {
		t.Error(err)
	}
	_, err = c.AddImage(ctx, client.Upload{Name: "other", SHA256: strings.Repeat("0", 64), File: strings.NewReader(file), Bytes: -1})
	if !fault.Is(err, fault.Invalid) {
		t.Error(err)
	}
	if err := c.RemoveImage(ctx, "new"); err != nil {
		t.Error(err)
	}
	if list, err := c.Images(ctx); err != nil || len(list) != 2 {
		t.Error(list, err)
	}
	stopped, stop := context.WithCancel(ctx)
	stop()
	if _, err := c.Images(stopped); !fault.Is(err, fault.Unreachable) || !strings.Contains(err.Error(), "interrupted") {
		t.Error(err)
	}
}
