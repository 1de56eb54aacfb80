// Package oidc knows people by an OpenID Connect provider: it judges ID tokens for the
// server, and fetches them for a person's program. It keeps no session.
package oidc

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	gooidc "github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"rackwright/access"
	"rackwright/fault"
)

// Bounds of what is asked of a provider.
const (
	askLimit  = 10 * time.Second
	mostBytes = 1 << 20
	freshFor  = 10 * time.Minute // an ID token opens a session so long after it was issued
	leastSalt = 16               // characters of a nonce
	clockSlip = time.Minute      // between the provider's clock and ours
)

// Group is what people of a group of the provider may do.
type Group struct {
	Group string
	Role  access.Role
	Scope access.Scope
}

// Options are a provider and what its people may do.
type Options struct {
	Issuer, ClientID, Secret string
	CA                       string // PEM; empty: the system's
	Scopes                   []string
	NameClaim, GroupsClaim   string
	Groups                   []Group // the first that a person is in counts
	Session                  time.Duration
	Now                      func() time.Time
}

// Judge judges ID tokens. It asks the provider when the first one comes, not before.
type Judge struct {
	o      Options
	client *http.Client

	mu       sync.Mutex
	provider *provider
	failed   error // when it was last asked, until
	until    time.Time
}

// provider is what one tells of itself, with its keys.
type provider struct {
	*gooidc.Provider
	verifier *gooidc.IDTokenVerifier
}

// New makes a judge. It is Invalid for a CA that cannot be read.
func New(o Options) (*Judge, error) {
	c, err := Client(o.CA)
	return &Judge{o: o, client: c}, err
}

// Client returns a bounded client that trusts the authorities in a PEM bundle, the system's
// when it is empty.
func Client(ca string) (*http.Client, error) {
	t := http.DefaultTransport.(*http.Transport).Clone()
	if ca != "" {
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM([]byte(ca)) {
			return nil, fault.Invalidf("the authorities of the OIDC provider cannot be read").WithHint("they are certificates in PEM")
		}
		t.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	return &http.Client{Transport: bounded{t}, Timeout: askLimit}, nil
}

// bounded reads no more of an answer than mostBytes.
type bounded struct{ http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		answer.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(answer.Body, mostBytes), answer.Body}
	}
	return answer, err
}

// Terms are what a person's program needs to know.
func (j *Judge) Terms(context.Context) (access.LoginTerms, error) {
	return access.LoginTerms{Issuer: j.o.Issuer, ClientID: j.o.ClientID, Scopes: j.o.Scopes, CA: j.o.CA, Exchange: j.o.Secret != ""}, nil
}

// askAgain is how long a provider that did not answer is left alone.
const askAgain = 2 * time.Second

// known is the provider, asked until it answers once.
func (j *Judge) known() (*provider, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.provider != nil {
		return j.provider, nil
	}
	if time.Now().Before(j.until) {
		return nil, j.failed
	}
	// The keys keep this context: they are bounded by the client instead.
	ctx := gooidc.ClientContext(context.Background(), j.client)
	p, err := discover(ctx, j.o.Issuer)
	if err != nil {
		j.failed, j.until = err, time.Now().Add(askAgain)
		return nil, err
	}
	var told struct {
		Keys string   `json:"jwks_uri"`
		Algs []string `json:"id_token_signing_alg_values_supported"`
	}
	if err := p.Claims(&told); err != nil {
		return nil, fault.Unreachablef("the OIDC provider %s tells nothing that can be read", j.o.Issuer)
	}
	algs := slices.DeleteFunc(told.Algs, func(alg string) bool { return !slices.Contains(signatures(), alg) })
	j.provider = &provider{p, gooidc.NewVerifier(j.o.Issuer, keys{gooidc.NewRemoteKeySet(ctx, told.Keys)},
		&gooidc.Config{ClientID: j.o.ClientID, Now: j.o.Now, SupportedSigningAlgs: algs})}
	return j.provider, nil
}

// signatures are those by a key that the provider alone has.
func signatures() []string {
	return []string{gooidc.RS256, gooidc.RS384, gooidc.RS512, gooidc.ES256, gooidc.ES384, gooidc.ES512, gooidc.PS256, gooidc.PS384, gooidc.PS512, gooidc.EdDSA}
}

// keys tells a signature that is wrong from keys that cannot be fetched.
type keys struct{ *gooidc.RemoteKeySet }

type fetchKey struct{}

func (k keys) VerifySignature(ctx context.Context, jwt string) ([]byte, error) {
	payload, err := k.RemoteKeySet.VerifySignature(ctx, jwt)
	if failed, ok := ctx.Value(fetchKey{}).(*bool); ok && err != nil && strings.HasPrefix(err.Error(), "fetching keys") {
		*failed = true
	}
	return payload, err
}

func discover(ctx context.Context, issuer string) (*gooidc.Provider, error) {
	p, err := gooidc.NewProvider(ctx, issuer)
	if err != nil {
		return nil, fault.Unreachablef("the OIDC provider %s cannot be asked: %w", issuer, err).
			WithHint("is it there, and is the issuer exactly what it calls itself? people with tokens are not concerned")
	}
	return p, nil
}

