package redfish

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rackwright/bmc"
	"rackwright/fault"
)

func open(t *testing.T, m *mock, d *Dialer) *Controller {
	t.Helper()
	c, err := d.Dial(t.Context(), m.access())
	if err != nil {
		t.Fatalf("Dial: %v", err)
	}
	t.Cleanup(func() { _ = c.Close(context.WithoutCancel(t.Context())) })
	return c.(*Controller)
}

func want(t *testing.T, err error, kind fault.Kind, words ...string) {
	t.Helper()
	if !fault.Is(err, kind) || fault.HintOf(err) == "" {
		t.Fatalf("%v (%s, hint %q), want %s with a hint", err, fault.KindOf(err), fault.HintOf(err), kind)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%q does not say %q", err, w)
		}
	}
	if strings.Contains(err.Error(), mockPassword) {
		t.Errorf("%q contains the password", err)
	}
}

// times makes f the fault of the first n requests it takes on.
func times(n int, f func(http.ResponseWriter, *http.Request) bool) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if n > 0 && f(w, r) {
			n--
			return true
		}
		return false
	}
}

func says(method, prefix string, status int, body string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != method || !strings.HasPrefix(r.URL.Path, prefix) {
			return false
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
		return true
	}
}

func TestABMCThatHangsIsUnreachable(t *testing.T) {
	m := newMock(t, "dell")
	release := make(chan struct{})
	defer close(release)
	m.fault = func(_ http.ResponseWriter, r *http.Request) bool {
		select {
		case <-release:
		case <-r.Context().Done():
		}
		return true
	}
	timing := quick()
	timing.Request = time.Second
	_, err := (&Dialer{Timing: timing}).Dial(t.Context(), m.access())
	want(t, err, fault.Unreachable, "no whole answer within 1s")
}

func TestAReadIsRepeatedAfterA500AndNotForever(t *testing.T) {
	m := newMock(t, "dell")
	c := open(t, m, &Dialer{Timing: quick()})
	broken := says("GET", m.System, 500, "oops")
	m.with(func() { m.fault = times(maxReadRetries, broken) })
	if _, err := c.Power(t.Context()); err != nil {
		t.Errorf("Power after %d failures: %v", maxReadRetries, err)
	}
	before := m.count("GET " + m.System)
	m.with(func() { m.fault = broken })
	_, err := c.Power(t.Context())
	want(t, err, fault.Unreachable, "HTTP 500")
	if n := m.count("GET "+m.System) - before; n != maxReadRetries+1 {
		t.Errorf("%d reads, want %d", n, maxReadRetries+1)
	}
}

func TestDellsNotReadyIsAskedAgain(t *testing.T) {
	m := newMock(t, "dell")
	c := open(t, m, &Dialer{Timing: quick()})
	m.with(func() {
		m.fault = times(2, says("GET", m.System, 400, `{"error":{"@Message.ExtendedInfo":[{"MessageId":"IDRAC.2.8.SYS518"}]}}`))
	})
	if _, err := c.Power(t.Context()); err != nil {
		t.Errorf("Power: %v", err)
	}
}

func TestThePauseABMCAsksForIsTaken(t *testing.T) {
	for name, call := range map[string]func(*Controller) error{
		"read":  func(c *Controller) error { _, err := c.Power(t.Context()); return err },
		"reset": func(c *Controller) error { return c.On(t.Context()) },
		"write": func(c *Controller) error { return c.SetNextBoot(t.Context(), bmc.Boot{Target: bmc.BootPXE}) },
	} {
		m := newMock(t, "dell")
		var mu sync.Mutex
		var pauses []time.Duration
		d := &Dialer{Timing: quick(), pause: func(ctx context.Context, d time.Duration) error {
			mu.Lock()
			defer mu.Unlock()
			pauses = append(pauses, d)
			return sleep(ctx, min(d, time.Millisecond))
		}}
		c := open(t, m, d)
		methods := map[string]string{"read": "GET", "reset": "POST", "write": "PATCH"}
		m.with(func() {
			m.fault = times(1, func(w http.ResponseWriter, r *http.Request) bool {
				if r.Method != methods[name] {
					return false
				}
				w.Header().Set("Retry-After", "17")
				m.refuse(w, http.StatusServiceUnavailable, "Base.1.8.ServiceTemporarilyUnavailable")
				return true
			})
		})
		if err := call(c); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !slices.Contains(pauses, 17*time.Second) {
			t.Errorf("%s: paused %v, not the 17 s asked for", name, pauses)
		}
	}
}

