package api

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"rackwright/access"
	"rackwright/api/wire"
)

type accessStore interface {
	// TokenOf returns whose secret it is; Denied when it is nobody's, or good no more.
	TokenOf(ctx context.Context, secret string) (access.Token, error)
	// Tokens are by name, with those that were revoked if asked to.
	Tokens(ctx context.Context, revoked bool) ([]access.Token, error)
	Token(ctx context.Context, idOrName string) (*access.Token, error)
	// AddToken is Conflict when the name is another's.
	AddToken(ctx context.Context, g access.Grant, secret, actor string) (*access.Token, error)
	// RotateToken is Conflict for what is good no more; a zero time leaves its end.
	RotateToken(ctx context.Context, idOrName, secret string, expires time.Time) (*access.Token, error)
	RevokeToken(ctx context.Context, idOrName string) (*access.Token, error)
	// MachinePlace, RackPlace and OperationPlace are NotFound for what there is not.
	MachinePlace(ctx context.Context, idOrName string) (access.Place, error)
	RackPlace(ctx context.Context, name string) (access.Place, error)
	OperationPlace(ctx context.Context, id string) (access.Place, error)
}

// TokenIn names a token. Exported because huma fills only exported embedded structs.
type TokenIn struct {
	Token string `path:"token" minLength:"1" maxLength:"256" doc:"Token id or name"`
}

type tokenMadeOut struct {
	Location string `header:"Location"`
	Body     wire.TokenGiven
}

// tokens registers who may ask, and what the caller itself may.
func (s *server) tokens() {
	tag := func(o huma.Operation) huma.Operation { o.Tags = []string{"access"}; return o }
	route(s, tag(op("GET", "/whoami", "whoami", "Who is asking, and what it may")), func(ctx context.Context, _ *struct{}) (*body[wire.Whoami], error) {
		who := callOf(ctx).caller
		return &body[wire.Whoami]{wire.Whoami{Caller: who, Rights: who.Rights()}}, nil
	})
	route(s, tag(op("GET", "/tokens", "list-tokens", "Tokens by name, without their secrets")), s.listTokens)
	add := tag(op("POST", "/tokens", "add-token", "Give a token; its secret is in this answer and nowhere else"))
	add.DefaultStatus = http.StatusCreated
	route(s, add, func(ctx context.Context, in *struct{ Body access.Grant }) (*tokenMadeOut, error) {
		secret := access.NewSecret()
		in.Body.Owner = cmp.Or(in.Body.Owner, callOf(ctx).caller.Owner) // who gives it has seen its secret
		t, err := s.Store.AddToken(ctx, in.Body, secret, actor(ctx))
		if err != nil {
			return nil, err
		}
		if t.Certificate != "" { // which stands for one
			secret = ""
		}
		s.concerns(ctx, "token", t.Name, t.ID)
		return &tokenMadeOut{Location: wire.Prefix + "/tokens/" + t.ID, Body: wire.TokenGiven{Token: *t, Secret: secret}}, nil
	})
	route(s, tag(op("GET", "/tokens/{token}", "get-token", "One token, without its secret")), func(ctx context.Context, in *TokenIn) (*body[access.Token], error) {
		return tokenBody(s.Store.Token(ctx, in.Token))
	})
	rotate := tag(op("POST", "/tokens/{token}/rotate", "rotate-token", "Give a token another secret; the old one opens nothing any more"))
	rotate.DefaultStatus = http.StatusOK
	route(s, rotate, s.rotateToken)
	revoke := tag(op("DELETE", "/tokens/{token}", "revoke-token", "End a token for good"))
	revoke.DefaultStatus = http.StatusOK
	route(s, revoke, func(ctx context.Context, in *struct {
		TokenIn
		TryIn
	}) (*body[access.Token], error) {
		return tokenBody(tried(ctx, s, in.DryRun, func(ctx context.Context) (*access.Token, error) { return s.Store.RevokeToken(ctx, in.Token) }))
	})
}

func (s *server) listTokens(ctx context.Context, in *struct {
	Revoked bool `query:"revoked" doc:"Those that were revoked, too"`
	PageIn
}) (*body[wire.List[access.Token]], error) {
	list, err := s.Store.Tokens(ctx, in.Revoked)
	return pageOf(ctx, in.PageIn, byName(func(t *access.Token) string { return t.Name + "\x01" + t.ID }), list, err)
}

func (s *server) rotateToken(ctx context.Context, in *struct {
	TokenIn
	Body *wire.TokenRotation
}) (*body[wire.TokenGiven], error) {
	var until time.Time
	if in.Body != nil {
		until = in.Body.Expires
	}
	if !until.IsZero() && !until.After(s.Now()) {
		return nil, badBody("expires_at", "is over")
	}
	secret := access.NewSecret()
	return given(secret)(s.Store.RotateToken(ctx, in.Token, secret, until))
}

// given answers a token with its secret, the one time.
func given(secret string) func(*access.Token, error) (*body[wire.TokenGiven], error) {
	return func(t *access.Token, err error) (*body[wire.TokenGiven], error) {
		if err != nil {
			return nil, err
		}
		return &body[wire.TokenGiven]{wire.TokenGiven{Token: *t, Secret: secret}}, nil
	}
}

func tokenBody(t *access.Token, err error) (*body[access.Token], error) {
	if err != nil {
		return nil, err
	}
	return &body[access.Token]{*t}, nil
}
