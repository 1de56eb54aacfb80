package redfish

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"rackwright/bmc"
	"rackwright/fault"
)

func TestParseAddress(t *testing.T) {
	for in, want := range map[string][2]string{
		"https://192.0.2.9":                          {"https://192.0.2.9", ""},
		"https://bmc1.example:8443/":                 {"https://bmc1.example:8443", ""},
		"https://[2001:db8::1]/redfish/v1/":          {"https://[2001:db8::1]", ""},
		"https://hub.example/redfish/v1/Systems/n-7": {"https://hub.example", "/redfish/v1/Systems/n-7"},
		"http://127.0.0.1:8000":                      {"http://127.0.0.1:8000", ""},
		"http://[::1]:8000":                          {"http://[::1]:8000", ""},
	} {
		got, err := parseAddress(in)
		if err != nil || got.base.String() != want[0] || got.system != want[1] {
			t.Errorf("parseAddress(%q) = %v %q, %v", in, got.base, got.system, err)
		}
	}
	for _, bad := range []string{"", "192.0.2.9", "https://", "https://root:calvin@192.0.2.9", "http://192.0.2.9", "ftp://x", "https://x/?q",
		"https://x/redfish/v1/Chassis/1", "https://x/redfish/v1/Systems/..", "https://x/redfish/v1/Systems/1/Memory", "https:x", "https://x/%zz:calvin@"} {
		_, err := parseAddress(bad)
		if !fault.Is(err, fault.Invalid) || fault.HintOf(err) == "" || strings.Contains(err.Error(), "calvin") {
			t.Errorf("parseAddress(%q): %v, want Invalid with a hint and without the password", bad, err)
		}
	}
}

func FuzzParseAddress(f *testing.F) {
	f.Add("https://192.0.2.9/redfish/v1/Systems/1")
	f.Add("http://[::1%25lo]:1/")
	f.Fuzz(func(t *testing.T, s string) {
		a, err := parseAddress(s)
		if err == nil && (a.base.Host == "" || a.base.User != nil || (a.base.Scheme == "http" && !loopback(a.base.Hostname()))) {
			t.Fatalf("parseAddress(%q) = %v", s, a.base)
		}
	})
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2025, 1, 2, 3, 4, 5, 0, time.UTC)
	for in, want := range map[string]time.Duration{
		"0": 0, " 30 ": 30 * time.Second,
		now.Add(time.Minute).Format(http.TimeFormat):  time.Minute,
		now.Add(-time.Minute).Format(http.TimeFormat): 0,
	} {
		if got, ok := retryAfter(in, now); !ok || got != want {
			t.Errorf("retryAfter(%q) = %v, %v", in, got, ok)
		}
	}
	for _, bad := range []string{"", "-1", "soon", "1.5", "99999999999999999999"} {
		if got, ok := retryAfter(bad, now); ok {
			t.Errorf("retryAfter(%q) = %v", bad, got)
		}
	}
}

func FuzzRetryAfter(f *testing.F) {
	f.Add("120")
	f.Add("Thu, 02 Jan 2025 03:04:05 GMT")
	f.Fuzz(func(t *testing.T, s string) {
		if d, _ := retryAfter(s, time.Unix(0, 0)); d < 0 {
			t.Fatalf("retryAfter(%q) = %v", s, d)
		}
	})
}

func TestJudgeLogin(t *testing.T) {
	for _, c := range []struct {
		status int
		token  bool
		body   string
		want   verdict
	}{
		{201, true, `{}`, loginDone},
		{200, true, ``, loginDone},
		{200, false, `<html>`, loginBasic}, // Supermicro's old web interface answers 200 to everything
		{401, false, ``, loginDenied},
		{403, false, ``, loginDenied},
		{400, false, `{"MessageId":"iLO.2.8.UnauthorizedLoginAttempt"}`, loginDenied},
		{404, false, ``, loginBasic},
		{405, false, ``, loginBasic},
		{503, false, `Base.1.4.SessionLimitExceeded`, loginBasic},
		{400, false, `Base.1.8.CreateLimitReachedForResource`, loginBasic},
		{403, false, `IDRAC.2.4.RAC0218`, loginBasic},
		{503, false, ``, loginFailed},
		{500, false, ``, loginFailed},
		{400, false, `Base.1.8.PropertyMissing`, loginFailed},
		{201, true, `Base.1.8.PasswordChangeRequired`, loginExpired},
		{403, false, `Base.1.8.PasswordChangeRequired`, loginExpired},
	} {
		if got := judgeLogin(c.status, c.token, []byte(c.body)); got != c.want {
			t.Errorf("judgeLogin(%d, %v, %q) = %v, want %v", c.status, c.token, c.body, got, c.want)
		}
	}
}