func TestAPauseBeyondOurDeadlineIsNotTaken(t *testing.T) {
	m := newMock(t, "dell")
	c := open(t, m, &Dialer{Timing: quick()})
	m.with(func() {
		m.fault = func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Retry-After", "3600")
			w.WriteHeader(http.StatusServiceUnavailable)
			return true
		}
	})
	_, err := c.Power(t.Context())
	want(t, err, fault.Unreachable, "HTTP 503")
}

func TestAnAnswerTooLargeIsRefused(t *testing.T) {
	m := newMock(t, "dell")
	c := open(t, m, &Dialer{Timing: quick()})
	m.with(func() {
		m.fault = says("GET", m.System, 200, `{"Name":"`+strings.Repeat("x", maxBody)+`"}`)
	})
	_, err := c.Power(t.Context())
	want(t, err, fault.Conflict, "larger than 16 MiB")
}

func TestSomethingThatIsNoRedfishIsNamed(t *testing.T) {
	m := newMock(t, "dell")
	m.fault = says("GET", "/", 200, "<html>log in</html>")
	_, err := (&Dialer{Timing: quick()}).Dial(t.Context(), m.access())
	want(t, err, fault.Conflict, "not Redfish")
	m.with(func() { m.fault = says("GET", "/", 404, "") })
	_, err = (&Dialer{Timing: quick()}).Dial(t.Context(), m.access())
	want(t, err, fault.Invalid, "no Redfish service")
}

func TestCredentialsNeverGoToAnotherHost(t *testing.T) {
	var elsewhere []string
	thief := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		elsewhere = append(elsewhere, r.Header.Get("X-Auth-Token")+r.Header.Get("Authorization"))
	}))
	defer thief.Close()
	host := strings.TrimPrefix(thief.URL, "https://")
	for name, lead := range map[string]func(*mock){
		"a redirect": func(m *mock) {
			m.fault = func(w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path != m.System {
					return false
				}
				http.Redirect(w, r, thief.URL+"/redfish/v1", http.StatusTemporaryRedirect)
				return true
			}
		},
		"a link that turns our host into a user name": func(m *mock) {
			m.tree["/redfish/v1/Systems"]["Members"] = []object{{"@odata.id": "@" + host + "/redfish/v1"}}
		},
		"a link for sessions": func(m *mock) {
			m.tree["/redfish/v1"]["Links"] = object{"Sessions": object{"@odata.id": thief.URL + "/login"}}
		},
	} {
		m := newMock(t, "dell")
		lead(m)
		_, err := (&Dialer{Timing: quick()}).Dial(t.Context(), m.access())
		want(t, err, fault.Denied, host)
		if len(elsewhere) != 0 {
			t.Errorf("%s took %q to another host", name, elsewhere)
		}
	}
}

func TestAWriteIsNotRedirected(t *testing.T) {
	m := newMock(t, "dell")
	c := open(t, m, &Dialer{Timing: quick()})
	m.with(func() {
		m.fault = func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodPost {
				http.Redirect(w, r, "/redfish/v1/elsewhere", http.StatusTemporaryRedirect)
			}
			return r.Method == http.MethodPost
		}
	})
	want(t, c.On(t.Context()), fault.Conflict, "HTTP 307")
	if n := m.count("POST /redfish/v1/elsewhere"); n != 0 {
		t.Error("the reset was sent to a second place")
	}
}

func TestASessionThatEndedIsOpenedAgainOnce(t *testing.T) {
	m := newMock(t, "dell")
	c := open(t, m, &Dialer{Timing: quick()})
	m.with(func() { clear(m.tokens) })
	if err := c.On(t.Context()); err != nil {
		t.Fatal(err)
	}
	m.with(func() { clear(m.tokens); m.fault = says("GET", m.System, 401, "") })
	_, err := c.Power(t.Context())
	want(t, err, fault.Denied)
	if m.logins != 3 {
		t.Errorf("%d logins, want the first and one for each lost session", m.logins)
	}
}

