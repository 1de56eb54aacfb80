package oidc

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"golang.org/x/oauth2"

	"rackwright/access"
	"rackwright/fault"
)

// loginLimit is how long a person has to log in at the provider.
const loginLimit = 10 * time.Minute

// Login fetches what a server wants to see of a person.
type Login struct {
	Terms access.LoginTerms
	// Show is told where the person is to go, and the code to type in there ("" for none).
	Show func(url, code string)
}

func (l Login) begin(ctx context.Context) (context.Context, *oauth2.Config, error) {
	c, err := Client(l.Terms.CA)
	if err != nil {
		return nil, nil, err
	}
	ctx = context.WithValue(ctx, oauth2.HTTPClient, c) // go-oidc takes the same key
	p, err := discover(ctx, l.Terms.Issuer)
	if err != nil {
		return nil, nil, err
	}
	return ctx, &oauth2.Config{ClientID: l.Terms.ClientID, Scopes: l.Terms.Scopes, Endpoint: p.Endpoint()}, nil
}

// ByBrowser is the authorization code flow with PKCE (RFC 7636) and a redirect to this host
// (RFC 8252 section 7.3).
func (l Login) ByBrowser(ctx context.Context) (access.LoginProof, error) {
	ctx, cancel := context.WithTimeout(ctx, loginLimit)
	defer cancel()
	var none access.LoginProof
	ctx, c, err := l.begin(ctx)
	if err != nil {
		return none, err
	}
	at, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return none, fault.Internalf("no port for the browser to come back to: %w", err).WithHint("use --device")
	}
	defer at.Close()
	c.RedirectURL = fmt.Sprintf("http://%s/callback", at.Addr())
	proof := access.LoginProof{Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), Redirect: c.RedirectURL}
	state := rand.Text()
	url := c.AuthCodeURL(state, oauth2.S256ChallengeOption(proof.Verifier), oauth2.SetAuthURLParam("nonce", proof.Nonce))
	code, err := l.comesBack(ctx, at, state, url)
	if err != nil {
		return none, err
	}
	if l.Terms.Exchange {
		proof.Code = code
		return proof, nil
	}
	t, err := c.Exchange(ctx, code, oauth2.VerifierOption(proof.Verifier))
	if err != nil {
		return none, refusal(err)
	}
	proof.IDToken, err = idToken(t)
	return access.LoginProof{IDToken: proof.IDToken, Nonce: proof.Nonce}, err
}

type outcome struct {
	code string
	err  error
}

// comesBack serves the redirect, once, until the browser comes with our state.
func (l Login) comesBack(ctx context.Context, at net.Listener, state, url string) (string, error) {
	done := make(chan outcome, 1)
	srv := &http.Server{ReadHeaderTimeout: 5 * time.Second, MaxHeaderBytes: 32 << 10, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		if r.URL.Path != "/callback" || subtle.ConstantTimeCompare([]byte(q.Get("state")), []byte(state)) != 1 {
			http.Error(w, "this is not the login that was begun", http.StatusNotFound)
			return
		}
		o := outcome{code: q.Get("code")}
		if o.code == "" {
			o.err = fault.Deniedf("the OIDC provider refuses: %.60s %.200s", q.Get("error"), q.Get("error_description"))
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		fmt.Fprintln(w, "That is all here: go back to the terminal.")
		select {
		case done <- o:
		default:
		}
	})}
	go srv.Serve(at)
	defer srv.Close()
	l.Show(url, "")
	select {
	case o := <-done:
		grace, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		_ = srv.Shutdown(grace) // the browser gets its page
		return o.code, o.err
	case <-ctx.Done():
		return "", late(ctx)
	}
}

func late(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fault.Deniedf("nobody logged in within %s", loginLimit).WithHint("begin again")
	}
	return fault.New(fault.Unreachable, "interrupted: %w", ctx.Err())
}

// ByDevice is the device authorization grant (RFC 8628): the person logs in elsewhere.
func (l Login) ByDevice(ctx context.Context) (access.LoginProof, error) {
	ctx, cancel := context.WithTimeout(ctx, loginLimit)
	defer cancel()
	var none access.LoginProof
	ctx, c, err := l.begin(ctx)
	if err != nil {
		return none, err
	}
	if l.Terms.Exchange || c.Endpoint.DeviceAuthURL == "" {
		return none, fault.Conflictf("there is no device login here").WithHint("log in with a browser, or ask for a public client at the provider")
	}
	begun, err := c.DeviceAuth(ctx)
	if err != nil {
		return none, refusal(err)
	}
	l.Show(begun.VerificationURI, begun.UserCode)
	t, err := c.DeviceAccessToken(ctx, begun)
	if err != nil {
		if ctx.Err() != nil {
			return none, late(ctx)
		}
		return none, refusal(err)
	}
	raw, err := idToken(t)
	return access.LoginProof{IDToken: raw}, err
}
