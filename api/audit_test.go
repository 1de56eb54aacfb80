package api_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"rackwright/access"
	"rackwright/api"
	"rackwright/api/apitest"
	"rackwright/api/wire"
	"rackwright/audit"
	"rackwright/store"
)

// entries is the whole audit of a store.
func entries(t *testing.T, s *apitest.Store) []audit.Record {
	t.Helper()
	list, err := s.Audit(t.Context(), store.AuditFilter{})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestAChangeIsEnteredAsAskedAndAsAnswered(t *testing.T) {
	s, url := rack(t)
	ask(t, "GET", url+"/machines", "")
	ask(t, "POST", url+"/machines/m1/hold", `{"reason":"replace a fan"}`, "X-Request-Id: r-1")
	ask(t, "DELETE", url+"/machines/m1/hold", "", "X-Rackwright-Reason: done", "If-Match: *")
	list := entries(t, s)
	if len(list) != 4 {
		t.Fatalf("%d entries: %+v", len(list), list)
	}
	asked, answered, released := list[0], list[1], list[3]
	if asked.Stage != audit.Asked || asked.Actor != "admin" || asked.Role != "admin" || asked.Request != "r-1" || asked.Address != "127.0.0.1" || asked.Route != "hold-machine" ||
		asked.Target != "machine/m1" || asked.TargetID == "" || asked.Path != "/machines/m1/hold" || asked.Before["phase"] == nil || asked.Status != 0 {
		t.Errorf("asked: %+v", asked)
	}
	if answered.Stage != audit.Answered || answered.Asks != asked.Seq || answered.Status != 200 || answered.Reason != "replace a fan" || answered.Before["held_by"] != nil ||
		answered.After["held_by"] != "admin" || answered.After["phase"] != "maintenance" {
		t.Errorf("answered: %+v", answered)
	}
	if released.Reason != "done" || released.Before["held_by"] != "admin" || released.After["held_by"] != nil {
		t.Errorf("released: %+v", released)
	}
}

func TestTheAuditSaysWhoGaveWhichTokenAndWebhook(t *testing.T) {
	s, url := rack(t)
	ask(t, "POST", url+"/tokens", `{"name":"mia","role":"technician","scope":{"racks":["r1"]}}`)
	ask(t, "DELETE", url+"/tokens/mia", "", "If-Match: *")
	ask(t, "POST", url+"/webhooks", `{"name":"chat","url":"https://hook.example/s3cret"}`)
	list := entries(t, s)
	if len(list) != 6 {
		t.Fatalf("%d entries: %+v", len(list), list)
	}
	for i, target := range map[int]string{1: "token/mia", 2: "token/mia", 3: "token/mia", 5: "webhook/chat"} {
		if list[i].Target != target || list[i].TargetID == "" {
			t.Errorf("%d: %+v", i, list[i])
		}
	}
	if given := fmt.Sprint(list[1].After); !strings.Contains(given, "technician") || !strings.Contains(given, "r1") {
		t.Errorf("given: %s", given)
	}
	if list[3].Before["revoked_at"] != nil || list[3].After["revoked_at"] == nil {
		t.Errorf("revoked: %+v", list[3])
	}
	if made := fmt.Sprint(list[5].After); !strings.Contains(made, "hook.example") || strings.Contains(made, "s3cret") {
		t.Errorf("webhook: %s", made)
	}
}

func TestEachOfManyMachinesIsFoundInTheAudit(t *testing.T) {
	s, url := rack(t)
	body := `{"machines":["m1","none"],"mode":"each","order":{"action":"cycle"}}`
	for range 2 {
		ask(t, "POST", url+"/machines/actions/power", body, "X-Rackwright-Reason: ticket 4711", "Idempotency-Key: k-1")
	}
	list := entries(t, s)
	if len(list) != 6 {
		t.Fatalf("%d entries: %+v", len(list), list)
	}
	whole, m1, none, again := list[1], list[2], list[3], list[5]
	if whole.After["begun"] != 1.0 || whole.After["refused"] != 1.0 || whole.After["replayed"] != nil || again.After["replayed"] != true {
		t.Errorf("whole: %+v, again: %+v", whole, again)
	}
	if m1.Target != "machine/m1" || m1.TargetID == "" || m1.Status != 202 || m1.After["operation"] == nil || m1.Asks != list[0].Seq || m1.Reason != "ticket 4711" {
		t.Errorf("m1: %+v", m1)
	}
	if none.Target != "machine/none" || none.Status != 404 || none.After != nil {
		t.Errorf("none: %+v", none)
	}
	found, err := s.Audit(t.Context(), store.AuditFilter{Target: "machine/m1"})
	if err != nil || len(found) != 1 {
		t.Errorf("of m1: %+v, %v", found, err)
	}
}

func TestWhatIsRefusedIsEnteredToo(t *testing.T) {
	s, url := rack(t)
	for _, c := range []struct {
		method, path, body string
		header             string
		status             int
		stages             int
	}{
		{"POST", "/machines/m1/actions/power", `{"action":"on"}`, "Authorization: Bearer " + apitest.ViewerSecret, 403, 1},
		{"POST", "/machines/m1/actions/power", `{"action":"on"}`, "Authorization: ", 401, 1},
		{"POST", "/machines/none/actions/power", `{"action":"on"}`, "X: y", 404, 2},
		{"POST", "/machines/m1/actions/power", `{"action":"sideways"}`, "X: y", 422, 2},
		{"POST", "/plans", `{}`, "Authorization: Bearer " + apitest.ViewerSecret, 403, 1},
		{"POST", "/nothing", `{}`, "X: y", 404, 0},
		{"GET", "/machines/m1", ``, "Authorization: ", 401, 0},
	} {
		had := len(entries(t, s))
		answer, text := ask(t, c.method, url+c.path, c.body, c.header)
		list := entries(t, s)[had:]
		if answer.StatusCode != c.status || len(list) != c.stages {
			t.Errorf("%s %s: %s with %d entries %+v: %s", c.method, c.path, answer.Status, len(list), list, text)
			continue
		}
		if c.stages > 0 && (list[len(list)-1].Status != c.status || list[len(list)-1].Route == "") {
			t.Errorf("%s %s: %+v", c.method, c.path, list)
		}
	}
}

func TestStrangersDoNotFillTheAudit(t *testing.T) {
	s, url := rack(t)
	for range 100 {
		ask(t, "POST", url+"/machines/m1/actions/power", `{}`, "Authorization: ")
	}
	if n := len(entries(t, s)); n == 0 || n > 61 {
		t.Errorf("%d entries of 100 refusals", n)
	}
}

func TestWhoMayNothingDoesNotFillTheAudit(t *testing.T) {
	s, url := rack(t)
	for range 100 {
		ask(t, "POST", url+"/machines/m1/actions/power", `{}`, "Authorization: Bearer "+apitest.ViewerSecret)
	}
	if n := len(entries(t, s)); n == 0 || n > 61 {
		t.Errorf("%d entries of 100 refusals", n)
	}
}

func TestWithoutTheAuditNothingIsDone(t *testing.T) {
	s := apitest.Rack(t)
	url := apitest.Serve(t, api.Options{Store: deaf{s}}) + wire.Prefix
	if answer, text := ask(t, "POST", url+"/machines/m1/actions/power", `{"action":"on"}`); answer.StatusCode != 503 || !strings.Contains(text, "nothing was done") {
		t.Errorf("%s %s", answer.Status, text)
	}
	if ops, _ := s.Operations(t.Context(), store.OperationFilter{}); len(ops) > 0 {
		t.Errorf("%+v was begun", ops)
	}
	if answer, _ := ask(t, "GET", url+"/machines/m1", ""); answer.StatusCode != 200 {
		t.Errorf("reading: %s", answer.Status)
	}
}

// deaf is a store whose audit takes nothing.
type deaf struct{ *apitest.Store }

func (deaf) AppendAudit(context.Context, audit.Record) (audit.Record, error) {
	return audit.Record{}, errors.New("disk full")
}

func TestEveryUnsafeRouteIsInTheAudit(t *testing.T) {
	s, url := rack(t)
	text, err := api.Document()
	if err != nil {
		t.Fatal(err)
	}
	doc := decode[struct {
		Paths map[string]map[string]struct {
			ID string `json:"operationId"`
		}
	}](t, string(text))
	secret, asked := "", 0
	for path, item := range doc.Paths {
		for method, o := range item {
			if method == "get" || method == "head" {
				continue
			}
			if asked++; asked%50 == 1 { // one caller's refusals are not all entered
				secret = fmt.Sprintf("rw_viewer_%d", asked)
				if _, err := s.AddToken(t.Context(), access.Grant{Name: fmt.Sprintf("viewer-%d", asked), Role: access.Viewer}, secret, "tester"); err != nil {
					t.Fatal(err)
				}
			}
			had := len(entries(t, s))
			target := strings.NewReplacer("{", "", "}", "").Replace(strings.TrimPrefix(path, wire.Prefix))
			ask(t, strings.ToUpper(method), url+target, `{}`, "Authorization: Bearer "+secret)
			list := entries(t, s)[had:]
			if len(list) == 0 || list[len(list)-1].Route != o.ID {
				t.Errorf("%s %s (%s) leaves %+v", method, path, o.ID, list)
			}
		}
	}
}

// TestNoSecretGetsIntoTheAudit puts marked secrets in every member of a body that takes one.
func TestNoSecretGetsIntoTheAudit(t *testing.T) {
	const mark = "MARKED-SECRET"
	var log bytes.Buffer
	s := apitest.Rack(t)
	url := apitest.Serve(t, api.Options{Store: s, Log: slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})), TwoPersonsOver: 1}) + wire.Prefix
	plan, _ := json.Marshal(apitest.Plan())
	for _, c := range [][2]string{
		{"/plans/apply", strings.ReplaceAll(string(plan), "bmc-secret", mark)},
		{"/plans", strings.ReplaceAll(string(plan), "bmc-secret", mark)},
		{"/machines/m1/actions/deploy", `{"image":"debian","user_data":"` + mark + `","vars":{"password":"` + mark + `"}}`},
		{"/machines/m1/actions/deploy", `{"image":"debian","user_data":"` + mark + `","overwrite":["D1"]}`},
		{"/machines/m1/actions/deploy", `{"image":"debian","unknown":"` + mark + `"}`},
		{"/machines/m1/actions/bmc", `{"change":"password","password":"` + mark + `"}`},
		{"/machines/m1/actions/claim", `{"user":"root","password":"` + mark + `","factory_password":"` + mark + `"}`},
		{"/machines/m1/actions/rescue", `{"password":"` + mark + `","ssh_keys":["` + mark + `"]}`},
		{"/images/imports", `{"name":"x","source":"https://user:` + mark + `@example.org/x","token":"` + mark + `"}`},
		{"/machines/m1/actions/power", `{"action":"` + mark + `"}`},
		{"/machines/actions/erase", `{"machines":["m1","m2"],"order":{},"mode":"all"}`},
	} {
		ask(t, "POST", url+c[0], c[1])
	}
	ask(t, "POST", url+"/machines/m1/actions/power", `{"action":"on"}`, "Authorization: Bearer "+mark)
	events, _ := s.Events(t.Context(), store.EventFilter{})
	for what, v := range map[string]any{"audit": entries(t, s), "journal": events, "log": log.String()} {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if at := strings.Index(string(text), mark); at >= 0 {
			t.Errorf("the %s has it: %s", what, text[max(0, at-200):min(len(text), at+100)])
		}
	}
	if len(entries(t, s)) < 20 {
		t.Error("too little was entered for this to say anything")
	}
}

