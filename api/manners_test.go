package api_test

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/zstd"

	"rackwright/api"
	"rackwright/api/apitest"
	"rackwright/api/wire"
	"rackwright/deploy"
	"rackwright/inventory"
)

func TestAMistypedParameterIsAnsweredWithTheOneThatWasMeant(t *testing.T) {
	_, url := rack(t)
	for path, want := range map[string][2]string{
		"/machines?phse=active":      {"unknown-parameter", "did you mean phase?"},
		"/machines?fields=nam":       {"unknown-field", "did you mean name?"},
		"/machines?fields=slot.rak":  {"unknown-field", "did you mean rack?"},
		"/machines/m1?fields=colour": {"unknown-field", "there are "},
		"/machines?sort=-nme":        {"unknown-sort", "did you mean name?"},
		"/operations?sort=kind":      {"unknown-sort", "there are created"},
		"/racks?page_token=e30":      {"bad-page-token", "begin again"},
		"/racks?page_token=%21":      {"bad-page-token", "begin again"},
	} {
		answer, text := ask(t, "GET", url+path, "")
		if p := decode[wire.Problem](t, text); answer.StatusCode != 400 || p.Code != want[0] || !strings.HasPrefix(p.Hint, want[1]) || p.Type != "urn:rackwright:problem:"+p.Code {
			t.Errorf("%s: %s", path, text)
		}
	}
}

func TestATokenIsOfOneListFilterAndOrder(t *testing.T) {
	_, url := rack(t)
	_, text := ask(t, "GET", url+"/machines?limit=1", "")
	next := decode[wire.List[inventory.Machine]](t, text).Next
	for query, want := range map[string]int{"limit=5": 200, "fields=name": 200, "sort=-name": 400, "rack=r1": 400} {
		if answer, text := ask(t, "GET", url+"/machines?"+query+"&page_token="+next, ""); answer.StatusCode != want {
			t.Errorf("%s: %s", query, text)
		}
	}
	if answer, _ := ask(t, "GET", url+"/racks?page_token="+next, ""); answer.StatusCode != 400 {
		t.Errorf("a token of machines for racks: %s", answer.Status)
	}
}

func TestListsAreTurnedRoundByAMinus(t *testing.T) {
	_, url := rack(t)
	_, text := ask(t, "GET", url+"/machines?sort=-name&limit=1&fields=name", "")
	first := decode[wire.List[inventory.Machine]](t, text)
	if first.Items[0].Name != "m2" || first.Next == "" {
		t.Fatal(text)
	}
	_, text = ask(t, "GET", url+"/machines?sort=-name&limit=1&fields=name&page_token="+first.Next, "")
	if text != `{"items":[{"name":"m1"}]}`+"\n" {
		t.Error(text)
	}
}

func TestOnlyTheFieldsAskedForAreAnswered(t *testing.T) {
	_, url := rack(t)
	for path, want := range map[string]string{
		"/machines/m1?fields=slot.rack,name":        `{"slot":{"rack":"r1"},"name":"m1"}`,
		"/machines/m1?fields=slot.u,slot,name":      `{"slot":{"rack":"r1","u":1,"height":1,"face":"front"},"name":"m1"}`,
		"/machines?fields=name":                     `{"items":[{"name":"m1"},{"name":"m2"}]}`,
		"/machines?limit=1&fields=name,nics.mac":    `{"items":[{"name":"m1","nics":[{"mac":"52:54:00:00:00:01"}]}],"next_page_token":`,
		"/images/debian?fields=name":                `{"name":"debian"}`,
		"/machines/m1/verification?fields=observed": `{"observed":[]}`,
	} {
		if _, text := ask(t, "GET", url+path, ""); !strings.HasPrefix(text, want) {
			t.Errorf("%s: %s", path, text)
		}
	}
}

func TestEverythingHasAnETagAndIsNotSentAgain(t *testing.T) {
	_, url := rack(t)
	for _, path := range []string{"/machines", "/machines/m1", "/racks", "/racks/r1", "/images", "/images/debian", "/networks", "/machines/m1/gates", "/openapi.json", "/machines/m1?fields=name"} {
		answer, _ := ask(t, "GET", url+path, "")
		tag := answer.Header.Get("ETag")
		if tag == "" || strings.HasPrefix(tag, "W/") {
			if path != "/openapi.json" {
				t.Errorf("%s: ETag %q", path, tag)
			}
			continue
		}
		for _, given := range []string{tag, `"x", ` + tag, "W/" + tag, "*"} {
			if again, text := ask(t, "GET", url+path, "", "If-None-Match: "+given); again.StatusCode != 304 || text != "" || again.Header.Get("ETag") != tag {
				t.Errorf("%s with %s: %s", path, given, again.Status)
			}
		}
		if again, _ := ask(t, "GET", url+path, "", `If-None-Match: "0"`); again.StatusCode != 200 {
			t.Errorf("%s: %s", path, again.Status)
		}
	}
}

