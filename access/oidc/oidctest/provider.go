// Package oidctest runs a real OpenID Connect provider with two people, for tests.
package oidctest

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// ClientID is that of the program that people log in with; OtherID is another's.
const (
	ClientID = "rackwright"
	OtherID  = "another-program"
	Secret   = "client-secret" // of ConfidentialID
	// ConfidentialID is a client that has a secret.
	ConfidentialID = "rackwright-server"
)

// Provider is one that runs until its test ends. Whoever comes to its login page is the
// person it is told of.
type Provider struct {
	*storage.Storage
	URL string

	t        *testing.T
	srv      *httptest.Server
	mu       sync.Mutex
	key      *rsa.PrivateKey
	keyID    string
	groups   []string
	lifetime time.Duration
	down     bool
}

// New starts a provider; the person is in some groups.
func New(t *testing.T, groups ...string) *Provider {
	p := &Provider{t: t, groups: groups, lifetime: time.Hour}
	p.Rotate()
	mux := http.NewServeMux()
	p.srv = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		down := p.down
		p.mu.Unlock()
		if down {
			http.Error(w, "down", http.StatusBadGateway)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(p.srv.Close)
	p.URL = p.srv.URL
	p.Storage = storage.NewStorageWithClients(storage.NewUserStore(p.URL), map[string]*storage.Client{
		ClientID: storage.NativeClient(ClientID, "http://127.0.0.1/callback"), OtherID: storage.NativeClient(OtherID, "http://127.0.0.1/callback"),
		ConfidentialID: storage.WebClient(ConfidentialID, Secret, "http://127.0.0.1/callback")})
	known, err := op.NewProvider(&op.Config{CryptoKey: sha256.Sum256([]byte("test")), CodeMethodS256: true, AuthMethodPost: true,
		DeviceAuthorization: op.DeviceAuthorizationConfig{Lifetime: time.Minute, PollInterval: time.Second, UserFormPath: "/device", UserCode: op.UserCodeBase20}},
		p, op.StaticIssuer(p.URL), op.WithAllowInsecure(), op.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	callback := op.AuthCallbackURL(known)
	mux.Handle("/login/", op.NewIssuerInterceptor(known.IssuerFromRequest).HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.FormValue("authRequestID")
		if err := p.CheckUsernamePassword("test-user@127.0.0.1", "verysecure", id); err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		http.Redirect(w, r, callback(r.Context(), id), http.StatusFound)
	}))
	mux.Handle("/", known)
	return p
}

// Approve logs the person in with a code that a device shows.
func (p *Provider) Approve(userCode string) {
	if err := p.CompleteDeviceAuthorization(context.Background(), userCode, "id1"); err != nil {
		p.t.Error(err)
	}
}

// Rotate gives it another key, and forgets the one before.
func (p *Provider) Rotate() {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		p.t.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.key, p.keyID = key, uuid.NewString()
}

// Live is how long its ID tokens are good from now on.
func (p *Provider) Live(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lifetime = d
}

// Down has it answer nothing.
func (p *Provider) Down(down bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = down
}

type signer struct {
	id  string
	key *rsa.PrivateKey
}

func (s signer) ID() string                                  { return s.id }
func (s signer) SignatureAlgorithm() jose.SignatureAlgorithm { return jose.RS256 }
func (s signer) Key() any                                    { return s.key }

type public struct{ signer }

func (k public) Algorithm() jose.SignatureAlgorithm { return jose.RS256 }
func (k public) Use() string                        { return "sig" }
func (k public) Key() any                           { return &k.key.PublicKey }

// SigningKey is op's.
func (p *Provider) SigningKey(context.Context) (op.SigningKey, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return signer{p.keyID, p.key}, nil
}

// KeySet is op's.
func (p *Provider) KeySet(context.Context) ([]op.Key, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return []op.Key{public{signer{p.keyID, p.key}}}, nil
}

// SetUserinfoFromRequest is op's: it adds the groups.
func (p *Provider) SetUserinfoFromRequest(ctx context.Context, info *oidc.UserInfo, r op.IDTokenRequest, scopes []string) error {
	if slices.Contains(scopes, "groups") {
		info.AppendClaims("groups", p.groups)
	}
	return p.Storage.SetUserinfoFromRequest(ctx, info, r, scopes)
}

// GetClientByClientID is op's.
func (p *Provider) GetClientByClientID(ctx context.Context, id string) (op.Client, error) {
	c, err := p.Storage.GetClientByClientID(ctx, id)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return client{c, p.lifetime}, nil
}

type client struct {
	op.Client
	lifetime time.Duration
}

func (c client) IDTokenUserinfoClaimsAssertion() bool { return true }
func (c client) IDTokenLifetime() time.Duration       { return c.lifetime }
func (c client) IsScopeAllowed(string) bool           { return true }
func (c client) GrantTypes() []oidc.GrantType {
	return []oidc.GrantType{oidc.GrantTypeCode, oidc.GrantTypeDeviceCode}
}
func (c client) RestrictAdditionalIdTokenScopes() func([]string) []string {
	return func(s []string) []string { return s }
}

// ApplicationType lets each come back to any port of this host.
func (c client) ApplicationType() op.ApplicationType { return op.ApplicationTypeNative }