func TestTheExportIsAChainAndTheHeadIsSigned(t *testing.T) {
	s := apitest.Rack(t)
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{5}, 32))
	url := apitest.Serve(t, api.Options{Store: s, AuditKey: key}) + wire.Prefix
	for range 7 {
		ask(t, "POST", url+"/machines/m1/actions/power", `{"action":"on"}`)
	}
	answer, text := ask(t, "GET", url+"/audit/export", "")
	if answer.StatusCode != 200 || answer.Header.Get("Content-Type") != "application/jsonl" {
		t.Fatalf("%s %s", answer.Status, answer.Header)
	}
	_, headText := ask(t, "GET", url+"/audit/head", "")
	head := decode[audit.Anchor](t, headText)
	if err := head.Verify(""); err != nil {
		t.Error(err)
	}
	kept := head.Head()
	check := audit.Check{Expect: &kept}
	if err := check.Read(strings.NewReader(text)); err != nil || check.Entries != 14 {
		t.Errorf("%d entries, %v", check.Entries, err)
	}
	_, part := ask(t, "GET", url+"/audit/export?after=3&through=5", "")
	if strings.Count(part, "\n") != 2 {
		t.Errorf("entries 4 to 5: %s", part)
	}
	s.Tamper(4, func(e *audit.Record) { e.Actor = "eve" })
	_, text = ask(t, "GET", url+"/audit/export", "")
	if err := new(audit.Check).Read(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), "entry 4 was changed") {
		t.Errorf("a changed entry: %v", err)
	}
}

