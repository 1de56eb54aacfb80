package api_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"rackwright/access"
	"rackwright/api"
	"rackwright/api/apitest"
	"rackwright/api/wire"
	"rackwright/audit"
	"rackwright/inventory"
	"rackwright/store"
)

func TestWhoApprovesSeesTheMachinesAndWhatIsAsked(t *testing.T) {
	s := apitest.Rack(t)
	url := apitest.Serve(t, api.Options{Store: s, TwoPersonsOver: 1}) + wire.Prefix
	for _, m := range []string{"m1", "m2"} {
		s.Change(m, func(m *inventory.Machine) { m.Phase, m.Image = inventory.Active, "debian" })
	}
	_, text := ask(t, "POST", url+"/machines/actions/deploy", `{"machines":["m1","m2"],"mode":"each","order":{"image":"debian","user_data":"#cloud-config\nmarked-secret"}}`,
		"Authorization: Bearer "+apitest.OperatorSecret)
	a := decode[audit.Approval](t, text)
	if len(a.Touched) != 2 || a.Touched[0].Name != "m1" || a.Touched[0].ID == "" || a.Touched[1].Name != "m2" {
		t.Fatalf("touched %+v of %s", a.Touched, text)
	}
	if order, _ := a.Asks["order"].(map[string]any); order["image"] != "debian" || order["user_data"] != "(hidden)" || strings.Contains(text, "marked-secret") {
		t.Errorf("asks %s", text)
	}
}

func TestOnlyTheMachinesThatWereApprovedAreTouched(t *testing.T) {
	s := apitest.Rack(t)
	url := apitest.Serve(t, api.Options{Store: s, TwoPersonsOver: 1}) + wire.Prefix
	s.Change("m1", func(m *inventory.Machine) { m.Tags = []string{"old"} })
	s.Change("m2", func(m *inventory.Machine) { m.Tags = []string{"old"} })
	_, text := ask(t, "POST", url+"/machines/actions/erase", `{"which":{"rack":"r1"},"mode":"each","order":{}}`, "Authorization: Bearer "+apitest.OperatorSecret)
	a := decode[audit.Approval](t, text)
	// As many machines as were approved, and one of them another.
	s.Change("m2", func(m *inventory.Machine) { m.ID = "another-machine" })
	_, text = ask(t, "POST", url+"/approvals/"+a.ID+"/approve", "")
	if done := decode[audit.Approval](t, text); done.Status != 409 {
		t.Errorf("%s", text)
	}
	if ops, _ := s.Operations(t.Context(), store.OperationFilter{}); len(ops) != 0 {
		t.Errorf("%d operations were begun", len(ops))
	}
}

func TestWhatWasApprovedIsTheImageAndNotItsName(t *testing.T) {
	for what, body := range map[string]string{
		"/machines/actions/deploy": `{"machines":["m1","m2"],"mode":"each","order":{"image":"debian"}}`,
		"/rollouts":                `{"name":"spring","max_failures":5,"image":"debian","racks":["r1"],"active":true}`,
	} {
		for _, after := range []string{"the same", "another", "another of machines that are in use no more"} {
			t.Run(what+" "+after, func(t *testing.T) {
				s := apitest.Rack(t)
				url := apitest.Serve(t, api.Options{Store: s, TwoPersonsOver: 1}) + wire.Prefix
				for _, m := range []string{"m1", "m2"} {
					s.Change(m, func(m *inventory.Machine) { m.Phase, m.Image = inventory.Active, "debian" })
				}
				answer, text := ask(t, "POST", url+what, body, "Authorization: Bearer "+apitest.OperatorSecret)
				a := decode[audit.Approval](t, text)
				was, err := s.Image(t.Context(), "debian")
				if err != nil || answer.StatusCode != 202 || len(a.Touched) != 2 || a.Touched[0].Image != "debian" || a.Touched[0].Digest != was.Digest {
					t.Fatalf("%s %s, %v", answer.Status, text, err)
				}
				if after != "the same" {
					_, gone := s.RemoveImage(t.Context(), "debian", "tester")
					next := *was
					next.ID, next.Digest = "", "sha256:"+strings.Repeat("9", 64)
					if err := s.AddImage(t.Context(), &next, "tester"); err != nil || gone != nil {
						t.Fatal(err, gone)
					}
				}
				if strings.HasPrefix(after, "another of") {
					for _, m := range []string{"m1", "m2"} {
						s.Change(m, func(m *inventory.Machine) { m.Phase = inventory.Ready })
					}
				}
				_, text = ask(t, "POST", url+"/approvals/"+a.ID+"/approve", "")
				if done := decode[audit.Approval](t, text); (done.Status/100 == 2) != (after == "the same") || after != "the same" && done.Status != 409 {
					t.Errorf("answered %d: %s", done.Status, text)
				}
			})
		}
	}
}

