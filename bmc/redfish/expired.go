package redfish

import (
	"encoding/json"
	"net/http"
	"strings"

	"rackwright/fault"
)

// lapsed is what the wire knows of a password that the BMC wants changed; wire.turn guards
// it. Such a session may read and change its own account and end itself, nothing else
// (DSP0266, password change required handling).
type lapsed struct {
	expired bool
	own     string // where the BMC says our account is; may be empty
}

// mustChange is the Denied of everything else in such a session.
func (w *wire) mustChange() *fault.Error {
	return fault.Deniedf("BMC %s wants the password of %q changed first", w.access.Address, w.access.Username).
		WithHint("log in to the BMC once, set a new password and put it into the plan; claiming a BMC does so by itself")
}

// lapse notes that the password is right and expired. With a token the session is there
// and has to be ended, wanted or not.
func (w *wire) lapse(resp *http.Response, answer []byte) error {
	if token := resp.Header.Get("X-Auth-Token"); token != "" {
		w.kind, w.token, w.uri = byToken, token, sessionURI(resp, answer)
	}
	if !w.access.Expired {
		w.refused = w.mustChange()
		return w.refused
	}
	if w.kind != byToken {
		w.kind = byPassword
	}
	w.lapsed = lapsed{expired: true, own: accountOf(answer)}
	return nil
}

// accountOf finds the account in the message PasswordChangeRequired, whose argument it is
// (DMTF Base registry 1.5).
func accountOf(answer []byte) string {
	type messages struct {
		Infos []struct {
			MessageId   string //nolint:revive // Redfish's name
			MessageArgs []string
		} `json:"@Message.ExtendedInfo"`
	}
	var said struct {
		messages
		Error messages `json:"error"`
	}
	_ = json.Unmarshal(answer, &said) // then it does not say
	for _, info := range append(said.Infos, said.Error.Infos...) {
		if strings.HasSuffix(info.MessageId, "PasswordChangeRequired") && len(info.MessageArgs) > 0 {
			if at := info.MessageArgs[0]; strings.HasPrefix(at, rootPath) && len(at) <= maxText && !strings.ContainsAny(at, "?#\r\n ") {
				return at
			}
		}
	}
	return ""
}

// allows reports whether a request may go out in an expired session.
func (w *wire) allows(req *http.Request) bool {
	if !w.expired || isRoot(req) {
		return true
	}
	return strings.HasPrefix(req.URL.Path, "/redfish/v1/AccountService") || w.own != "" && req.URL.Path == w.own
}

// isRoot is a read that needs no credentials.
func isRoot(req *http.Request) bool {
	return req.Method == http.MethodGet && strings.TrimSuffix(req.URL.Path, "/") == strings.TrimSuffix(rootPath, "/")
}

// expiry tells where our account is, and whether its password has to be changed.
func (w *wire) expiry() (own string, expired bool) {
	w.turn <- struct{}{} // held for one exchange at most
	defer w.release()
	return w.own, w.expired
}

// renew is our own password from now on: a BMC that ends the session because of the change
// is logged in to with it.
func (w *wire) renew(password string) {
	w.turn <- struct{}{}
	defer w.release()
	w.access.Password = password
}

// doubt stops everything: one of two passwords is wrong, and trying locks accounts.
func (w *wire) doubt(why *fault.Error) {
	w.turn <- struct{}{}
	defer w.release()
	w.refused = why
}