// nobody is the fault of a proof that shows nothing.
func nobody(format string, args ...any) error {
	f := fault.Deniedf(format, args...)
	f.Err = errors.Join(access.ErrUnknown, f.Err)
	return f.WithHint("log in again: 'rackwright login'")
}

// claims are those that are looked at.
type claims struct {
	Party string `json:"azp"`
	all   map[string]any
	text  json.RawMessage // as signed: the same in every spelling of a token
}

// Person judges a proof. See api.Logins.
func (j *Judge) Person(ctx context.Context, p access.LoginProof) (o access.Opening, err error) {
	provider, err := j.known()
	if err != nil {
		return o, err
	}
	raw := p.IDToken
	if j.o.Secret != "" && p.Code != "" {
		if raw, err = j.exchange(ctx, provider, p); err != nil {
			return o, err
		}
	}
	if raw == "" {
		return o, nobody("there is no ID token")
	}
	token, c, err := j.verify(ctx, provider, raw, p.Nonce)
	if err != nil {
		return o, err
	}
	name, _ := c.all[j.o.NameClaim].(string)
	if err := access.CheckPerson(name); err != nil {
		return o, fault.Deniedf("the ID token has no name of a person as %s", j.o.NameClaim).WithHint("set oidc.name_claim to a claim that has one")
	}
	g, ok := j.groupOf(c.all[j.o.GroupsClaim])
	if !ok {
		return o, fault.Deniedf("%s is in no group that may do anything here", name).WithHint("an admin maps groups in [[oidc.groups]]; the provider tells them in the claim %q of the ID token", j.o.GroupsClaim)
	}
	o = access.Opening{Name: "login:" + name, Door: access.ByLogin, Role: g.Role, Scope: g.Scope, Expires: j.o.Now().Add(j.o.Session), Owner: name, Subject: j.o.Issuer + " " + token.Subject,
		Once: "id token " + j.o.Issuer + " " + string(c.text), Until: token.IssuedAt.Add(freshFor + 2*clockSlip)}
	if token.Nonce != "" {
		o.Once = "nonce " + j.o.Issuer + " " + token.Nonce
	}
	return o, nil
}

// verify is OpenID Connect Core 1.0, section 3.1.3.7.
func (j *Judge) verify(ctx context.Context, provider *provider, raw, nonce string) (*gooidc.IDToken, claims, error) {
	var c claims
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	var failed bool
	token, err := provider.verifier.Verify(context.WithValue(ctx, fetchKey{}, &failed), raw)
	switch {
	case failed:
		return nil, c, fault.Unreachablef("the keys of the OIDC provider %s cannot be fetched", j.o.Issuer).WithHint("try again when it answers")
	case err != nil:
		return nil, c, nobody("the ID token is not good: %w", err)
	}
	if err := errors.Join(token.Claims(&c), token.Claims(&c.all), token.Claims(&c.text)); err != nil {
		return nil, c, nobody("the ID token cannot be read")
	}
	age := j.o.Now().Sub(token.IssuedAt)
	switch {
	case len(token.Audience) > 1 && c.Party != j.o.ClientID:
		return nil, c, nobody("the ID token is for another program")
	case age > freshFor || age < -clockSlip:
		return nil, c, nobody("the ID token was issued at %s, too long ago or in the future", token.IssuedAt.UTC().Format(time.RFC3339))
	case token.Nonce != nonce, nonce != "" && len(nonce) < leastSalt:
		return nil, c, nobody("the ID token was asked for with another nonce")
	}
	return token, c, nil
}

// groupOf is the first group that counts; the claim is a list, or one name.
func (j *Judge) groupOf(claim any) (Group, bool) {
	var in []string
	switch v := claim.(type) {
	case string:
		in = []string{v}
	case []any:
		for _, g := range v {
			if name, ok := g.(string); ok {
				in = append(in, name)
			}
		}
	}
	for _, g := range j.o.Groups {
		if slices.Contains(in, g.Group) {
			return g, true
		}
	}
	return Group{}, false
}

// exchange fetches the ID token for a code, as the provider's confidential client.
func (j *Judge) exchange(ctx context.Context, provider *provider, p access.LoginProof) (string, error) {
	c := oauth2.Config{ClientID: j.o.ClientID, ClientSecret: j.o.Secret, Endpoint: provider.Endpoint(), RedirectURL: p.Redirect}
	t, err := c.Exchange(context.WithValue(ctx, oauth2.HTTPClient, j.client), p.Code, oauth2.VerifierOption(p.Verifier))
	if err != nil {
		return "", refusal(err)
	}
	return idToken(t)
}

// refusal tells a provider that refuses from one that does not answer.
func refusal(err error) error {
	if r, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		return nobody("the OIDC provider refuses: %s %.200s", r.ErrorCode, r.ErrorDescription)
	}
	return fault.Unreachablef("the OIDC provider does not answer: %w", err)
}

func idToken(t *oauth2.Token) (string, error) {
	raw, _ := t.Extra("id_token").(string)
	if raw == "" {
		return "", nobody("the OIDC provider gave no ID token")
	}
	return raw, nil
}
