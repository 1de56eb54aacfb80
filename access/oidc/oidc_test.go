package oidc_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"rackwright/access"
	"rackwright/access/oidc"
	"rackwright/access/oidc/oidctest"
	"rackwright/fault"
)

func options(p *oidctest.Provider) oidc.Options {
	return oidc.Options{Issuer: p.URL, ClientID: oidctest.ClientID, Scopes: []string{"openid", "profile", "groups"}, NameClaim: "preferred_username", GroupsClaim: "groups",
		Groups: []oidc.Group{{Group: "ops", Role: access.Operator, Scope: access.Scope{Sites: []string{"lab"}}}, {Group: "all", Role: access.Viewer}}, Session: 8 * time.Hour, Now: time.Now}
}

func judge(t *testing.T, o oidc.Options) *oidc.Judge {
	t.Helper()
	j, err := oidc.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// proof logs the person in as a browser would.
func proof(t *testing.T, j *oidc.Judge, change func(*access.LoginTerms)) access.LoginProof {
	t.Helper()
	terms, _ := j.Terms(t.Context())
	if change != nil {
		change(&terms)
	}
	p, err := oidc.Login{Terms: terms, Show: func(url, _ string) {
		go func() {
			if answer, err := http.Get(url); err == nil {
				answer.Body.Close()
			}
		}()
	}}.ByBrowser(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func isNobody(err error) bool {
	return fault.Is(err, fault.Denied) && errors.Is(err, access.ErrUnknown)
}

func TestAPersonIsKnownByAnIDToken(t *testing.T) {
	p := oidctest.New(t, "all", "ops")
	j := judge(t, options(p))
	shown := proof(t, j, nil)
	o, err := j.Person(t.Context(), shown)
	if err != nil || o.Name != "login:test-user@127.0.0.1" || o.Role != access.Operator || o.Scope.String() != "site lab" || o.Door != access.ByLogin || time.Until(o.Expires) < 7*time.Hour {
		t.Fatalf("%+v, %v", o, err)
	}
	again, err := j.Person(t.Context(), shown)
	if err != nil || again.Once != o.Once || o.Once == "" || !o.Until.After(time.Now().Add(5*time.Minute)) {
		t.Errorf("the store cannot tell that it was shown before: %+v, %v", again, err)
	}
	other := shown
	other.Nonce = "a nonce of somebody else"
	if _, err := j.Person(t.Context(), other); !isNobody(err) {
		t.Errorf("another nonce: %v", err)
	}
	other.Nonce = ""
	if _, err := j.Person(t.Context(), other); !isNobody(err) {
		t.Errorf("no nonce: %v", err)
	}
	for _, raw := range []string{"", "x", "a.b.c", shown.IDToken + "x", shown.IDToken[:len(shown.IDToken)-8], "eyJhbGciOiJub25lIn0.e30."} {
		if _, err := j.Person(t.Context(), access.LoginProof{IDToken: raw, Nonce: shown.Nonce}); !isNobody(err) {
			t.Errorf("%.20q: %v", raw, err)
		}
	}
}

func TestAKeyThatRotatesIsFetched(t *testing.T) {
	p := oidctest.New(t, "ops")
	j := judge(t, options(p))
	before := proof(t, j, nil)
	if _, err := j.Person(t.Context(), before); err != nil {
		t.Fatal(err)
	}
	p.Rotate()
	if _, err := j.Person(t.Context(), proof(t, j, nil)); err != nil {
		t.Errorf("by the new key: %v", err)
	}
	if _, err := j.Person(t.Context(), before); !isNobody(err) {
		t.Errorf("by a key that is gone: %v", err)
	}
}

func TestATokenThatExpiredOrIsOldOrForAnotherProgramIsRefused(t *testing.T) {
	p := oidctest.New(t, "ops")
	o := options(p)
	j := judge(t, o)
	if _, err := j.Person(t.Context(), proof(t, j, func(l *access.LoginTerms) { l.ClientID = oidctest.OtherID })); !isNobody(err) {
		t.Errorf("for another program: %v", err)
	}
	shown := proof(t, j, nil)
	for name, later := range map[string]time.Duration{"old": 11 * time.Minute, "expired": 2 * time.Hour, "of the future": -time.Hour} {
		o.Now = func() time.Time { return time.Now().Add(later) }
		if _, err := judge(t, o).Person(t.Context(), shown); !isNobody(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	p.Live(-time.Minute)
	if _, err := j.Person(t.Context(), proof(t, j, nil)); !isNobody(err) {
		t.Errorf("expired when it was made: %v", err)
	}
	o = options(oidctest.New(t, "ops")) // of another provider
	if _, err := judge(t, o).Person(t.Context(), shown); !isNobody(err) {
		t.Errorf("of another provider: %v", err)
	}
}

func TestWhoIsInNoGroupThatCountsIsToldSo(t *testing.T) {
	p := oidctest.New(t, "guests")
	j := judge(t, options(p))
	if _, err := j.Person(t.Context(), proof(t, j, nil)); !fault.Is(err, fault.Denied) || errors.Is(err, access.ErrUnknown) || fault.HintOf(err) == "" {
		t.Errorf("%v", err)
	}
}

func TestAProviderThatIsDownIsNotAWrongToken(t *testing.T) {
	p := oidctest.New(t, "ops")
	j := judge(t, options(p))
	p.Down(true)
	if _, err := j.Person(t.Context(), access.LoginProof{IDToken: "x"}); !fault.Is(err, fault.Unreachable) {
		t.Errorf("before it was asked: %v", err)
	}
	p.Down(false)
	j = judge(t, options(p))
	shown := proof(t, j, nil)
	if _, err := j.Person(t.Context(), access.LoginProof{IDToken: "x"}); !isNobody(err) { // asked for once
		t.Errorf("%v", err)
	}
	p.Down(true)
	if _, err := j.Person(t.Context(), shown); !fault.Is(err, fault.Unreachable) {
		t.Errorf("without its keys: %v", err)
	}
	p.Down(false)
	if _, err := j.Person(t.Context(), shown); err != nil {
		t.Errorf("when it is back: %v", err)
	}
}

func TestAServerWithASecretFetchesTheTokenItself(t *testing.T) {
	p := oidctest.New(t, "ops")
	o := options(p)
	o.ClientID, o.Secret = oidctest.ConfidentialID, oidctest.Secret
	j := judge(t, o)
	shown := proof(t, j, nil)
	if shown.IDToken != "" || shown.Code == "" {
		t.Fatalf("%+v", shown)
	}
	if _, err := j.Person(t.Context(), access.LoginProof{Code: shown.Code, Verifier: "a verifier of somebody else, forty-three long..", Redirect: shown.Redirect, Nonce: shown.Nonce}); !isNobody(err) {
		t.Errorf("another verifier: %v", err)
	}
	shown = proof(t, j, nil)
	if o, err := j.Person(t.Context(), shown); err != nil || o.Role != access.Operator {
		t.Errorf("%+v %v", o, err)
	}
}

func TestADeviceLogsInByACodeTypedElsewhere(t *testing.T) {
	p := oidctest.New(t, "ops")
	j := judge(t, options(p))
	terms, _ := j.Terms(t.Context())
	shown, err := oidc.Login{Terms: terms, Show: func(_, code string) { p.Approve(code) }}.ByDevice(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	o, err := j.Person(t.Context(), shown)
	if err != nil || o.Once == "" {
		t.Errorf("%+v %v", o, err)
	}
	head, rest, _ := strings.Cut(shown.IDToken, ".")
	shown.IDToken = head + "\n." + rest // the same token, spelled otherwise
	if again, err := j.Person(t.Context(), shown); err == nil && again.Once != o.Once {
		t.Error("another spelling of a token opens another session")
	}
}
