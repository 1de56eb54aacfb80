package redfish

import (
	"context"
	"crypto/rand"
	"net/http"
	"sort"
	"strconv"
	"sync"
	"time"
)

const sessionsPath = "/redfish/v1/SessionService/Sessions"

// Limits of sessions, like those of real BMCs.
const (
	maxSessions       = 16
	defaultTimeout    = 30 * time.Minute
	minSessionTimeout = 30    // seconds, SessionService.SessionTimeout
	maxSessionTimeout = 86400 // seconds
)

// sessions are the open log-ins. Safe for concurrent use.
type sessions struct {
	now func() time.Time

	mu      sync.Mutex
	timeout time.Duration
	next    int
	open    map[string]*session // by token
}

type session struct {
	id, user, address string
	created, used     time.Time
}

func newSessions(now func() time.Time) *sessions {
	return &sessions{now: now, timeout: defaultTimeout, open: map[string]*session{}}
}

// create opens a session; ok is false when too many are open.
func (s *sessions) create(user, address string) (token string, opened session, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire()
	if len(s.open) >= maxSessions {
		return "", session{}, false
	}
	s.next++
	token = rand.Text()
	n := &session{id: strconv.Itoa(s.next), user: user, address: address, created: s.now(), used: s.now()}
	s.open[token] = n
	return token, *n, true
}

// user returns whose session the token is, and counts as its use.
func (s *sessions) user(token string) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire()
	n, ok := s.open[token]
	if !ok {
		return "", false
	}
	n.used = s.now()
	return n.user, true
}

func (s *sessions) expire() {
	for token, n := range s.open {
		if s.now().Sub(n.used) > s.timeout {
			delete(s.open, token)
		}
	}
}

func (s *sessions) list() []session {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire()
	var all []session
	for _, n := range s.open {
		all = append(all, *n)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].created.Before(all[j].created) || all[i].id < all[j].id })
	return all
}

// end closes the sessions that match.
func (s *sessions) end(match func(session) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for token, n := range s.open {
		if match(*n) {
			delete(s.open, token)
		}
	}
}

func (s *sessions) setTimeout(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.timeout = d
}

func (s *sessions) seconds() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return int(s.timeout / time.Second)
}

func (s *Service) routeSessions() {
	const path = "/redfish/v1/SessionService"
	build := func() body {
		b := resource(path, "SessionService.v1_1_9.SessionService", "Session Service")
		b["ServiceEnabled"], b["SessionTimeout"], b["Status"] = true, s.sessions.seconds(), status(true)
		b["Sessions"] = link(sessionsPath)
		return b
	}
	s.get(path, build)
	s.patch(path, configureManager, build, func(c *changes) *problem {
		seconds, ok := c.number("SessionTimeout")
		if p := c.done(); p != nil {
			return p
		}
		if ok && (seconds < minSessionTimeout || seconds > maxSessionTimeout) {
			return refuse(http.StatusBadRequest, msgNotInList, strconv.Itoa(seconds), "SessionTimeout")
		}
		if ok {
			s.sessions.setTimeout(time.Duration(seconds) * time.Second)
		}
		return nil
	})
	s.collection(sessionsPath, "SessionCollection", "Sessions", s.sessionBodies)
	s.mux.HandleFunc("POST "+sessionsPath, s.logIn)
	s.mux.HandleFunc("POST "+sessionsPath+"/Members", s.logIn) // both are allowed (DSP0266 13.3.4.2)
	s.mux.HandleFunc("DELETE "+sessionsPath+"/{id}", s.logOut)
}

func (s *Service) sessionBodies() []body {
	var all []body
	for _, n := range s.sessions.list() {
		all = append(all, sessionBody(n))
	}
	return all
}

func sessionBody(n session) body {
	b := resource(sessionsPath+"/"+n.id, "Session.v1_7_1.Session", "User Session")
	b["UserName"], b["ClientOriginIPAddress"] = n.user, n.address
	b["CreatedTime"] = n.created.UTC().Format(time.RFC3339)
	b["Password"] = nil // never readable
	return b
}

func (s *Service) logIn(w http.ResponseWriter, r *http.Request) {
	sent, p := readObject(r)
	if p != nil {
		p.write(w)
		return
	}
	c := &changes{sent: sent}
	user, hasUser := c.text("UserName")
	password, hasPassword := c.text("Password")
	p = c.done()
	switch {
	case p != nil:
	case !hasUser:
		p = refuse(http.StatusBadRequest, msgPropertyMissing, "UserName")
	case !hasPassword:
		p = refuse(http.StatusBadRequest, msgPropertyMissing, "Password")
	case !s.knows(r, user, password):
		p = refuse(http.StatusUnauthorized, msgNoAccess, sessionsPath, "wrong user name or password")
	}
	if p != nil {
		p.write(w)
		return
	}
	token, n, ok := s.sessions.create(user, host(r.RemoteAddr))
	if !ok {
		refuse(http.StatusServiceUnavailable, msgSessionLimit).write(w)
		return
	}
	w.Header().Set("X-Auth-Token", token)
	w.Header().Set("Location", sessionsPath+"/"+n.id)
	b := sessionBody(n)
	if who, _ := s.accounts.find(func(o account) bool { return o.user == user }); who.expired {
		b["@Message.ExtendedInfo"] = []body{refuse(0, msgPasswordChange, accountsPath+"/"+who.id).message()} // DSP0266 13.2.6
	}
	writeJSON(w, http.StatusCreated, b)
}

func (s *Service) logOut(w http.ResponseWriter, r *http.Request) {
	for _, n := range s.sessions.list() {
		if n.id != r.PathValue("id") {
			continue
		}
		if n.user != caller(r.Context()).user {
			if p := s.allowed(r, configureManager); p != nil {
				p.write(w)
				return
			}
		}
		s.sessions.end(func(o session) bool { return o.id == n.id })
		w.WriteHeader(http.StatusNoContent)
		return
	}
	refuse(http.StatusNotFound, msgURINotFound, r.URL.Path).write(w)
}

// callerKey carries who sent a request.
type callerKey struct{}

func caller(ctx context.Context) account {
	who, _ := ctx.Value(callerKey{}).(account)
	return who
}