func TestTheAuditIsPagedAndFiltered(t *testing.T) {
	_, url := rack(t)
	for i := range 6 {
		ask(t, "POST", url+fmt.Sprintf("/machines/m%d/hold", i%2+1), `{"reason":"x"}`)
	}
	for _, newest := range []string{"false", "true"} {
		seen, token := []int64{}, ""
		for range 10 {
			_, text := ask(t, "GET", url+"/audit?limit=5&newest="+newest+"&page_token="+token, "")
			page := decode[wire.List[audit.Record]](t, text)
			for _, e := range page.Items {
				seen = append(seen, e.Seq)
			}
			if token = page.Next; token == "" {
				break
			}
		}
		if len(seen) != 12 || (seen[0] == 1) == (newest == "true") {
			t.Errorf("newest %s: %v", newest, seen)
		}
	}
	for query, want := range map[string]int{"target=machine/m1": 6, "actor=admin": 12, "actor=eve": 0, "route=hold-machine": 12, "open=true": 0, "until=2020-01-01T00:00:00Z": 0} {
		_, text := ask(t, "GET", url+"/audit?"+query, "")
		if page := decode[wire.List[audit.Record]](t, text); len(page.Items) != want {
			t.Errorf("%s: %d entries", query, len(page.Items))
		}
	}
	if answer, _ := ask(t, "GET", url+"/audit?page_token=!", ""); answer.StatusCode/100 != 4 {
		t.Errorf("a bad token: %s", answer.Status)
	}
	if answer, _ := ask(t, "GET", url+"/audit", "", "Authorization: Bearer "+apitest.ViewerSecret); answer.StatusCode != http.StatusForbidden {
		t.Errorf("a viewer: %s", answer.Status)
	}
}

