package api_test

import (
	"strings"
	"testing"
)

// changes are all requests with a body that racking brought, each as a person means it.
var changes = map[string]string{
	"/machines/m1/hold":           `{"reason":"fan"}`,
	"/machines/m1/retire":         `{"reason":"sold"}`,
	"/machines/m1/replace":        `{"part":"board","reason":"RMA"}`,
	"/machines/m1/waivers":        `{"rule":"dimm-missing","reason":"ordered"}`,
	"/machines/m1/actions/locate": `{"on":true}`,
	"/racks/r1/signoff":           `{"note":"handed over"}`,
	"/racks/r1/racking/m1/cable":  `{"action":"hold","reason":"rails"}`,
	"/scan":                       `{"codes":["SN-1"]}`,
}

func TestAMisspeltPropertyChangesNothing(t *testing.T) {
	_, url := rack(t)
	_, before := ask(t, "GET", url+"/events", "")
	for path, body := range changes {
		wrong := strings.TrimSuffix(body, "}") + `,"confrim":true}`
		if answer, text := ask(t, "POST", url+path, wrong); answer.StatusCode != 422 || !strings.Contains(text, "body.confrim") {
			t.Errorf("%s: %s %s", path, answer.Status, text)
		}
	}
	if _, after := ask(t, "GET", url+"/events", ""); after != before {
		t.Errorf("something happened: %s", after)
	}
}

func TestTextWithNULIsRefusedWhateverTheDatabase(t *testing.T) {
	_, url := rack(t)
	for path, body := range changes {
		for _, text := range []string{"fan", "sold", "RMA", "ordered", "handed over", "SN-1", "rails"} {
			bad := strings.ReplaceAll(body, text, `x\u0000y`)
			if bad == body {
				continue
			}
			if answer, got := ask(t, "POST", url+path, bad); answer.StatusCode != 400 || !strings.Contains(got, "NUL") {
				t.Errorf("%s %s: %s %s", path, bad, answer.Status, got)
			}
		}
	}
	for _, path := range []string{"/machines?q=a%00b", "/machines/a%00b", "/parts?serial=%00", "/racks/%00/slots"} {
		if answer, text := ask(t, "GET", url+path, ""); answer.StatusCode != 422 || !strings.Contains(text, "NUL") {
			t.Errorf("%s: %s %s", path, answer.Status, text)
		}
	}
}

func TestHostileBodiesAreTheCallersMistake(t *testing.T) {
	_, url := rack(t)
	bodies := map[string]string{
		"null": "null", "a list": "[]", "a number": "1e999", "two documents": "{} {}", "a raw NUL": "{\"a\x00\":1}",
		"depth":       strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000),
		"many codes":  `{"codes":[` + strings.Repeat(`"a",`, 200_000) + `"a"]}`,
		"a long text": `{"reason":"` + strings.Repeat("x", 900_000) + `"}`,
	}
	for path := range changes {
		for what, body := range bodies {
			if answer, text := ask(t, "POST", url+path, body); answer.StatusCode < 400 || answer.StatusCode > 499 {
				t.Errorf("%s with %s: %s %.200s", path, what, answer.Status, text)
			}
		}
	}
	for _, u := range []string{"-1", "101", "1000000000", "1e30", `"1"`, "1.5"} {
		if answer, text := ask(t, "POST", url+"/scan", `{"codes":["SN"],"rack":"r1","u":`+u+`}`); answer.StatusCode != 422 {
			t.Errorf("u %s: %s %s", u, answer.Status, text)
		}
	}
}

func TestAMemberIsTakenByItsExactNameAndOnce(t *testing.T) {
	_, url := rack(t)
	for body, want := range map[string]int{`{"on":true}`: 202, `{"ON":true}`: 422, `{"on":true,"On":false}`: 422, `{"on":true,"on":false}`: 400, `{"on":{"zz":1},"on":true}`: 400} {
		if answer, text := ask(t, "POST", url+"/machines/m1/actions/locate", body); answer.StatusCode != want {
			t.Errorf("%s: %s %s", body, answer.Status, text)
		}
	}
	nested := `{"machines":["m2"],"mode":"all","order":{"zz":1},"order":{"action":"on"}}`
	if answer, text := ask(t, "POST", url+"/machines/actions/power", nested); answer.StatusCode != 400 || !strings.Contains(text, "order") {
		t.Errorf("%s: %s %s", nested, answer.Status, text)
	}
}

func TestAQueryThatCannotBeReadIsNotLeftOut(t *testing.T) {
	s, url := rack(t)
	plan := `{"site":"lab","racks":[{"name":"r7"}]}`
	for _, query := range []string{"hash=aa;bb", "hash=%zz", "hash=a&x=%", "fields=;", "limit=%4"} {
		for path, body := range map[string]string{"/plans/apply": plan, "/machines": ""} {
			method := map[bool]string{true: "POST", false: "GET"}[body != ""]
			if answer, text := ask(t, method, url+path+"?"+query, body); answer.StatusCode != 400 {
				t.Errorf("%s?%s: %s %s", path, query, answer.Status, text)
			}
		}
	}
	if list, _ := s.Racks(t.Context()); len(list) != 1 {
		t.Errorf("a plan was applied without the hash it was to have: %d racks", len(list))
	}
}

func TestARescueWithoutKeysAnswersAList(t *testing.T) {
	_, url := rack(t)
	if answer, text := ask(t, "POST", url+"/machines/m1/actions/rescue", `{"serial":true}`); answer.StatusCode != 202 || !strings.Contains(text, `"keys":[]`) {
		t.Errorf("%s %s", answer.Status, text)
	}
}
