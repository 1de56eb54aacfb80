package faults

import (
	"bytes"
	"net/http"
)

// maxSaid is how much of an answer to a login is looked at.
const maxSaid = 4 << 10

// judge hands a request on and counts logins that fail, by session and by HTTP Basic. A
// login that succeeds starts the count of a lock-out over, as it does at real BMCs.
func (s *Set) judge(w http.ResponseWriter, r *http.Request, next http.Handler) {
	tries := login(r) || r.Header.Get("Authorization") != "" && r.Header.Get("X-Auth-Token") == ""
	if !tries {
		next.ServeHTTP(w, r)
		return
	}
	if s.locked(r) {
		refuse(w, http.StatusUnauthorized, "Base.1.18.ResourceAtUriUnauthorized")
		return
	}
	seen := &status{ResponseWriter: w, code: http.StatusOK}
	next.ServeHTTP(seen, r)
	s.mu.Lock()
	defer s.mu.Unlock()
	if seen.code == http.StatusUnauthorized || login(r) && seen.denies() {
		s.logins++
		s.refused++
		return
	}
	s.logins = 0
}

// locked reports whether a lock-out is in force.
func (s *Set) locked(r *http.Request) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.all {
		if a.Kind == Lockout && s.logins >= a.After && a.about(r.Method, r.URL.Path) && s.take(a) {
			return true
		}
	}
	return false
}

// status remembers what was answered.
type status struct {
	http.ResponseWriter
	code int
	said []byte // the first of the body
}

func (s *status) WriteHeader(code int) { s.code = code; s.ResponseWriter.WriteHeader(code) }

func (s *status) Write(p []byte) (int, error) {
	if len(s.said) < maxSaid {
		s.said = append(s.said, p[:min(len(p), maxSaid)]...)
	}
	return s.ResponseWriter.Write(p)
}

// denies reports whether a login was judged: some say 400 or 403 to a wrong password, and
// some the same to the last session.
func (s *status) denies() bool {
	if s.code != http.StatusBadRequest && s.code != http.StatusForbidden {
		return false
	}
	full := bytes.Contains(s.said, []byte("Limit")) || bytes.Contains(s.said, []byte("RAC0218"))
	return !full && !bytes.Contains(s.said, []byte("Malformed"))
}

// Unwrap lets http.ResponseController flush through it.
func (s *status) Unwrap() http.ResponseWriter { return s.ResponseWriter }