func TestAWrongPasswordIsTriedOnce(t *testing.T) {
	for _, name := range []string{"dell", "hpe", "supermicro"} {
		m := newMock(t, name)
		m.LoginAnswer = or(m.LoginAnswer, "Base.1.8.ResourceAtUriUnauthorized")
		a := m.access()
		a.Password = "wrong-" + mockPassword
		_, err := (&Dialer{Timing: quick()}).Dial(t.Context(), a)
		want(t, err, fault.Denied, "wrong user name or password")
		if n := m.count("POST"); n != 1 {
			t.Errorf("%s: %d logins", name, n)
		}
	}
}

func TestADeniedControllerAsksNothingMore(t *testing.T) {
	m := newMock(t, "dell")
	c := open(t, m, &Dialer{Timing: quick()})
	m.with(func() { clear(m.tokens); m.LoginStatus = 401; m.fault = says("POST", "/", 401, "") })
	for range 3 {
		_, err := c.Power(t.Context())
		want(t, err, fault.Denied)
	}
	if n := m.count("POST"); n != 2 {
		t.Errorf("%d logins, want the first and the refused one", n)
	}
}

func TestAnEchoedPasswordIsHidden(t *testing.T) {
	m := newMock(t, "dell")
	c := open(t, m, &Dialer{Timing: quick()})
	m.with(func() {
		m.fault = says("POST", "/", 400, `{"error":{"code":"x","message":"bad value `+mockPassword+`\u001b[2J\nsecond line"}}`)
	})
	err := c.On(t.Context())
	want(t, err, fault.Invalid, "bad value (hidden)[2J second line")
}

// swapping is a TLS configuration whose certificate changes.
func swapping(t *testing.T, swapped *bool, mu *sync.Mutex) *tls.Config {
	certs := [2]tls.Certificate{}
	for i := range certs {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(int64(i) + 1)}, &x509.Certificate{}, &key.PublicKey, key)
		if err != nil {
			t.Fatal(err)
		}
		certs[i] = tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	}
	return &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		mu.Lock()
		defer mu.Unlock()
		use := &certs[0]
		if *swapped {
			use = &certs[1]
		}
		return &tls.Config{Certificates: []tls.Certificate{*use}}, nil
	}}
}

func TestACertificateThatChangesUnderAControllerIsDenied(t *testing.T) {
	m := newMock(t, "dell")
	var mu sync.Mutex
	swapped := false
	second := httptest.NewUnstartedServer(m)
	second.Config.ErrorLog = quiet()
	second.TLS = swapping(t, &swapped, &mu)
	second.StartTLS()
	t.Cleanup(second.Close)
	a := m.access()
	a.Address = second.URL
	c, err := (&Dialer{Timing: quick()}).Dial(t.Context(), a) // first use, nothing pinned
	if err != nil {
		t.Fatal(err)
	}
	first := c.Certificate()
	mu.Lock()
	swapped = true
	mu.Unlock()
	_, err = c.Power(t.Context())
	want(t, err, fault.Denied, first)
	if c.Certificate() != first {
		t.Error("the controller took over the other certificate")
	}
}

func TestPlainHTTPIsForThisHostOnly(t *testing.T) {
	m := newMock(t, "dell")
	plain := httptest.NewServer(m)
	t.Cleanup(plain.Close)
	a := m.access()
	a.Address = plain.URL
	c, err := (&Dialer{Timing: quick()}).Dial(t.Context(), a)
	if err != nil || c.Certificate() != "" {
		t.Fatalf("loopback over http: %v", err)
	}
	if err := c.Close(t.Context()); err != nil {
		t.Error(err)
	}
	a.Address = "http://192.0.2.1"
	_, err = (&Dialer{Timing: quick()}).Dial(t.Context(), a)
	want(t, err, fault.Invalid, "plain http")
}

func TestALoginThatGotNoAnswerIsMadeUpForLater(t *testing.T) {
	m := newMock(t, "dell")
	c := open(t, m, &Dialer{Timing: quick()})
	m.with(func() { clear(m.tokens); m.fault = says("POST", "/", 502, "") })
	_, err := c.Power(t.Context())
	want(t, err, fault.Unreachable, "HTTP 502")
	m.with(func() { m.fault = nil })
	if _, err := c.Power(t.Context()); err != nil {
		t.Errorf("Power once the BMC answers again: %v", err)
	}
}
