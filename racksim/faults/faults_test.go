package faults

import (
	"crypto/tls"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rackwright/fault"
)

const (
	system  = "/redfish/v1/Systems/1"
	reset   = system + "/Actions/ComputerSystem.Reset"
	logins  = "/redfish/v1/SessionService/Sessions"
	manager = "/redfish/v1/Managers/1"
	task    = "/redfish/v1/TaskService/Tasks/1"
)

// well is a service that does everything right, and counts writes.
func well(writes *atomic.Int32) http.Handler {
	bodies := map[string]string{
		system:  `{"@odata.type": "#ComputerSystem.v1_20_0.ComputerSystem", "PowerState": "On"}`,
		manager: `{"@odata.type": "#Manager.v1_15_0.Manager", "DateTime": "2026-03-01T12:00:00Z"}`,
		task:    `{"@odata.type": "#Task.v1_7_4.Task", "TaskState": "Completed", "PercentComplete": 100, "EndTime": "2026-03-01T12:00:00Z"}`,
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, password, basic := r.BasicAuth()
		sent, _ := io.ReadAll(r.Body)
		switch {
		case basic && password != "right", r.URL.Path == logins && !strings.Contains(string(sent), "right"):
			w.WriteHeader(http.StatusUnauthorized)
		case r.Method != http.MethodGet:
			writes.Add(1)
			w.WriteHeader(http.StatusCreated)
		default:
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, bodies[r.URL.Path])
		}
	})
}

