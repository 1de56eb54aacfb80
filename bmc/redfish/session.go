package redfish

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"rackwright/bmc"
	"rackwright/fault"
)

// authKind is how requests prove who we are.
type authKind uint8

const (
	anonymous  authKind = iota
	byToken             // X-Auth-Token of a session (DSP0266 13.3.4)
	byPassword          // HTTP Basic (RFC 7617), where sessions are missing or used up
)

// session is the state of our login; wire.turn guards it.
type session struct {
	kind        authKind
	member      bool // we log in: requests do not go out anonymous any more
	token       string
	uri         string // of our Session, to delete it
	sessions    string // where sessions are created; empty: none
	guessed     bool   // that is where they usually are: the root does not say
	anyEncoding bool   // the BMC cannot send some resources uncompressed
	lapsed
	refused error // set once: nothing more is sent to a BMC that denied us
}

// root reads the ServiceRoot, which needs no credentials (DSP0266 13.3.2). It is the
// first contact: the certificate is seen here.
func (w *wire) root(ctx context.Context) (serviceRoot, error) {
	var root serviceRoot
	resp, err := w.getRoot(ctx, rootPath)
	if err == nil && resp.StatusCode == http.StatusNotFound { // DSP0266 6.3 has both
		resp, err = w.getRoot(ctx, strings.TrimSuffix(rootPath, "/"))
	}
	if err != nil {
		return root, err
	}
	switch body := peek(resp); {
	case resp.StatusCode == http.StatusUnauthorized: // against the specification; log in and see
		return root, nil
	case resp.StatusCode == http.StatusNotFound:
		return root, fault.Invalidf("%s has no Redfish service: /redfish/v1/ is not there", w.access.Address).
			WithHint("check bmc.address; older BMCs need newer firmware or Redfish switched on")
	case resp.StatusCode >= 300:
		return root, refusal(resp.StatusCode, body)
	default:
		return root, lenient(json.Unmarshal(body, &root))
	}
}

func (w *wire) getRoot(ctx context.Context, path string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.base.String()+path, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	return (&http.Client{Transport: w, CheckRedirect: redirects}).Do(req)
}

// login opens a session where the root says sessions are.
func (w *wire) login(ctx context.Context, root serviceRoot) error {
	if err := w.take(ctx); err != nil {
		return err
	}
	defer w.release()
	w.sessions, w.member = root.Links.Sessions.URI, true
	if service := root.SessionService.URI; w.sessions == "" && service != "" {
		w.sessions, w.guessed = strings.TrimSuffix(service, "/")+"/Sessions", true
	}
	return w.enter(ctx)
}

// enter creates a session, or settles for Basic when the BMC has none to give. A password
// that is refused is sent once: each further try brings the account nearer to its lock.
// The caller holds the turn.
func (w *wire) enter(ctx context.Context) error {
	w.kind, w.token, w.uri = anonymous, "", ""
	if w.sessions == "" {
		w.kind = byPassword
		return nil
	}
	resp, err := w.ask(ctx)
	if err != nil {
		return err
	}
	answer := peek(resp)
	verdict := judgeLogin(resp.StatusCode, resp.Header.Get("X-Auth-Token") != "", answer)
	switch {
	case w.guessed && verdict != loginDone && verdict != loginExpired:
		verdict = loginBasic // at a place that is not there a refusal says nothing of the password
	case verdict == loginDenied && w.unread(ctx, resp, answer):
		verdict = loginBasic
	}
	switch verdict {
	case loginDone:
		w.kind, w.token, w.uri = byToken, resp.Header.Get("X-Auth-Token"), sessionURI(resp, answer)
	case loginBasic:
		w.log.Debug("bmc gives no session, using basic authentication", "status", resp.StatusCode)
		w.kind = byPassword
	case loginExpired:
		return w.lapse(resp, answer)
	case loginDenied:
		w.refused = bmc.WrongPassword(w.access)
		return w.refused
	default:
		return refusal(resp.StatusCode, answer)
	}
	return nil
}

// ask posts the login; a BMC that says "not now" judged no password and is asked again.
func (w *wire) ask(ctx context.Context) (*http.Response, error) {
	for attempt := 0; ; attempt++ {
		req, err := w.loginRequest(ctx, map[string]string{"UserName": w.access.Username, "Password": w.access.Password})
		if err != nil {
			return nil, err
		}
		body, err := takeBody(req)
		if err != nil {
			return nil, err
		}
		resp, err := w.once(req, body)
		if err != nil || attempt >= maxReadRetries ||
			judgeLogin(resp.StatusCode, resp.Header.Get("X-Auth-Token") != "", peek(resp)) != loginFailed {
			return resp, err
		}
		wait, again := w.again(ctx, resp, nil, attempt)
		if !again {
			return resp, nil
		}
		if err := w.pause(ctx, wait); err != nil {
			return nil, err
		}
	}
}

