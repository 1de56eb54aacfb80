package redfish

import (
	"net/http"
	"strconv"
	"time"
)

// lockoutTime is how long an account stays locked, and after which its wrong passwords are
// forgotten, until somebody sets it otherwise.
const lockoutTime = 5 * time.Minute

// maxWrong is how many names' wrong passwords are counted.
const maxWrong = 256

// lockout locks accounts after wrong passwords. accounts guards it.
type lockout struct {
	now             func() time.Time
	threshold       int // 0: never
	duration, reset time.Duration
	wrong           map[string]*wrongs
}

// wrongs are the wrong passwords of one account.
type wrongs struct {
	count int
	last  time.Time
	until time.Time // locked
}

func (l *lockout) locked(user string) bool {
	w := l.wrong[user]
	return w != nil && l.now().Before(w.until)
}

// count notes a wrong password and tells whether it locked the account.
func (l *lockout) count(user string, known bool) bool {
	if !known || l.threshold == 0 {
		return false
	}
	w := l.wrong[user]
	if w == nil {
		if len(l.wrong) >= maxWrong {
			return false
		}
		w = &wrongs{}
		l.wrong[user] = w
	}
	if l.now().Sub(w.last) > l.reset {
		w.count = 0
	}
	w.count++
	w.last = l.now()
	if w.count < l.threshold {
		return false
	}
	w.count, w.until = 0, l.now().Add(l.duration)
	return true
}

// Sessions counts the sessions that are open.
func (s *Service) Sessions() int { return len(s.sessions.list()) }

func (a *accounts) isLocked(user string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.lockout.locked(user)
}

func (a *accounts) unlock(user string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.lockout.wrong, user)
}

// least is how long a new password must be.
func (a *accounts) least() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.shortest
}

// knows judges a user name and password that a client sent, and notes wrong ones.
func (s *Service) knows(r *http.Request, user, password string) bool {
	ok, locked := s.accounts.check(user, password)
	if !ok {
		s.note(s.bmcLog, sessionsPath, hapLoginFailed, clip(user), host(r.RemoteAddr))
	}
	if locked {
		s.note(s.bmcLog, accountsPath, hapLocked, clip(user))
	}
	return ok
}

// clip bounds what a stranger can write into the log.
func clip(user string) string {
	if len(user) > 32 {
		return user[:32] + "..."
	}
	return user
}

// renews tells whether a user whose password has expired may send the request: to look at
// and change the own account, and to log out (DSP0266 13.2.6).
func (s *Service) renews(r *http.Request, who account) bool {
	if r.URL.Path == accountsPath+"/"+who.id {
		return r.Method == http.MethodGet || r.Method == http.MethodPatch
	}
	for _, n := range s.sessions.list() {
		if n.user == who.user && r.URL.Path == sessionsPath+"/"+n.id {
			return r.Method == http.MethodGet || r.Method == http.MethodDelete
		}
	}
	return false
}

func (s *Service) accountService() body {
	b := resource(accountServicePath, "AccountService.v1_15_1.AccountService", "Account Service")
	b["ServiceEnabled"], b["Status"] = true, status(true)
	b["Accounts"], b["Roles"] = link(accountsPath), link(rolesPath)
	s.accounts.mu.Lock()
	defer s.accounts.mu.Unlock()
	l := s.accounts.lockout
	b["MinPasswordLength"], b["MaxPasswordLength"] = s.accounts.shortest, maxPassword
	b["AccountLockoutThreshold"], b["AccountLockoutDuration"] = l.threshold, int(l.duration/time.Second)
	b["AccountLockoutCounterResetAfter"] = int(l.reset / time.Second)
	return b
}

// changePolicy sets how accounts are locked and how long passwords are.
func (s *Service) changePolicy(c *changes) *problem {
	type limit struct{ value, low, high int }
	want := map[string]*limit{"AccountLockoutThreshold": {-1, 0, 100}, "AccountLockoutDuration": {-1, 0, 86400},
		"AccountLockoutCounterResetAfter": {-1, 0, 86400}, "MinPasswordLength": {-1, 1, 64}}
	for name, l := range want {
		n, given := c.number(name)
		if given && (n < l.low || n > l.high) && c.bad == nil {
			c.bad = refuse(http.StatusBadRequest, msgNotInList, strconv.Itoa(n), name)
		}
		if given {
			l.value = n
		}
	}
	if p := c.done(); p != nil {
		return p
	}
	s.accounts.mu.Lock()
	defer s.accounts.mu.Unlock()
	l := &s.accounts.lockout
	for name, to := range map[string]*int{"AccountLockoutThreshold": &l.threshold, "MinPasswordLength": &s.accounts.shortest} {
		if v := want[name].value; v >= 0 {
			*to = v
		}
	}
	for name, to := range map[string]*time.Duration{"AccountLockoutDuration": &l.duration, "AccountLockoutCounterResetAfter": &l.reset} {
		if v := want[name].value; v >= 0 {
			*to = time.Duration(v) * time.Second
		}
	}
	return nil
}
