package api_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rackwright/access"
	"rackwright/access/guard"
	"rackwright/api"
	"rackwright/api/apitest"
	"rackwright/api/wire"
	"rackwright/fault"
)

// people is a provider that knows one person.
type people struct{ now time.Time }

func (people) Terms(context.Context) (access.LoginTerms, error) {
	return access.LoginTerms{Issuer: "https://idp.example", ClientID: "rackwright"}, nil
}

func (p people) Person(_ context.Context, proof access.LoginProof) (access.Opening, error) {
	switch proof.IDToken {
	case "mia":
		return access.Opening{Name: "login:mia", Door: access.ByLogin, Role: access.Operator, Expires: p.now.Add(time.Hour), Once: proof.Nonce, Until: p.now.Add(time.Hour)}, nil
	case "guest":
		return access.Opening{}, fault.Deniedf("guest is in no group that may do anything here")
	case "away":
		return access.Opening{}, fault.Unreachablef("the provider does not answer")
	}
	return access.Opening{}, &fault.Error{Kind: fault.Denied, Message: "the ID token is not good", Err: access.ErrUnknown}
}

func TestAPersonLogsInOnceWithAProofAndOutAgain(t *testing.T) {
	s := apitest.Rack(t)
	url := apitest.Serve(t, api.Options{Store: s, Logins: people{time.Now()}, Guard: guard.New(guard.Limits{Wrong: 4, Longest: time.Minute}, time.Now)}) + wire.Prefix
	anon := "Authorization: "
	if answer, text := ask(t, "GET", url+"/sessions/terms", "", anon); answer.StatusCode != 200 || !strings.Contains(text, "idp.example") {
		t.Errorf("%s %s", answer.Status, text)
	}
	answer, text := ask(t, "POST", url+"/sessions", `{"id_token":"mia","nonce":"n1"}`, anon, "Idempotency-Key: k")
	made := decode[wire.TokenGiven](t, text)
	if answer.StatusCode != 201 || made.Secret == "" || made.Door != access.ByLogin {
		t.Fatalf("%s %s", answer.Status, text)
	}
	bearer := "Authorization: Bearer " + made.Secret
	if _, text := ask(t, "GET", url+"/whoami", "", bearer); !strings.Contains(text, `"by":"login"`) || !strings.Contains(text, `"name":"login:mia"`) {
		t.Error(text)
	}
	for body, want := range map[string]int{`{"id_token":"mia","nonce":"n1"}`: 401, `{"id_token":"forged"}`: 401, `{"id_token":"guest"}`: 403, `{"id_token":"away"}`: 503} {
		if answer, text := ask(t, "POST", url+"/sessions", body, anon, "Idempotency-Key: k"); answer.StatusCode != want || strings.Contains(text, made.Secret) {
			t.Errorf("%s: %s %s", body, answer.Status, text)
		}
	}
	if answer, text := ask(t, "DELETE", url+"/sessions/current", ""); answer.StatusCode != 409 { // of the admin's token
		t.Errorf("%s %s", answer.Status, text)
	}
	if answer, text := ask(t, "DELETE", url+"/sessions/current", "", bearer); answer.StatusCode != 200 {
		t.Errorf("%s %s", answer.Status, text)
	}
	if answer, _ := ask(t, "GET", url+"/whoami", "", bearer); answer.StatusCode != 401 {
		t.Errorf("after logout: %s", answer.Status)
	}
	_, text = ask(t, "GET", url+"/audit?route=open-session", "")
	if !strings.Contains(text, `"actor":"login:mia"`) || !strings.Contains(text, `"stage":"refused"`) || strings.Contains(text, made.Secret) {
		t.Errorf("the audit has %s", text)
	}
}

func TestWithoutAProviderNobodyLogsIn(t *testing.T) {
	_, url := rack(t)
	if answer, text := ask(t, "POST", url+"/sessions", `{"id_token":"x"}`, "Authorization: "); answer.StatusCode != 409 || !strings.Contains(text, "oidc") {
		t.Errorf("%s %s", answer.Status, text)
	}
}

