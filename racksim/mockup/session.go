package mockup

import (
	"crypto/rand"
	"crypto/subtle"
	"net/http"
	"slices"
	"strings"
	"time"
)

// session is one login.
type session struct {
	uri, account, token string
	used                time.Time
}

// secret is what an account's owner knows.
type secret struct {
	password string
	expired  bool // the password must be changed first
}

// admit lets a request in: those that need no account (DSP0266 13.3.2), else by session
// token or HTTP Basic.
func (b *BMC) admit(c *call) *refusal {
	login := c.r.Method == http.MethodPost && strings.TrimSuffix(c.uri, "/Members") == b.services.sessions && b.services.sessions != ""
	reads := c.r.Method == http.MethodGet || c.r.Method == http.MethodHead
	open := slices.Contains([]string{"/redfish", root, root + "/odata", root + "/$metadata"}, c.uri)
	if login || open && reads {
		return nil
	}
	c.user = b.caller(c.r)
	if c.user == "" {
		return refuse(http.StatusUnauthorized, "NoValidSession", "There is no valid session established with the implementation.")
	}
	if b.users[c.user].expired && !b.meanwhile(c) {
		return refuse(http.StatusForbidden, "PasswordChangeRequired", "The password provided for this account must be changed before access is granted. PATCH the Password property for this account located at the target URI '%s' to complete this process.", c.user)
	}
	if !reads && textAt(b.get(c.user), "RoleId") == "ReadOnly" && c.uri != c.user && !b.ownSession(c) {
		return refuse(http.StatusForbidden, "InsufficientPrivilege", "There are insufficient privileges for the account or credentials associated with the current session to perform the requested operation.")
	}
	return nil
}

// meanwhile is what may be done before an expired password is changed (DSP0266 13.3.7).
func (b *BMC) meanwhile(c *call) bool {
	return c.uri == c.user && c.r.Method != http.MethodDelete || b.ownSession(c)
}

func (b *BMC) ownSession(c *call) bool {
	return slices.ContainsFunc(b.sessions, func(s session) bool { return s.uri == c.uri && s.account == c.user })
}

// caller is the account of a request, or "".
func (b *BMC) caller(r *http.Request) string {
	if token := r.Header.Get("X-Auth-Token"); token != "" {
		b.expire()
		for i := range b.sessions {
			if subtle.ConstantTimeCompare([]byte(b.sessions[i].token), []byte(token)) == 1 {
				b.sessions[i].used = b.cfg.Now()
				return b.sessions[i].account
			}
		}
		return ""
	}
	if name, password, ok := r.BasicAuth(); ok {
		return b.known(name, password)
	}
	return ""
}

// known is the enabled account of that name and password, or "".
func (b *BMC) known(name, password string) (found string) {
	for uri, s := range b.users {
		a := b.get(uri)
		same := subtle.ConstantTimeCompare([]byte(s.password), []byte(password)) == 1
		if same && name != "" && textAt(a, "UserName") == name && at(a, "Enabled") != false && at(a, "Locked") != true {
			found = uri
		}
	}
	return found
}

// expire ends sessions that nobody used for as long as the tree says, or 30 minutes.
func (b *BMC) expire() {
	idle := 30 * time.Minute
	if n := whole(b.get(follow(b.get(root), "SessionService")), "SessionTimeout"); n > 0 {
		idle = time.Duration(n) * time.Second
	}
	b.endSessions(func(s session) bool { return b.cfg.Now().Sub(s.used) > idle })
}

func (b *BMC) endSessions(which func(session) bool) {
	b.sessions = slices.DeleteFunc(b.sessions, func(s session) bool {
		if which(s) {
			b.remove(s.uri)
			return true
		}
		return false
	})
}

func (b *BMC) login(c *call) reply {
	account := b.known(textAt(c.body, "UserName"), textAt(c.body, "Password"))
	if account == "" {
		return b.habits.badLogin.reply()
	}
	b.expire()
	if len(b.sessions) >= b.habits.sessions {
		return b.habits.full.reply()
	}
	id := b.next(b.services.sessions)
	made := body{"@odata.type": "#Session.v1_6_0.Session", "Name": "User Session", "UserName": c.body["UserName"]}
	s := session{uri: b.add(b.services.sessions, id, made), account: account, token: rand.Text(), used: b.cfg.Now()}
	b.sessions = append(b.sessions, s)
	out := reply{status: http.StatusCreated, body: clone(made).(body)}
	if b.users[account].expired {
		out.body["@Message.ExtendedInfo"] = []any{body{"MessageId": registry + "PasswordChangeRequired", "MessageArgs": []any{account},
			"Message": "The password provided for this account must be changed before access is granted."}}
	}
	out.set("X-Auth-Token", s.token)
	location := s.uri
	if b.habits.fullLocation {
		location = "https://" + c.r.Host + s.uri + "/"
	}
	out.set("Location", location)
	return out
}

func (b *BMC) logout(c *call) reply {
	b.endSessions(func(s session) bool { return s.uri == c.uri })
	return none()
}
