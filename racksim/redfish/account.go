package redfish

import (
	"crypto/subtle"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
)

// Privileges of Redfish (DSP0266 13.4).
const (
	configureManager    = "ConfigureManager"
	configureUsers      = "ConfigureUsers"
	configureComponents = "ConfigureComponents"
	configureSelf       = "ConfigureSelf"
)

// privileges is what each standard role may do.
func privileges(role string) []string {
	switch role {
	case "Administrator":
		return []string{"Login", configureManager, configureUsers, configureComponents, configureSelf}
	case "Operator":
		return []string{"Login", configureComponents, configureSelf}
	case "ReadOnly":
		return []string{"Login", configureSelf}
	}
	return nil
}

// roles in the order they are listed.
func roles() []string { return []string{"Administrator", "Operator", "ReadOnly"} }

// Limits of accounts.
const (
	maxAccounts = 16
	maxPassword = 128
	minPassword = 8
)

type account struct {
	id, user, role, password string
	enabled                  bool
	expired                  bool // its password must be changed before anything else
}

// accounts are the BMC's users. Account 1 is the rack file's. Safe for concurrent use.
type accounts struct {
	mu       sync.Mutex
	all      []account
	lockout  lockout
	shortest int // characters of a new password
}

func (s *Service) newAccounts() *accounts {
	bmc := s.Machine.BMC
	first := account{id: "1", user: bmc.Username, role: "Administrator", password: bmc.Password, enabled: true, expired: bmc.Expired}
	s.memory.look(func(k *kept) { first.expired = first.expired && !k.Renewed })
	return &accounts{all: []account{first}, shortest: minPassword,
		lockout: lockout{now: s.Now, threshold: bmc.Lockout, duration: lockoutTime, reset: lockoutTime, wrong: map[string]*wrongs{}}}
}

// check compares in constant time, also when the user is unknown, and counts what is wrong.
// locked: this one made the account locked.
func (a *accounts) check(user, password string) (ok, locked bool) {
	who, known := a.find(func(o account) bool { return o.user == user })
	same := subtle.ConstantTimeCompare([]byte(who.password), []byte(password)) == 1
	a.mu.Lock()
	defer a.mu.Unlock()
	if known && a.lockout.locked(user) {
		return false, false
	}
	if known && same && who.enabled {
		delete(a.lockout.wrong, user)
		return true, false
	}
	return false, a.lockout.count(user, known)
}

func (a *accounts) find(match func(account) bool) (account, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if i := slices.IndexFunc(a.all, match); i >= 0 {
		return a.all[i], true
	}
	return account{}, false
}

func (a *accounts) byID(id string) (account, bool) {
	return a.find(func(o account) bool { return o.id == id })
}

func (a *accounts) list() []account {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.all)
}

// replace stores a changed account.
func (a *accounts) replace(n account) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if i := slices.IndexFunc(a.all, func(o account) bool { return o.id == n.id }); i >= 0 {
		a.all[i] = n
	}
}

// add gives the account the lowest free id; a problem when it cannot be added.
func (a *accounts) add(n account) (account, *problem) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if slices.ContainsFunc(a.all, func(o account) bool { return o.user == n.user }) {
		return n, refuse(http.StatusBadRequest, msgAlreadyExists, "ManagerAccount", "UserName", n.user)
	}
	if len(a.all) >= maxAccounts {
		return n, &problem{status: http.StatusBadRequest, notice: msgGeneralError, detail: "no free account slot"}
	}
	for id := 1; n.id == ""; id++ {
		if !slices.ContainsFunc(a.all, func(o account) bool { return o.id == strconv.Itoa(id) }) {
			n.id = strconv.Itoa(id)
		}
	}
	a.all = append(a.all, n)
	return n, nil
}

func (a *accounts) remove(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all = slices.DeleteFunc(a.all, func(o account) bool { return o.id == id })
}

// authenticate finds out who sends a request, by session token or HTTP Basic.
func (s *Service) authenticate(r *http.Request) (account, *problem) {
	var user string
	ok := false
	if token := r.Header.Get("X-Auth-Token"); token != "" {
		user, ok = s.sessions.user(token)
	} else if name, password, basic := r.BasicAuth(); basic {
		user, ok = name, s.knows(r, name, password)
	}
	who, known := s.accounts.find(func(o account) bool { return o.user == user })
	if !ok || !known || !who.enabled {
		return account{}, refuse(http.StatusUnauthorized, msgNoAccess, r.URL.Path, "no valid credentials")
	}
	return who, nil
}

func (s *Service) allowed(r *http.Request, privilege string) *problem {
	if slices.Contains(privileges(caller(r.Context()).role), privilege) {
		return nil
	}
	return refuse(http.StatusForbidden, msgNoPrivilege)
}

func host(remote string) string {
	h, _, err := net.SplitHostPort(remote)
	if err != nil {
		return remote
	}
	return h
}