func TestAPersonWithATokenAndALoginIsOnePerson(t *testing.T) {
	s := apitest.Rack(t)
	url := apitest.Serve(t, api.Options{Store: s, TwoPersonsOver: 1}) + wire.Prefix
	for name, g := range map[string]access.Grant{"rw_ci": {Name: "ci", Role: access.Operator, Owner: "mia"}, "rw_mia": {Name: "mia", Role: access.Operator}, "rw_bob": {Name: "bob", Role: access.Operator}} {
		if _, err := s.AddToken(t.Context(), g, name, "tester"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.OpenSession(t.Context(), access.Opening{Name: "login:mia", Door: access.ByLogin, Role: access.Operator, Owner: "mia", Subject: "issuer 7", Once: "x", Expires: time.Now().AddDate(1, 0, 0)}, "rw_login"); err != nil {
		t.Fatal(err)
	}
	_, text := ask(t, "POST", url+"/machines/actions/erase", `{"machines":["m1","m2"],"mode":"each","order":{}}`, "Authorization: Bearer rw_login")
	approve := url + "/approvals/" + decode[audit.Approval](t, text).ID + "/approve"
	for _, secret := range []string{"rw_login", "rw_ci", "rw_mia"} {
		if answer, text := ask(t, "POST", approve, "", "Authorization: Bearer "+secret); answer.StatusCode != 403 {
			t.Errorf("%s: %s %s", secret, answer.Status, text)
		}
	}
	if answer, text := ask(t, "POST", approve, "", "Authorization: Bearer rw_bob"); answer.StatusCode != 200 {
		t.Errorf("another person: %s %s", answer.Status, text)
	}
}

func TestATokenIsOfWhoGaveItUnlessItIsSaidToBeAnothers(t *testing.T) {
	s := apitest.Rack(t)
	url := apitest.Serve(t, api.Options{Store: s}) + wire.Prefix
	if _, err := s.OpenSession(t.Context(), access.Opening{Name: "login:mia", Door: access.ByLogin, Role: access.Admin, Owner: "mia", Once: "x", Expires: time.Now().AddDate(1, 0, 0)}, "rw_login"); err != nil {
		t.Fatal(err)
	}
	for body, want := range map[string]string{`{"name":"ci","role":"operator"}`: "mia", `{"name":"bob","role":"operator","owner":"bob"}`: "bob"} {
		if _, text := ask(t, "POST", url+"/tokens", body, "Authorization: Bearer rw_login"); decode[wire.TokenGiven](t, text).Owner != want {
			t.Errorf("%s: %s", body, text)
		}
	}
	if _, text := ask(t, "POST", url+"/tokens", `{"name":"x","role":"viewer"}`); decode[wire.TokenGiven](t, text).Owner != "" {
		t.Errorf("of a token without an owner: %s", text)
	}
}

func TestTheReasonOfTheHeaderComesFirstInTheAuditAndInApprovals(t *testing.T) {
	s := apitest.Rack(t)
	url := apitest.Serve(t, api.Options{Store: s, TwoPersonsOver: 1}) + wire.Prefix
	_, text := ask(t, "POST", url+"/machines/actions/erase", `{"machines":["m1","m2"],"mode":"each","order":{}}`)
	a := decode[audit.Approval](t, text)
	_, text = ask(t, "POST", url+"/approvals/"+a.ID+"/refuse", `{"reason":"of the body"}`, "X-Rackwright-Reason: of the header")
	if got := decode[audit.Approval](t, text).Decision; got != "of the header" {
		t.Errorf("decision %q", got)
	}
	if !slices.ContainsFunc(entries(t, s), func(e audit.Record) bool { return e.Route == "refuse-request" && e.Reason == "of the header" }) {
		t.Error("the audit says otherwise")
	}
}
