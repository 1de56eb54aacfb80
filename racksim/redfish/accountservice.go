package redfish

import (
	"net/http"
	"slices"
)

const (
	accountServicePath = "/redfish/v1/AccountService"

	accountsPath = "/redfish/v1/AccountService/Accounts"
	rolesPath    = "/redfish/v1/AccountService/Roles"
)

func (s *Service) routeAccounts() {
	s.get(accountServicePath, s.accountService)
	s.patch(accountServicePath, configureUsers, s.accountService, s.changePolicy)
	s.collection(rolesPath, "RoleCollection", "Roles", func() []body {
		var all []body
		for _, role := range roles() {
			b := resource(rolesPath+"/"+role, "Role.v1_3_2.Role", role)
			b["RoleId"], b["IsPredefined"], b["AssignedPrivileges"] = role, true, privileges(role)
			all = append(all, b)
		}
		return all
	})
	s.collection(accountsPath, "ManagerAccountCollection", "Accounts", func() []body {
		var all []body
		for _, a := range s.accounts.list() {
			all = append(all, s.accountBody(a))
		}
		return all
	})
	s.mux.HandleFunc("POST "+accountsPath, s.createAccount)
	s.mux.HandleFunc("PATCH "+accountsPath+"/{id}", s.changeAccount)
	s.mux.HandleFunc("DELETE "+accountsPath+"/{id}", s.deleteAccount)
}

func (s *Service) accountBody(a account) body {
	b := resource(accountsPath+"/"+a.id, "ManagerAccount.v1_12_1.ManagerAccount", "User Account")
	b["UserName"], b["RoleId"], b["Enabled"], b["Locked"], b["Password"] = a.user, a.role, a.enabled, s.accounts.isLocked(a.user), nil
	b["PasswordChangeRequired"] = a.expired
	b["AccountTypes"] = []string{"Redfish"}
	b["Links"] = body{"Role": link(rolesPath + "/" + a.role)}
	return b
}

// takeAccount reads the properties of an account over those it has.
func takeAccount(c *changes, a account) (account, *problem) {
	if user, ok := c.text("UserName"); ok {
		a.user = user
	}
	if role, ok := c.text("RoleId"); ok {
		a.role = role
	}
	if password, ok := c.text("Password"); ok {
		a.password = password
	}
	if enabled, ok := c.flag("Enabled"); ok {
		a.enabled = enabled
	}
	if expired, ok := c.flag("PasswordChangeRequired"); ok {
		a.expired = expired
	}
	_, _ = c.list("AccountTypes") // all are for Redfish
	if p := c.done(); p != nil {
		return a, p
	}
	switch {
	case a.user == "" || len(a.user) > 32:
		return a, refuse(http.StatusBadRequest, msgNotInList, a.user, "UserName")
	case !slices.Contains(roles(), a.role):
		return a, refuse(http.StatusBadRequest, msgNotInList, a.role, "RoleId")
	}
	return a, nil
}

// goodPassword judges a new password without repeating it.
func (s *Service) goodPassword(password string) *problem {
	if len(password) < s.accounts.least() || len(password) > maxPassword {
		return refuse(http.StatusBadRequest, msgNotInList, "******", "Password")
	}
	return nil
}

func (s *Service) createAccount(w http.ResponseWriter, r *http.Request) {
	p := s.allowed(r, configureUsers)
	var a account
	if p == nil {
		var sent body
		if sent, p = readObject(r); p == nil {
			a, p = takeAccount(&changes{sent: sent}, account{enabled: true})
		}
	}
	if p == nil {
		p = s.goodPassword(a.password)
	}
	if p == nil {
		a, p = s.accounts.add(a)
	}
	if p != nil {
		p.write(w)
		return
	}
	s.note(s.bmcLog, accountsPath+"/"+a.id, hapAccount, a.user)
	w.Header().Set("Location", accountsPath+"/"+a.id)
	writeJSON(w, http.StatusCreated, s.accountBody(a))
}

func (s *Service) changeAccount(w http.ResponseWriter, r *http.Request) {
	old, ok := s.accounts.byID(r.PathValue("id"))
	if !ok {
		refuse(http.StatusNotFound, msgURINotFound, r.URL.Path).write(w)
		return
	}
	p := checkMatch(r, s.accountBody(old))
	if p == nil {
		p = s.change(r, old)
	}
	if p != nil {
		p.write(w)
		return
	}
	changed, _ := s.accounts.byID(old.id)
	writeResource(w, r, s.accountBody(changed))
}

func (s *Service) change(r *http.Request, old account) *problem {
	sent, p := readObject(r)
	if p != nil {
		return p
	}
	c := &changes{sent: sent}
	lock, unlocks := c.flag("Locked")
	if unlocks && lock && c.bad == nil {
		return refuse(http.StatusBadRequest, msgNotInList, "true", "Locked") // only wrong passwords lock
	}
	a, p := takeAccount(c, old)
	if p != nil {
		return p
	}
	own := caller(r.Context()).id == old.id && a.user == old.user && a.role == old.role && a.enabled == old.enabled && !unlocks
	if p := s.allowed(r, configureUsers); p != nil && !own {
		return p
	}
	if old.id == "1" && (!a.enabled || a.role != "Administrator") {
		return refuse(http.StatusBadRequest, msgReadOnly, "RoleId")
	}
	if _, taken := s.accounts.find(func(o account) bool { return o.user == a.user && o.id != a.id }); taken {
		return refuse(http.StatusBadRequest, msgAlreadyExists, "ManagerAccount", "UserName", a.user)
	}
	if a.password != old.password {
		if p := s.goodPassword(a.password); p != nil {
			return p
		}
		a.expired = false
		if old.id == "1" {
			if err := s.SavePassword(a.password); err != nil {
				return fromFault(err)
			}
			s.memory.change(func(k *kept) { k.Renewed = true })
		}
		s.sessions.end(func(n session) bool { return n.user == old.user && n.user != caller(r.Context()).user })
	}
	s.accounts.replace(a)
	if unlocks {
		s.accounts.unlock(a.user)
	}
	s.note(s.bmcLog, accountsPath+"/"+a.id, hapAccount, a.user)
	return nil
}

func (s *Service) deleteAccount(w http.ResponseWriter, r *http.Request) {
	p := s.allowed(r, configureUsers)
	a, ok := s.accounts.byID(r.PathValue("id"))
	switch {
	case p != nil:
	case !ok:
		p = refuse(http.StatusNotFound, msgURINotFound, r.URL.Path)
	case a.id == "1":
		p = refuse(http.StatusBadRequest, msgInUse)
	}
	if p != nil {
		p.write(w)
		return
	}
	s.accounts.remove(a.id)
	s.note(s.bmcLog, accountsPath, hapAccount, a.user)
	s.sessions.end(func(n session) bool { return n.user == a.user })
	w.WriteHeader(http.StatusNoContent)
}