func TestETagLadder(t *testing.T) {
	for tag, want := range map[string]string{
		"":                                   "|*|",
		`"a"`:                                `"a"||*|`,
		`W/"a"`:                              `W/"a"|"a"||*|`,
		"a\r\nX-Y: z":                        "|*|",
		`"` + strings.Repeat("a", 500) + `"`: "|*|",
	} {
		if got := strings.Join(rungs(tag), "|") + "|"; got != want {
			t.Errorf("rungs(%.20q) = %q, want %q", tag, got, want)
		}
	}
}

func TestATraceProvesARestartAndNothingLess(t *testing.T) {
	at := func(second int64) time.Time { return time.Unix(second, 0) }
	const memory, running = 3, 9
	for name, c := range map[string]struct {
		was, is trace
		want    bool
	}{
		"nothing changed":           {trace{power: "On", stage: running, staged: at(1)}, trace{power: "On", stage: running, staged: at(1)}, false},
		"a later reset time":        {trace{reset: at(1)}, trace{reset: at(2)}, true},
		"an earlier reset time":     {trace{reset: at(2)}, trace{reset: at(1)}, false},
		"back to an earlier stage":  {trace{stage: running, staged: at(1)}, trace{stage: memory, staged: at(2)}, true},
		"the same stage once more":  {trace{stage: running, staged: at(1)}, trace{stage: running, staged: at(2)}, true},
		"a start that only went on": {trace{stage: memory, staged: at(1)}, trace{stage: running, staged: at(2)}, false},
		"the override was used up":  {trace{once: true, power: "On"}, trace{power: "On"}, true},
		"power seen off between":    {trace{power: "On"}, trace{power: "Off"}, true},
		"an unknown stage":          {trace{stage: -1, staged: at(1)}, trace{stage: -1, staged: at(2)}, false},
	} {
		if got := c.is.after(c.was); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func FuzzSystem(f *testing.F) {
	f.Add([]byte(`{"Id":"1","PowerState":"On","Boot":{"BootSourceOverrideEnabled":"Once","BootSourceOverrideTarget":"Pxe"}}`))
	f.Add([]byte(`{"PowerState":7,"Boot":[],"Actions":null,"MemorySummary":{"TotalSystemMemoryGiB":"x"}}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var s system
		if json.Unmarshal(b, &s) != nil {
			return
		}
		s.points()
		powerOf(&s)
		systemFacts(&s)
		traceOf(&s).after(trace{})
		if got := overrideOf(s.Boot); got.Target == "" {
			t.Fatalf("no target: %+v", s.Boot)
		}
		_ = s.Boot.String()
	})
}

func FuzzExplain(f *testing.F) {
	f.Add(500, []byte(`{"error":{"code":"x","message":"a hunter2 b","@Message.ExtendedInfo":[{"Message":"hunter2"}]}}`))
	f.Add(400, []byte(`<html>hunter2</html>`))
	c := (&Dialer{}).controller(address{base: &url.URL{Scheme: "https", Host: "192.0.2.1"}}, bmc.Access{Address: "https://192.0.2.1", Password: "hunter2"}, "")
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		err := c.explain("test", refusal(status, body))
		if strings.Contains(err.Error(), "hunter2") || strings.ContainsAny(err.Error(), "\n\x1b") || len(err.Error()) > 4000 {
			t.Fatalf("%q", err)
		}
	})
}