func TestAChangeSaysWhichStateItsSenderHasSeen(t *testing.T) {
	s, url := rack(t)
	answer, text := ask(t, "DELETE", url+"/images/debian", "", "If-Match: ")
	if p := decode[wire.Problem](t, text); answer.StatusCode != 428 || p.Code != "precondition-required" || answer.Header.Get("ETag") == "" {
		t.Fatalf("%s %s", answer.Status, text)
	}
	if other, text := ask(t, "DELETE", url+"/images/debian", "", `If-Match: "0"`); other.StatusCode != 412 {
		t.Errorf("another state: %s %s", other.Status, text)
	}
	if done, text := ask(t, "DELETE", url+"/images/debian", "", "If-Match: "+answer.Header.Get("ETag")); done.StatusCode != 204 {
		t.Errorf("the state it has: %s %s", done.Status, text)
	}
	if gone, _ := ask(t, "DELETE", url+"/images/debian", "", "If-Match: "); gone.StatusCode != 404 {
		t.Errorf("what is not there: %s", gone.Status)
	}
	seen, _ := ask(t, "GET", url+"/machines/m1", "")
	tag := seen.Header.Get("ETag")
	s.Change("m1", func(m *inventory.Machine) { m.Phase = inventory.Racked })
	for what, c := range map[string]struct {
		path, body, tag string
		want            int
	}{
		"an action on what was changed": {"/machines/m1/actions/inspect", "{}", tag, 412},
		"a hold of what was changed":    {"/machines/m1/hold", `{"reason":"fan"}`, tag, 412},
		"whatever it is":                {"/machines/m1/actions/inspect", `{"dry_run":true}`, "*", 200},
		"the version by itself":         {"/machines/m1/actions/inspect", `{"dry_run":true}`, `"2"`, 200},
		"a weak tag is no strong one":   {"/machines/m1/actions/inspect", "{}", "W/" + tag, 412},
	} {
		if answer, text := ask(t, "POST", url+c.path, c.body, "If-Match: "+c.tag); answer.StatusCode != c.want {
			t.Errorf("%s: %s %s", what, answer.Status, text)
		}
	}
}

func TestARequestWithAKeyIsDoneOnce(t *testing.T) {
	_, url := rack(t)
	answer, text := ask(t, "POST", url+"/machines/m1/actions/inspect", "{}", "Idempotency-Key: k1")
	if answer.StatusCode != 202 {
		t.Fatalf("%s %s", answer.Status, text)
	}
	again, same := ask(t, "POST", url+"/machines/m1/actions/inspect", "{}", "Idempotency-Key: k1")
	if again.StatusCode != 202 || same != text || again.Header.Get("Location") != answer.Header.Get("Location") || again.Header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("again: %s %s", again.Status, same)
	}
	if again.Header.Get("X-Request-Id") == answer.Header.Get("X-Request-Id") {
		t.Error("the request that was answered again has the id of the first")
	}
	for what, c := range map[string][2]string{
		"another body":  {`{"dry_run":true}`, "/machines/m1/actions/inspect"},
		"another path":  {"{}", "/machines/m2/actions/inspect"},
		"another query": {"{}", "/machines/m1/actions/inspect?x=1"},
	} {
		if answer, text := ask(t, "POST", url+c[1], c[0], "Idempotency-Key: k1"); (answer.StatusCode != 422 || decode[wire.Problem](t, text).Code != "key-reused") && answer.StatusCode != 400 {
			t.Errorf("%s: %s %s", what, answer.Status, text)
		}
	}
	if answer, _ := ask(t, "POST", url+"/machines/m1/actions/inspect", "{}", "Idempotency-Key: k1", "Authorization: Bearer "+apitest.OperatorSecret); answer.StatusCode != 409 {
		t.Errorf("another caller's key is the same key: %s", answer.Status)
	}
	if answer, _ := ask(t, "POST", url+"/machines/m2/actions/inspect", "{}", "Idempotency-Key: "+strings.Repeat("x", 200)); answer.StatusCode != 400 {
		t.Errorf("a key too long: %s", answer.Status)
	}
}