// unread reports whether a login was refused before anybody looked at it: a service that
// wants Basic even here, against DSP0266 13.3.4.1 (HPE's ilo-redfish-emulator), refuses what
// is no JSON, and so nobody's login, in the same words.
func (w *wire) unread(ctx context.Context, denied *http.Response, answer []byte) bool {
	challenge := strings.ToLower(denied.Header.Get("WWW-Authenticate"))
	if denied.StatusCode != http.StatusUnauthorized || !strings.HasPrefix(challenge, "basic") {
		return false
	}
	req, err := w.loginRequest(ctx, nil)
	if err != nil {
		return false
	}
	resp, err := w.once(req, []byte("{"))
	return err == nil && resp.StatusCode == denied.StatusCode && bytes.Equal(peek(resp), answer)
}

func (w *wire) loginRequest(ctx context.Context, login map[string]string) (*http.Request, error) {
	payload, err := json.Marshal(login)
	if err != nil {
		return nil, err
	}
	target, err := w.base.Parse(w.sessions)
	if err != nil {
		return nil, fault.Conflictf("the BMC's address of sessions is not one")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target.String(), bytes.NewReader(payload))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	return req, nil
}

// sessionURI is the path of the new session, from Location or the body; empty when the
// BMC does not tell. Some send a full URL in Location, of which only the path is ours.
func sessionURI(resp *http.Response, body []byte) string {
	for _, s := range []string{resp.Header.Get("Location"), odataID(body)} {
		if u, err := url.Parse(s); err == nil && strings.HasPrefix(u.Path, "/") {
			return u.Path
		}
	}
	return ""
}

func (w *wire) authorize(req *http.Request) {
	if w.expired && isRoot(req) { // some refuse even that to a session that must change its password
		return
	}
	switch w.kind {
	case byToken:
		req.Header.Set("X-Auth-Token", w.token)
	case byPassword:
		req.SetBasicAuth(w.access.Username, w.access.Password)
	}
}

// logout deletes the session. It has its own short deadline, because callers close when
// their own is over, and refuses everything after it.
func (w *wire) logout(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), min(w.timing.Request, 10*time.Second))
	defer cancel()
	if err := w.take(ctx); err != nil {
		return err
	}
	defer w.release()
	kind, uri := w.kind, w.uri
	if w.refused == nil {
		w.refused = fault.Conflictf("the connection to BMC %s is closed", w.access.Address)
	}
	w.endStreams()
	defer w.raw.CloseIdleConnections()
	if kind != byToken || uri == "" {
		return nil
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodDelete, w.base.JoinPath("/").String(), http.NoBody)
	if err != nil {
		return err
	}
	req.URL.Path = uri
	resp, err := w.once(req, nil)
	w.kind, w.token, w.uri = anonymous, "", ""
	if err != nil {
		return err
	}
	gone := []int{http.StatusUnauthorized, http.StatusNotFound}
	if resp.StatusCode >= 300 && !slices.Contains(gone, resp.StatusCode) {
		return refusal(resp.StatusCode, peek(resp))
	}
	return nil
}

// verdict is what an answer to a login means.
type verdict uint8

const (
	loginFailed verdict = iota // not now
	loginDone
	loginBasic   // no session to be had, the password was not judged
	loginDenied  // wrong name or password
	loginExpired // right, but the BMC wants a new one first
)

// judgeLogin reads an answer to POST Sessions. The order matters: a full session table
// is said with 400, 403, 500 or 503 depending on the vendor.
func judgeLogin(status int, token bool, body []byte) verdict {
	has := func(id string) bool { return bytes.Contains(body, []byte(id)) }
	switch {
	case has("PasswordChangeRequired"): // also with 201 and a token that may do nothing else (DSP0266 13.3.7)
		return loginExpired
	case status < 300 && token:
		return loginDone
	case slices.ContainsFunc(sessionLimitMessages(), has):
		return loginBasic
	case status == http.StatusUnauthorized, status == http.StatusForbidden,
		slices.ContainsFunc(wrongPasswordMessages(), has):
		return loginDenied
	case status < 300, status == http.StatusNotFound, status == http.StatusMethodNotAllowed, status == http.StatusNotImplemented:
		return loginBasic
	}
	return loginFailed
}