func TestATechniciansCodeOpensOneSessionForItsRack(t *testing.T) {
	s := apitest.Rack(t)
	url := apitest.Serve(t, api.Options{Store: s}) + wire.Prefix
	racks, _ := s.Racks(t.Context())
	name := racks[0].Name
	answer, text := ask(t, "POST", url+"/racks/"+name+"/codes", `{"minutes":5}`, "Authorization: Bearer "+apitest.OperatorSecret)
	code := decode[wire.CodeGiven](t, text)
	if answer.StatusCode != 201 || len(code.Code) != 19 || code.Text != "rw:door:"+code.Code {
		t.Fatalf("%s %s", answer.Status, text)
	}
	if answer, _ := ask(t, "POST", url+"/racks/"+name+"/codes", `{}`, "Authorization: Bearer "+apitest.TechnicianSecret); answer.StatusCode != 403 {
		t.Errorf("a technician makes codes: %s", answer.Status)
	}
	use := `{"code":"` + strings.ToLower(code.Text) + `","name":"Mia"}`
	for body, want := range map[string]int{`{"code":"AAAA-BBBB-CCCC-DDDD","name":"Mia"}`: 401, `{"code":"x","name":"Mia"}`: 400, `{"code":"` + code.Code + `"}`: 400, `{"code":"` + code.Code + `","name":"a:b"}`: 400} {
		if answer, text := ask(t, "POST", url+"/sessions/rack", body, "Authorization: "); answer.StatusCode != want && !(want == 400 && answer.StatusCode == 422) {
			t.Errorf("%s: %s %s", body, answer.Status, text)
		}
	}
	answer, text = ask(t, "POST", url+"/sessions/rack", use, "Authorization: ")
	made := decode[wire.TokenGiven](t, text)
	if answer.StatusCode != 201 || made.Name != "rack:"+name+":Mia" || made.Role != access.Technician || made.Scope.Whole() || time.Until(made.Expires) > 8*time.Hour {
		t.Fatalf("%s %s", answer.Status, text)
	}
	bearer := "Authorization: Bearer " + made.Secret
	if answer, _ := ask(t, "GET", url+"/racks/"+name, "", bearer); answer.StatusCode != 200 {
		t.Errorf("its rack: %s", answer.Status)
	}
	if answer, _ := ask(t, "GET", url+"/tokens", "", bearer); answer.StatusCode != 403 {
		t.Errorf("tokens: %s", answer.Status)
	}
	if answer, _ := ask(t, "POST", url+"/sessions/rack", use, "Authorization: "); answer.StatusCode != 401 {
		t.Errorf("a second time: %s", answer.Status)
	}
	if answer, _ := ask(t, "DELETE", url+"/tokens/"+made.ID, ""); answer.StatusCode != 200 {
		t.Errorf("revoked by an admin: %s", answer.Status)
	}
	if answer, _ := ask(t, "GET", url+"/racks/"+name, "", bearer); answer.StatusCode != 401 {
		t.Errorf("when revoked: %s", answer.Status)
	}
}

func TestWhoeverGuessesAtCodesWaits(t *testing.T) {
	url := apitest.Serve(t, api.Options{Store: apitest.Rack(t), Guard: guard.New(guard.Limits{Wrong: 3, Longest: time.Minute}, time.Now)}) + wire.Prefix
	last := 0
	for range 5 {
		answer, _ := ask(t, "POST", url+"/sessions/rack", `{"code":"AAAA-BBBB-CCCC-DDDD","name":"Mia"}`, "Authorization: ")
		last = answer.StatusCode
	}
	if last != 429 {
		t.Errorf("the fifth guess is answered %d", last)
	}
}

func TestAStreamEndsWhenItsTokenIsRevoked(t *testing.T) {
	s := apitest.Rack(t)
	url := serve(t, s)
	next := listen(t, url+"/events/stream")
	next("id: ")
	if answer, text := ask(t, "DELETE", url+"/tokens/viewer", ""); answer.StatusCode != 200 {
		t.Fatal(text)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	r, _ := http.NewRequestWithContext(ctx, "GET", url+"/events/stream", nil)
	r.Header.Set("Authorization", "Bearer "+apitest.OperatorSecret)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer, text := ask(t, "DELETE", url+"/tokens/operator", ""); answer.StatusCode != 200 {
		t.Fatal(text)
	}
	if _, err := io.ReadAll(answer.Body); err != nil { // it ends
		t.Error(err)
	}
}

// authority makes certificates of clients.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	a := &authority{t: t}
	a.key, _ = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ca"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &a.key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	a.cert, _ = x509.ParseCertificate(der)
	return a
}

func (a *authority) client(tmpl x509.Certificate) *http.Client {
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	tmpl.SerialNumber, tmpl.NotBefore, tmpl.NotAfter, tmpl.ExtKeyUsage = big.NewInt(2), time.Now().Add(-time.Hour), time.Now().Add(time.Hour), []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	der, err := x509.CreateCertificate(rand.Reader, &tmpl, a.cert, &key.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}}}
}