// slow begins an operation only when it is let.
type slow struct {
	*apitest.Store
	begun, let chan struct{}
	once       *sync.Once
}

func (s slow) hold() {
	s.once.Do(func() {
		close(s.begun)
		<-s.let
	})
}

func TestTwinsOfARequestWaitAndAPanicLeavesAKeyThatSaysSo(t *testing.T) {
	s := slow{apitest.Rack(t), make(chan struct{}), make(chan struct{}), &sync.Once{}}
	url := apitest.Serve(t, api.Options{Store: held{s}}) + wire.Prefix
	first := make(chan int)
	go func() {
		r, _ := http.NewRequest("POST", url+"/machines/m1/actions/inspect", strings.NewReader("{}"))
		r.Header.Set("Authorization", "Bearer "+apitest.AdminSecret)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Idempotency-Key", "k1")
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			first <- 0
			return
		}
		answer.Body.Close()
		first <- answer.StatusCode
	}()
	<-s.begun
	twin, text := ask(t, "POST", url+"/machines/m1/actions/inspect", "{}", "Idempotency-Key: k1")
	if twin.StatusCode != 409 || decode[wire.Problem](t, text).Code != "key-in-use" || twin.Header.Get("Retry-After") == "" {
		t.Errorf("%s %s", twin.Status, text)
	}
	close(s.let)
	if status := <-first; status != 202 {
		t.Errorf("the first: %d", status)
	}
	for range 2 { // the second time it is not tried again
		answer, text := ask(t, "POST", url+"/machines/m2/actions/inspect", "{}", "Idempotency-Key: k2")
		if p := decode[wire.Problem](t, text); p.Code != "internal" && p.Code != "key-broken" {
			t.Errorf("%s %s", answer.Status, text)
		}
	}
	if _, text := ask(t, "POST", url+"/machines/m2/actions/inspect", "{}", "Idempotency-Key: k2"); decode[wire.Problem](t, text).Code != "key-broken" {
		t.Error(text)
	}
}

func TestAnswersAreCompressedForWhoAcceptsIt(t *testing.T) {
	_, url := rack(t)
	plain, want := ask(t, "GET", url+"/templates", "", "Accept-Encoding: identity")
	for accept, coding := range map[string]string{"gzip": "gzip", "zstd": "zstd", "gzip, zstd": "zstd", "gzip;q=1, zstd;q=0.5": "gzip", "br": "", "gzip;q=0": "", "*": "zstd", "": ""} {
		if accept == "" {
			accept = "identity"
		}
		answer, text := ask(t, "GET", url+"/templates", "", "Accept-Encoding: "+accept)
		if answer.Header.Get("Content-Encoding") != coding || answer.Header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("%s: %v", accept, answer.Header)
			continue
		}
		var r io.Reader = strings.NewReader(text)
		switch coding {
		case "gzip":
			r, _ = gzip.NewReader(r)
		case "zstd":
			r, _ = zstd.NewReader(r)
		}
		if got, err := io.ReadAll(r); err != nil || string(got) != want {
			t.Errorf("%s: %v", accept, err)
		}
		if tag := answer.Header.Get("ETag"); coding != "" && tag == plain.Header.Get("ETag") {
			t.Errorf("%s has the ETag of another representation", accept)
		}
		if again, _ := ask(t, "GET", url+"/templates", "", "If-None-Match: "+answer.Header.Get("ETag"), "Accept-Encoding: "+accept); again.StatusCode != 304 {
			t.Errorf("%s: %s", accept, again.Status)
		}
	}
}