// ill serves it with faults, over TLS.
func ill(t *testing.T, list ...Fault) (*Set, *atomic.Int32, func(method, uri, text string, header ...string) (int, string, http.Header)) {
	t.Helper()
	for _, f := range list {
		if err := f.Check(); err != nil {
			t.Fatal(err)
		}
	}
	set, writes := New(list...), &atomic.Int32{}
	server := httptest.NewUnstartedServer(set.Wrap(well(writes)))
	server.Listener = set.Listener(server.Listener)
	server.StartTLS()
	t.Cleanup(server.Close)
	t.Cleanup(set.Close)
	client := &http.Client{Timeout: 300 * time.Millisecond, Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	return set, writes, func(method, uri, text string, header ...string) (int, string, http.Header) {
		req, err := http.NewRequest(method, server.URL+uri, strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Auth-Token", "x")
		for i := 0; i+1 < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		resp, err := client.Do(req)
		if err != nil {
			return 0, err.Error(), nil
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			return 0, err.Error(), nil
		}
		return resp.StatusCode, string(body), resp.Header
	}
}

func TestEachFaultIsWhatItsNameSays(t *testing.T) {
	for _, c := range []struct {
		fault             Fault
		method, uri, text string
		status            int
		says              string // in the answer, or in the error of status 0
		writes            int32
	}{
		{Fault{Kind: Refuse}, "GET", system, "", 0, "reset", 0},
		{Fault{Kind: Hang}, "GET", system, "", 0, "deadline", 0},
		{Fault{Kind: Hang, Wait: time.Millisecond}, "POST", reset, "{}", 0, "EOF", 0},
		{Fault{Kind: Slow, Wait: time.Millisecond}, "GET", system, "", 200, "On", 0},
		{Fault{Kind: Error500}, "POST", reset, "{}", 500, "InternalError", 0},
		{Fault{Kind: Unavailable, Wait: 2 * time.Second}, "GET", system, "", 503, "ServiceTemporarilyUnavailable", 0},
		{Fault{Kind: Answer, Status: 400, Message: "IDRAC.2.8.SYS518"}, "GET", system, "", 400, "IDRAC.2.8.SYS518", 0},
		{Fault{Kind: Truncated}, "GET", system, "", 200, `{"@odata.type"`, 0},
		{Fault{Kind: WrongType}, "GET", system, "", 200, "On", 0},
		{Fault{Kind: DropAfter}, "POST", reset, "{}", 0, "EOF", 1},
		{Fault{Kind: DropAfter}, "GET", system, "", 0, "EOF", 0},
		{Fault{Kind: Late202, Wait: time.Hour}, "POST", reset, "{}", 202, "", 0},
		{Fault{Kind: Late204, Wait: time.Hour}, "POST", reset, "{}", 204, "", 0},
		{Fault{Kind: TaskNeverEnds}, "GET", task, "", 200, `"TaskState":"Running"`, 0},
		{Fault{Kind: SessionFull}, "POST", logins, `{"Password": "right"}`, 503, "SessionLimitExceeded", 0},
		{Fault{Kind: SessionFull, Status: 400, Message: "IDRAC.2.8.RAC0218"}, "POST", logins, `{}`, 400, "RAC0218", 0},
		{Fault{Kind: SessionFull}, "POST", reset, `{}`, 201, "", 1},
		{Fault{Kind: ClockOff, Wait: -time.Hour}, "GET", manager, "", 200, "2026-03-01T11:00:00Z", 0},
		{Fault{Kind: BootIgnored}, "PATCH", system, `{"Boot": {"BootSourceOverrideTarget": "Pxe"}}`, 204, "", 0},
		{Fault{Kind: BootIgnored}, "PATCH", system, `{"AssetTag": "x"}`, 201, "", 1},
		{Fault{Kind: PowerBounces}, "GET", system, "", 200, `"PowerState":"Off"`, 0},
		{Fault{Kind: Error500, Path: "/redfish/v1/Managers"}, "GET", system, "", 200, "On", 0},
		{Fault{Kind: Error500, Path: "/redfish/v1/Systems/*"}, "POST", reset, "", 500, "", 0},
		{Fault{Kind: Error500, Method: "POST"}, "GET", system, "", 200, "On", 0},
	} {
		set, writes, do := ill(t, c.fault)
		status, text, header := do(c.method, c.uri, c.text)
		if status != c.status || !strings.Contains(text, c.says) || writes.Load() != c.writes {
			t.Errorf("%+v: %d %q with %d writes, want %d %q with %d", c.fault, status, text, writes.Load(), c.status, c.says, c.writes)
		}
		switch c.fault.Kind {
		case Truncated:
			if json.Valid([]byte(text)) {
				t.Errorf("%q is whole", text)
			}
		case WrongType:
			if header.Get("Content-Type") != "text/html" {
				t.Errorf("the type is %s", header.Get("Content-Type"))
			}
		case Unavailable:
			if header.Get("Retry-After") != "2" {
				t.Errorf("Retry-After: %s", header.Get("Retry-After"))
			}
		}
		set.Clear()
		if status, text, _ := do("GET", system, ""); status != 200 || !strings.Contains(text, `"On"`) {
			t.Errorf("%+v is over, and the service answers %d %q", c.fault, status, text)
		}
	}
}

func TestAFaultHappensAsOftenAsItSays(t *testing.T) {
	set, _, do := ill(t, Fault{Kind: Error500, After: 1, Times: 2}, Fault{Kind: Answer, Status: 404, Path: manager})
	var got []int
	for range 5 {
		status, _, _ := do("GET", system, "")
		got = append(got, status)
	}
	for i, want := range []int{200, 500, 500, 200, 200} {
		if got[i] != want {
			t.Fatalf("answers %v", got)
		}
	}
	if set.Hits(Error500) != 2 || set.Hits(Answer) != 0 {
		t.Errorf("%d and %d hits", set.Hits(Error500), set.Hits(Answer))
	}
	set.Clear(Error500)
	if status, _, _ := do("GET", manager, ""); status != 404 {
		t.Errorf("the fault that was not cleared: %d", status)
	}
}

func TestATagIsRefusedAndItsAbsenceIsNot(t *testing.T) {
	_, writes, do := ill(t, Fault{Kind: WrongETag})
	for tag, want := range map[string]int{`"a"`: 412, "*": 201} {
		if status, _, _ := do("PATCH", system, "{}", "If-Match", tag); status != want {
			t.Errorf("If-Match %s: %d", tag, status)
		}
	}
	if status, _, _ := do("PATCH", system, "{}"); status != 201 || writes.Load() != 2 {
		t.Errorf("without: %d", status)
	}
}

func TestALateEffectComes(t *testing.T) {
	set, writes, do := ill(t, Fault{Kind: Late204, Wait: time.Hour})
	if status, _, _ := do("POST", reset, `{"ResetType": "On"}`); status != 204 || writes.Load() != 0 {
		t.Fatalf("%d, %d writes", status, writes.Load())
	}
	if status, _, _ := do("POST", reset, "", "X-Auth-Token", ""); status == 204 {
		t.Error("nobody's write is accepted")
	}
	set.Close() // does what is under way, at once
	if writes.Load() != 2 {
		t.Errorf("%d writes", writes.Load())
	}
}

func TestFailedLoginsLock(t *testing.T) {
	set, _, do := ill(t, Fault{Kind: Lockout, After: 2})
	try := func(password string) int {
		status, _, _ := do("POST", logins, `{"Password": "`+password+`"}`)
		return status
	}
	for i, c := range []struct {
		password string
		want     int
	}{{"wrong", 401}, {"right", 201}, {"wrong", 401}, {"wrong", 401}, {"right", 401}} {
		if got := try(c.password); got != c.want {
			t.Errorf("login %d: %d, want %d", i, got, c.want)
		}
	}
	if set.FailedLogins() != 3 {
		t.Errorf("%d failed", set.FailedLogins())
	}
}

func TestAFaultIsChecked(t *testing.T) {
	for _, f := range []Fault{{}, {Kind: "fire"}, {Kind: Hang, Path: "Systems"}, {Kind: Hang, Path: "/[", Times: 1}, {Kind: Hang, Times: -1},
		{Kind: Hang, Wait: -1}, {Kind: Refuse, Path: "/redfish"}, {Kind: Answer}, {Kind: Answer, Status: 99}, {Kind: Slow}, {Kind: ClockOff}, {Kind: Lockout},
		{Kind: Unavailable, Wait: 48 * time.Hour}, {Kind: Hang, Wait: 1 << 62}} {
		if err := f.Check(); !fault.Is(err, fault.Invalid) {
			t.Errorf("%+v: %v", f, err)
		}
	}
	for _, kind := range Kinds() {
		if err := (Fault{Kind: kind, Wait: time.Second, After: 1, Status: 500}).Check(); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

func TestAListenerThatEndsIsTold(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	wrapped := New(Fault{Kind: Refuse}).Listener(l)
	l.Close()
	if _, err := wrapped.Accept(); err == nil {
		t.Error("a closed listener accepts")
	}
}