func TestWhatDestroysTooMuchWaitsForASecondPerson(t *testing.T) {
	s := apitest.Rack(t)
	url := apitest.Serve(t, api.Options{Store: s, TwoPersonsOver: 1}) + wire.Prefix
	operator := "Authorization: Bearer " + apitest.OperatorSecret
	if answer, text := ask(t, "POST", url+"/machines/m1/actions/erase", `{}`, operator); answer.StatusCode != 202 || strings.Contains(answer.Header.Get("Location"), "approvals") {
		t.Fatalf("the first: %s %s", answer.Status, text)
	}
	if answer, text := ask(t, "POST", url+"/machines/m2/actions/erase", `{"dry_run":true}`, operator); answer.StatusCode != 200 {
		t.Fatalf("a dry run: %s %s", answer.Status, text)
	}
	answer, text := ask(t, "POST", url+"/machines/m2/actions/erase", `{}`, operator, "X-Rackwright-Reason: sold")
	a := decode[audit.Approval](t, text)
	if answer.StatusCode != 202 || answer.Header.Get("Location") != wire.Prefix+"/approvals/"+a.ID || a.State != audit.Waiting || a.Machines != 1 || a.Actor != "operator" || a.Reason != "sold" {
		t.Fatalf("the second: %s %s", answer.Status, text)
	}
	if ops, _ := s.Operations(t.Context(), store.OperationFilter{}); len(ops) != 1 {
		t.Fatalf("%d operations", len(ops))
	}
	approve := url + "/approvals/" + a.ID + "/approve"
	if answer, text := ask(t, "POST", approve, `{}`, operator); answer.StatusCode != 403 || !strings.Contains(text, "a second person") {
		t.Errorf("who asked approves: %s %s", answer.Status, text)
	}
	if answer, _ := ask(t, "POST", approve, `{}`, "Authorization: Bearer "+apitest.ViewerSecret); answer.StatusCode != 403 {
		t.Errorf("a viewer approves: %s", answer.Status)
	}
	answer, text = ask(t, "POST", approve, `{"reason":"ticket 4711"}`)
	done := decode[audit.Approval](t, text)
	if answer.StatusCode != 200 || done.State != audit.ApprovalDone || done.Status != 202 || !strings.HasPrefix(done.Location, "/operations/") || done.By != "admin" || done.Decision != "ticket 4711" {
		t.Fatalf("approved: %s %s", answer.Status, text)
	}
	ops, _ := s.Operations(t.Context(), store.OperationFilter{})
	if len(ops) != 2 || ops[0].Actor != "operator" && ops[1].Actor != "operator" {
		t.Errorf("operations %+v", ops)
	}
	if answer, _ := ask(t, "POST", approve, `{}`); answer.StatusCode != 409 {
		t.Errorf("again: %s", answer.Status)
	}
	both := 0
	for _, e := range entries(t, s) {
		if e.Actor == "operator" && e.Approver == "admin" && e.Approval == a.ID && e.Route == "erase-machine" {
			both++
		}
	}
	if both != 2 {
		t.Errorf("%d entries name both", both)
	}
}

func TestManyAtOnceWaitForASecondPersonWhoMayRefuse(t *testing.T) {
	s := apitest.Rack(t)
	url := apitest.Serve(t, api.Options{Store: s, TwoPersonsOver: 1}) + wire.Prefix
	answer, text := ask(t, "POST", url+"/machines/actions/erase", `{"machines":["m1","m2"],"order":{},"mode":"each"}`)
	a := decode[audit.Approval](t, text)
	if answer.StatusCode != 202 || a.Machines != 2 || a.Route != "erase-machines" {
		t.Fatalf("%s %s", answer.Status, text)
	}
	if answer, text := ask(t, "POST", url+"/approvals/"+a.ID+"/refuse", `{"reason":"wrong rack"}`, "Authorization: Bearer "+apitest.OperatorSecret); answer.StatusCode != 200 || decode[audit.Approval](t, text).State != audit.Turned {
		t.Fatalf("%s %s", answer.Status, text)
	}
	if ops, _ := s.Operations(t.Context(), store.OperationFilter{}); len(ops) != 0 {
		t.Errorf("%d operations", len(ops))
	}
}