func TestMethodsAreAnsweredAsRFC9110Says(t *testing.T) {
	_, url := rack(t)
	get, text := ask(t, "GET", url+"/machines/m1", "", "Accept-Encoding: identity")
	head, none := ask(t, "HEAD", url+"/machines/m1", "", "Accept-Encoding: identity")
	if head.StatusCode != 200 || none != "" || head.Header.Get("ETag") != get.Header.Get("ETag") || head.ContentLength != int64(len(text)) {
		t.Errorf("HEAD: %s %v", head.Status, head.Header)
	}
	if answer, _ := ask(t, "HEAD", url+"/events/stream", ""); answer.StatusCode != 200 || answer.Header.Get("Content-Type") != "text/event-stream" {
		t.Errorf("HEAD of a stream: %s", answer.Status)
	}
	if answer, _ := ask(t, "OPTIONS", url+"/images/debian", ""); answer.StatusCode != 204 || answer.Header.Get("Allow") != "GET, HEAD, DELETE, OPTIONS" {
		t.Errorf("OPTIONS: %s %s", answer.Status, answer.Header.Get("Allow"))
	}
	for what, c := range map[string]struct {
		method, path, header string
		status               int
	}{
		"a method nobody knows": {"BREW", "/machines", "", 501},
		"TRACE":                 {"TRACE", "/machines", "", 405},
		"a picture as JSON":     {"GET", "/racks/r1/elevation.svg", "Accept: application/xml", 406},
		"JSON as HTML":          {"GET", "/machines", "Accept: text/html", 406},
		"anything":              {"GET", "/machines", "Accept: text/html, */*;q=0.1", 200},
		"application/*":         {"GET", "/machines", "Accept: application/*", 200},
		"a long address":        {"GET", "/machines?q=" + strings.Repeat("x", 9000), "", 414},
		"a long header":         {"GET", "/machines", "X-Long: " + strings.Repeat("x", 40000), 431},
	} {
		headers := []string{}
		if c.header != "" {
			headers = append(headers, c.header)
		}
		if answer, text := ask(t, c.method, url+c.path, "", headers...); answer.StatusCode != c.status {
			t.Errorf("%s: %s %s", what, answer.Status, text)
		}
	}
}

func TestBadPartsOfABodyHavePointers(t *testing.T) {
	_, url := rack(t)
	_, text := ask(t, "POST", url+"/plans", `{"site":"lab","racks":[{"name":"r1","units":"many"}]}`)
	if p := decode[wire.Problem](t, text); len(p.Errors) == 0 || p.Errors[0].Pointer != "/racks/0/units" {
		t.Error(text)
	}
	_, text = ask(t, "GET", url+"/machines?limit=0", "")
	if p := decode[wire.Problem](t, text); len(p.Errors) == 0 || p.Errors[0].Pointer != "" {
		t.Error(text)
	}
}

func TestTheDescriptionIsAPageToReadThatFetchesNothing(t *testing.T) {
	_, url := rack(t)
	answer, text := ask(t, "GET", url+"/docs", "", "Authorization: ")
	if answer.StatusCode != 200 || answer.Header.Get("Content-Type") != "text/html; charset=utf-8" || strings.Contains(text, "<script") || strings.Contains(text, "src=") || !strings.HasPrefix(answer.Header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Fatalf("%s %v", answer.Status, answer.Header)
	}
	document, err := api.Document()
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Paths map[string]map[string]struct {
			ID string `json:"operationId"`
		} `json:"paths"`
	}
	if err := json.Unmarshal(document, &doc); err != nil {
		t.Fatal(err)
	}
	for _, methods := range doc.Paths {
		for _, o := range methods {
			if !strings.Contains(text, `id="`+o.ID+`"`) {
				t.Errorf("the page has no %s", o.ID)
			}
		}
	}
}

func TestThePageOfStatusCodesHasEveryProblemThatThereIs(t *testing.T) {
	page, err := os.ReadFile("../docs/running/status-codes.md")
	if err != nil {
		t.Fatal(err)
	}
	var there []string
	for line := range strings.Lines(string(page)) {
		if cells := strings.Split(line, "|"); len(cells) > 3 && len(strings.TrimSpace(cells[1])) == 3 && cells[1] != "---" {
			there = append(there, strings.TrimSpace(cells[1])+" "+strings.TrimSpace(cells[2]))
		}
	}
	want := api.ProblemCodes()
	slices.Sort(there)
	slices.Sort(want)
	if !slices.Equal(there, want) {
		t.Errorf("the page has %q, the interface %q", there, want)
	}
}

// held is a store whose first operation is slow and whose work on m2 falls over.
type held struct{ slow }

func (h held) CreateOperation(ctx context.Context, kind deploy.Kind, machine string, order deploy.Order, actor string) (*deploy.Operation, error) {
	h.hold()
	if m, err := h.Machine(ctx, machine); err == nil && m.Name == "m2" {
		panic("it fell over")
	}
	return h.Store.CreateOperation(ctx, kind, machine, order, actor)
}
