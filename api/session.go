package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"rackwright/access"
	"rackwright/api/wire"
	"rackwright/fault"
)

// Logins knows people by an OIDC provider.
type Logins interface {
	Terms(ctx context.Context) (access.LoginTerms, error)
	// Person is Denied with access.ErrUnknown for a proof of nobody, Denied alone for
	// somebody who may do nothing here, Unreachable while the provider does not answer.
	Person(ctx context.Context, p access.LoginProof) (access.Opening, error)
}

type sessionStore interface {
	// TokenOfCertificate is Denied when the names are nobody's, of several, or of one good
	// no more.
	TokenOfCertificate(ctx context.Context, names []string) (access.Token, error)
	// OpenSession is Denied for what opened one before.
	OpenSession(ctx context.Context, o access.Opening, secret string) (*access.Token, error)
	EndSession(ctx context.Context, id string) (*access.Token, error)
	AddRackCode(ctx context.Context, c access.RackCode, code string) (*access.RackCode, error)
	EndRackCodes(ctx context.Context, rack string) (int, error)
	// RackCodeOf is Denied for what is no code, or none any more; OpenRackSession likewise.
	RackCodeOf(ctx context.Context, code string) (*access.RackCode, error)
	OpenRackSession(ctx context.Context, c access.RackCode, o access.Opening, secret string) (*access.Token, error)
}

// sessions registers how people and technicians' devices get in for a while.
func (s *server) sessions() {
	tag := func(o huma.Operation) huma.Operation { o.Tags = []string{"access"}; return o }
	made := func(o huma.Operation) huma.Operation { o.DefaultStatus = http.StatusCreated; return tag(o) }
	route(s, tag(op("GET", "/sessions/terms", "login-terms", "How people log in here")), func(ctx context.Context, _ *struct{}) (*body[access.LoginTerms], error) {
		if s.Logins == nil {
			return &body[access.LoginTerms]{}, nil
		}
		terms, err := s.Logins.Terms(ctx)
		return &body[access.LoginTerms]{terms}, err
	})
	route(s, made(op("POST", "/sessions", "open-session", "Log in with an ID token of the OIDC provider; the session's secret is in this answer and nowhere else")), s.openSession)
	route(s, made(op("POST", "/sessions/rack", "open-rack-session", "Use up a rack's code; the session's secret is in this answer and nowhere else")), s.openRackSession)
	end := tag(op("DELETE", "/sessions/current", "end-session", "Log out: end the session that asks"))
	end.DefaultStatus = http.StatusOK
	route(s, end, s.endSession)
	route(s, made(op("POST", "/racks/{rack}/codes", "add-rack-code", "Give a code that opens a technician's session for the rack, once")), s.addRackCode)
	drop := tag(op("DELETE", "/racks/{rack}/codes", "end-rack-codes", "Take back the rack's codes that nobody has used"))
	drop.DefaultStatus = http.StatusOK
	route(s, drop, func(ctx context.Context, in *struct{ RackIn }) (*body[wire.CodesEnded], error) {
		n, err := s.Store.EndRackCodes(ctx, in.Rack)
		s.remark(ctx, nil, map[string]any{"codes_ended": n})
		return &body[wire.CodesEnded]{wire.CodesEnded{Ended: n}}, err
	})
}

func (s *server) openSession(ctx context.Context, in *struct{ Body access.LoginProof }) (*body[wire.TokenGiven], error) {
	if s.Logins == nil {
		return nil, fault.Conflictf("nobody logs in here: the server knows no OIDC provider").WithHint("ask an admin for a token, or set [oidc] in the server's configuration")
	}
	if err := s.waits(ctx, in.Body.IDToken+in.Body.Code); err != nil {
		return nil, err
	}
	o, err := s.Logins.Person(ctx, in.Body)
	if err != nil {
		return nil, s.nobody(ctx, err)
	}
	if err := s.admitted(ctx, access.Caller{Name: o.Name, By: o.Door, Role: o.Role, Scope: o.Scope}); err != nil {
		return nil, err
	}
	secret := access.NewSecret()
	t, err := s.Store.OpenSession(ctx, o, secret)
	return s.opened(ctx, secret, t, err)
}

