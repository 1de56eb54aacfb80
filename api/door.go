package api

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"rackwright/access"
	"rackwright/access/guard"
	"rackwright/api/wire"
	"rackwright/fault"
)

// public are the paths that need no token: what tells of the interface, and the ways in.
func public(path string) bool {
	switch strings.TrimPrefix(path, wire.Prefix) {
	case "/sessions", "/sessions/rack", "/sessions/terms":
		return true
	}
	return path == wire.Prefix+"/health" || strings.HasPrefix(path, wire.Prefix+"/openapi") || path == wire.Prefix+"/schemas/plan" || path == wire.Prefix+"/docs"
}

// authenticate finds who is asking, before the path is even looked at.
func (s *server) authenticate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := s.admit(r); err != nil {
			s.fail(w, r, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// admit lets a request in that does not come too often, by the door that it came to.
func (s *server) admit(r *http.Request) error {
	c := callOf(r.Context())
	if a := approvedOf(r.Context()); a != nil { // asked before, and now from inside
		c.caller = a.caller
		return nil
	}
	from := guard.Key(r.RemoteAddr)
	c.from = from
	if wait := s.Guard.Ask(from); wait > 0 {
		return slower(r.Context(), "too many requests from "+from, wait)
	}
	if public(r.URL.Path) {
		return nil
	}
	door := s.byToken
	if r.TLS != nil && len(r.TLS.VerifiedChains) > 0 {
		door = s.byCertificate
	}
	who, err := door(r)
	if err != nil {
		return err
	}
	c.caller = who
	if wait := s.Guard.Call(who.ID); wait > 0 {
		return slower(r.Context(), "too many requests by "+who.Name, wait)
	}
	return nil
}

// byToken is the caller that a request's bearer token (RFC 6750 section 2.1) belongs to.
func (s *server) byToken(r *http.Request) (access.Caller, error) {
	ctx := r.Context()
	secret := bearer(r)
	if secret == "" {
		return access.Caller{}, unknown(ctx, "the request has no bearer token", "", "")
	}
	t, err := s.guarded(ctx, secret, func() (access.Token, error) { return s.Store.TokenOf(ctx, secret) })
	switch {
	case errors.Is(err, access.ErrUnknown):
		s.Log.WarnContext(ctx, "unknown token", "remote", r.RemoteAddr, "request_id", callOf(ctx).id)
		return access.Caller{}, unknown(ctx, "the token is not known here", "", `, error="invalid_token", error_description="unknown"`)
	case fault.Is(err, fault.Denied):
		return access.Caller{}, unknown(ctx, err.Error(), fault.HintOf(err), `, error="invalid_token", error_description="expired or revoked"`)
	case err != nil:
		return access.Caller{}, err
	}
	return t.Caller(), nil
}

// guarded looks up whose a secret is, unless its address guessed too often; a guess is counted.
func (s *server) guarded(ctx context.Context, shown string, whose func() (access.Token, error)) (access.Token, error) {
	if err := s.waits(ctx, shown); err != nil {
		return access.Token{}, err
	}
	t, err := whose()
	if from := callOf(ctx).from; errors.Is(err, access.ErrUnknown) {
		s.Guard.Wrong(from)
	} else if err == nil {
		s.Guard.Right(from, shown)
	}
	return t, err
}

// waits is 429 while an address that guessed has to wait.
func (s *server) waits(ctx context.Context, shown string) error {
	from := callOf(ctx).from
	if wait := s.Guard.Locked(from, shown); wait > 0 {
		return slower(ctx, "too many wrong tokens from "+from, wait)
	}
	return nil
}

// mostNames bounds the names of a certificate that are looked up.
const mostNames = 16

// byCertificate is the caller that a client certificate stands for, which the listener has
// verified. It may have ended since: connections live long.
func (s *server) byCertificate(r *http.Request) (access.Caller, error) {
	ctx, leaf := r.Context(), r.TLS.VerifiedChains[0][0]
	if !s.Now().Before(leaf.NotAfter) {
		return access.Caller{}, unknown(ctx, "the client certificate ended at "+leaf.NotAfter.UTC().Format(time.RFC3339), "renew it where it was made", "")
	}
	if s.Vouch != nil {
		vouched := func() bool { return s.Vouch(r.TLS) }
		if callOf(ctx).vouched = vouched; !vouched() {
			return access.Caller{}, unknown(ctx, "the authority of the client certificate counts no more", "get one by an authority in api.client_ca, and connect again", "")
		}
	}
	names := certificateNames(leaf)
	t, err := s.guarded(ctx, "certificate "+strings.Join(names, "\x00"), func() (access.Token, error) { return s.Store.TokenOfCertificate(ctx, names) })
	switch {
	case errors.Is(err, access.ErrUnknown):
		s.Log.WarnContext(ctx, "unknown client certificate", "remote", r.RemoteAddr, "names", names, "request_id", callOf(ctx).id)
		return access.Caller{}, unknown(ctx, err.Error(), fault.HintOf(err), "")
	case fault.Is(err, fault.Denied):
		return access.Caller{}, unknown(ctx, err.Error(), fault.HintOf(err), "")
	case err != nil:
		return access.Caller{}, err
	}
	who := t.Caller()
	if who.Expires.IsZero() || leaf.NotAfter.Before(who.Expires) {
		who.Expires = leaf.NotAfter.UTC()
	}
	return who, nil
}

// certificateNames are those that a certificate is known by: its URIs and DNS names, and its
// common name when it has neither (RFC 6125 section 6.4.4).
func certificateNames(leaf *x509.Certificate) (names []string) {
	for _, u := range leaf.URIs {
		names = append(names, u.String())
	}
	for _, name := range leaf.DNSNames {
		names = append(names, strings.ToLower(name))
	}
	if len(names) == 0 && leaf.Subject.CommonName != "" {
		names = []string{leaf.Subject.CommonName}
	}
	return names[:min(len(names), mostNames)]
}

// longestSecret is more than any secret has, bytes.
const longestSecret = 256

// bearer is the secret that a request shows, "" if it shows none, or several.
func bearer(r *http.Request) string {
	given := r.Header.Values("Authorization")
	if len(given) != 1 {
		return ""
	}
	scheme, secret, _ := strings.Cut(given[0], " ")
	if secret = strings.TrimSpace(secret); !strings.EqualFold(scheme, "Bearer") || len(secret) > longestSecret {
		return ""
	}
	return secret
}

const challenge = `Bearer realm="rackwright"`

// unknown asks who is there (RFC 6750 section 3).
func unknown(ctx context.Context, detail, hint, why string) error {
	p := newProblem(ctx, http.StatusUnauthorized, detail, hint)
	p.header = http.Header{"Www-Authenticate": {challenge + why}}
	return p
}

// slower asks to come again later (RFC 6585 section 4).
func slower(ctx context.Context, detail string, wait time.Duration) error {
	seconds := int(math.Ceil(wait.Seconds()))
	p := newProblem(ctx, http.StatusTooManyRequests, detail, fmt.Sprintf("wait %d s, as Retry-After says", seconds))
	p.header = http.Header{"Retry-After": {strconv.Itoa(seconds)}}
	return p
}
