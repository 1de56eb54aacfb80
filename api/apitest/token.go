package apitest

import (
	"context"
	"slices"
	"strings"
	"time"

	"rackwright/access"
	"rackwright/fault"
)

// Secrets of the tokens every Store knows.
const (
	ViewerSecret     = "rw_viewer"
	TechnicianSecret = "rw_technician"
	OperatorSecret   = "rw_operator"
	AdminSecret      = "rw_admin"
	ServiceSecret    = "rw_service"
)

// given is a token with its secret.
type given struct {
	access.Token
	secret string
}

// everyToken are those that were given, and one of each role that nobody gave.
func (s *Store) everyToken() []given {
	all := slices.Clone(s.tokens)
	for _, r := range access.Roles() {
		if !slices.ContainsFunc(all, func(g given) bool { return g.ID == "token-"+string(r) }) {
			all = append(all, given{access.Token{ID: "token-" + string(r), Name: string(r), Role: r, Created: s.now(), Door: access.ByToken}, "rw_" + string(r)})
		}
	}
	return all
}

// TokenOf knows the secrets of those. It answers although the store is to fail.
func (s *Store) TokenOf(_ context.Context, secret string) (access.Token, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.everyToken() {
		if g.secret == secret {
			return g.Token, g.Good(s.now())
		}
	}
	return access.Token{}, &fault.Error{Kind: fault.Denied, Message: "the token is not known", Err: access.ErrUnknown}
}

// Tokens are by name.
func (s *Store) Tokens(_ context.Context, revoked bool) ([]access.Token, error) {
	unlock, err := s.lock()
	defer unlock()
	out := []access.Token{}
	for _, g := range s.everyToken() {
		if revoked || g.Revoked.IsZero() {
			out = append(out, g.Token)
		}
	}
	slices.SortFunc(out, func(a, b access.Token) int { return strings.Compare(a.Name, b.Name) })
	return out, err
}

// Token returns one.
func (s *Store) Token(_ context.Context, idOrName string) (*access.Token, error) {
	unlock, err := s.lock()
	defer unlock()
	if err != nil {
		return nil, err
	}
	for _, g := range s.everyToken() {
		if g.ID == idOrName || g.Name == idOrName && g.Revoked.IsZero() {
			return &g.Token, nil
		}
	}
	return nil, fault.NotFoundf("there is no token %q", idOrName).WithHint("'rackwright token list' shows them")
}

// AddToken gives one.
func (s *Store) AddToken(ctx context.Context, g access.Grant, secret, actor string) (*access.Token, error) {
	if err := g.Check(s.now()); err != nil {
		return nil, err
	}
	if _, err := s.Token(ctx, g.Name); !fault.Is(err, fault.NotFound) {
		return nil, fault.Conflictf("there is a token %s already", g.Name).WithHint("'rackwright token rotate %s' gives it another secret", g.Name)
	}
	unlock, err := s.lock()
	defer unlock()
	t := access.Token{ID: s.id("token"), Name: g.Name, Role: g.Role, Scope: g.Scope, Created: s.now(), By: actor, Expires: g.Expires, Door: access.ByToken, Owner: g.Owner}
	if g.Certificate != "" {
		t.Door, t.Certificate = access.ByCertificate, g.Certificate
	}
	s.tokens = append(s.tokens, given{t, secret})
	return &t, err
}

// RotateToken gives another secret.
func (s *Store) RotateToken(ctx context.Context, idOrName, secret string, expires time.Time) (*access.Token, error) {
	return s.changeToken(ctx, idOrName, func(g *given) {
		if g.secret = secret; !expires.IsZero() {
			g.Expires = expires
		}
	})
}

// RevokeToken ends one.
func (s *Store) RevokeToken(ctx context.Context, idOrName string) (*access.Token, error) {
	return s.changeToken(ctx, idOrName, func(g *given) { g.Revoked = s.now() })
}

// EndSession ends a session.
func (s *Store) EndSession(ctx context.Context, id string) (*access.Token, error) {
	return s.RevokeToken(ctx, id)
}

func (s *Store) changeToken(ctx context.Context, idOrName string, change func(*given)) (*access.Token, error) {
	t, err := s.Token(ctx, idOrName)
	if err != nil {
		return nil, err
	}
	unlock, err := s.lock()
	defer unlock()
	s.tokens = s.everyToken()
	g := &s.tokens[slices.IndexFunc(s.tokens, func(g given) bool { return g.ID == t.ID })]
	change(g)
	out := g.Token
	return &out, err
}