func (s *server) openRackSession(ctx context.Context, in *struct{ Body wire.CodeUse }) (*body[wire.TokenGiven], error) {
	code, ok := access.ReadCode(in.Body.Code)
	if err := s.waits(ctx, code); err != nil {
		return nil, err
	}
	if !ok {
		return nil, badBody("code", "is no code: it has 16 letters and digits")
	}
	c, err := s.Store.RackCodeOf(ctx, code)
	if err != nil {
		return nil, s.nobody(ctx, err)
	}
	person := in.Body.Name
	if c.For != "" {
		person = c.For
	}
	if err := access.CheckPerson(person); err != nil {
		return nil, err
	}
	hours := sessionTime(in.Body.Hours)
	o := access.Opening{Name: "rack:" + c.Rack + ":" + person, Door: access.ByDevice, Role: access.Technician, Scope: access.Scope{Racks: []string{c.Rack}}, Expires: s.Now().Add(hours), Owner: person}
	callOf(ctx).note.kind, callOf(ctx).note.target = "rack", "rack/"+c.Rack
	if err := s.admitted(ctx, access.Caller{Name: o.Name, By: o.Door, Role: o.Role, Scope: o.Scope}); err != nil {
		return nil, err
	}
	secret := access.NewSecret()
	t, err := s.Store.OpenRackSession(ctx, *c, o, secret)
	return s.opened(ctx, secret, t, err)
}

// sessionTime is how long a device's session is that asks for so many hours; 0 is all.
func sessionTime(asked int) time.Duration {
	if d := time.Duration(asked) * time.Hour; asked > 0 && d < access.LongestDevice {
		return d
	}
	return access.LongestDevice
}

// nobody counts a guess, and asks who is there.
func (s *server) nobody(ctx context.Context, err error) error {
	if !errors.Is(err, access.ErrUnknown) {
		return err
	}
	s.Guard.Wrong(callOf(ctx).from)
	return unknown(ctx, err.Error(), fault.HintOf(err), `, error="invalid_token"`)
}

// admitted makes somebody the caller of the request that lets them in, and enters it in the
// audit before anything is done: requests of nobody are entered when they are refused only.
func (s *server) admitted(ctx context.Context, who access.Caller) error {
	c := callOf(ctx)
	c.caller = who
	if c.note.enter == nil {
		return nil
	}
	return c.note.enter()
}

func (s *server) opened(ctx context.Context, secret string, t *access.Token, err error) (*body[wire.TokenGiven], error) {
	if err != nil {
		return nil, s.nobody(ctx, err)
	}
	callOf(ctx).caller = t.Caller()
	s.remark(ctx, nil, map[string]any{"session": t.ID, "name": t.Name, "role": t.Role, "scope": t.Scope.String(), "expires_at": t.Expires})
	return given(secret)(t, nil)
}

func (s *server) endSession(ctx context.Context, _ *struct{}) (*body[access.Token], error) {
	who := callOf(ctx).caller
	if who.By != access.ByLogin && who.By != access.ByDevice {
		return nil, fault.Conflictf("%s is no session", who.Name).WithHint("an admin ends a token: 'rackwright token revoke %s'", who.Name)
	}
	t, err := s.Store.EndSession(ctx, who.ID)
	if err == nil {
		s.remark(ctx, nil, map[string]any{"session": t.ID, "name": t.Name})
	}
	return tokenBody(t, err)
}

func (s *server) addRackCode(ctx context.Context, in *struct {
	RackIn
	Body *wire.CodeOrder
}) (*body[wire.CodeGiven], error) {
	var order wire.CodeOrder
	if in.Body != nil {
		order = *in.Body
	}
	if order.For != "" {
		if err := access.CheckPerson(order.For); err != nil {
			return nil, badBody("for", "is no name of a person")
		}
	}
	if order.Minutes == 0 {
		order.Minutes = 15
	}
	code := access.NewCode()
	text, _ := access.ReadCode(code)
	c, err := s.Store.AddRackCode(ctx, access.RackCode{Rack: in.Rack, For: order.For, By: actor(ctx), Giver: callOf(ctx).caller.ID, Expires: s.Now().Add(time.Duration(order.Minutes) * time.Minute)}, text)
	if err != nil {
		return nil, err
	}
	s.remark(ctx, nil, map[string]any{"code": c.ID, "rack": c.Rack, "for": c.For, "expires_at": c.Expires})
	return &body[wire.CodeGiven]{wire.CodeGiven{RackCode: *c, Code: code, Text: access.CodeText(code)}}, nil
}