func TestAClientCertificateIsACallerOfItsName(t *testing.T) {
	s, ca := apitest.Rack(t), newAuthority(t)
	for name, certificate := range map[string]string{"cache-1": "cache-1.example", "spiffe": "spiffe://hall/exporter", "cn": "old-service"} {
		if _, err := s.AddToken(t.Context(), access.Grant{Name: name, Role: access.Service, Certificate: certificate}, "rw_unused_"+name, "tester"); err != nil {
			t.Fatal(err)
		}
	}
	srv := httptest.NewUnstartedServer(api.New(api.Options{Store: s}))
	pool := x509.NewCertPool()
	pool.AddCert(ca.cert)
	srv.TLS = &tls.Config{ClientAuth: tls.VerifyClientCertIfGiven, ClientCAs: pool}
	srv.StartTLS()
	t.Cleanup(srv.Close)
	who := func(c *http.Client, token string) (int, string) {
		r, _ := http.NewRequestWithContext(t.Context(), "GET", srv.URL+wire.Prefix+"/whoami", nil)
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		answer, err := c.Do(r)
		if err != nil {
			return 0, err.Error()
		}
		defer answer.Body.Close()
		text, _ := io.ReadAll(answer.Body)
		return answer.StatusCode, string(text)
	}
	uri, _ := url.Parse("spiffe://hall/exporter")
	for name, c := range map[string]*http.Client{"cache-1": ca.client(x509.Certificate{DNSNames: []string{"Cache-1.example"}}), "spiffe": ca.client(x509.Certificate{URIs: []*url.URL{uri}}), "cn": ca.client(x509.Certificate{Subject: pkix.Name{CommonName: "old-service"}})} {
		if status, text := who(c, ""); status != 200 || !strings.Contains(text, `"name":"`+name+`"`) || !strings.Contains(text, `"by":"certificate"`) || !strings.Contains(text, `"expires_at"`) {
			t.Errorf("%s: %d %s", name, status, text)
		}
	}
	stranger := ca.client(x509.Certificate{DNSNames: []string{"other.example"}, Subject: pkix.Name{CommonName: "old-service"}}) // its common name does not count
	for _, token := range []string{"", apitest.AdminSecret} {
		if status, text := who(stranger, token); status != 401 {
			t.Errorf("a stranger: %d %s", status, text)
		}
	}
	answer, err := ca.client(x509.Certificate{DNSNames: []string{"cache-1.example"}}).Get(srv.URL + wire.Prefix + "/audit")
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if challenge := answer.Header.Get("WWW-Authenticate"); answer.StatusCode != 403 || challenge != "" {
		t.Errorf("a certificate that may not: %d with the challenge %q", answer.StatusCode, challenge)
	}
	if status, _ := who(newAuthority(t).client(x509.Certificate{DNSNames: []string{"cache-1.example"}}), ""); status != 0 {
		t.Errorf("of another authority: %d", status)
	}
	if status, _ := who(srv.Client(), apitest.AdminSecret); status != 200 {
		t.Errorf("a token, without a certificate: %d", status)
	}
	if status, _ := who(srv.Client(), ""); status != 401 {
		t.Errorf("nobody: %d", status)
	}
}

func TestAStreamEndsWhenTheAuthorityOfItsCertificateCountsNoMore(t *testing.T) {
	s, ca, gone := apitest.Rack(t), newAuthority(t), &atomic.Bool{}
	if _, err := s.AddToken(t.Context(), access.Grant{Name: "board", Role: access.Service, Certificate: "board.example"}, "rw_unused", "tester"); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(api.New(api.Options{Store: s, Heartbeat: 20 * time.Millisecond, Vouch: func(*tls.ConnectionState) bool { return !gone.Load() }}))
	pool := x509.NewCertPool()
	pool.AddCert(ca.cert)
	srv.TLS = &tls.Config{ClientAuth: tls.VerifyClientCertIfGiven, ClientCAs: pool}
	srv.StartTLS()
	t.Cleanup(srv.Close)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	board := ca.client(x509.Certificate{DNSNames: []string{"board.example"}})
	follow := func() *http.Response {
		r, _ := http.NewRequestWithContext(ctx, "GET", srv.URL+wire.Prefix+"/events/stream", nil)
		answer, err := board.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { answer.Body.Close() })
		return answer
	}
	open := follow()
	if open.StatusCode != 200 {
		t.Fatal(open.Status)
	}
	gone.Store(true)
	if _, err := io.ReadAll(open.Body); ctx.Err() != nil { // it ends
		t.Error(err)
	}
	if answer := follow(); answer.StatusCode != 401 {
		t.Errorf("afterwards: %s", answer.Status)
	}
}
