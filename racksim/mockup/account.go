package mockup

import (
	"net/http"
	"strings"
)

// maxAccounts is how many accounts can be made.
const maxAccounts = 32

// seedAccounts gives the first account its password. It is the one of that name, else the
// first that has a name at all, renamed.
func (b *BMC) seedAccounts() {
	first := ""
	for _, uri := range members(b.get(b.services.accounts), "Members") {
		name := textAt(b.get(uri), "UserName")
		if name == b.cfg.Username {
			first = uri
			break
		}
		if name != "" && first == "" {
			first = uri
		}
	}
	if first == "" && b.services.accounts != "" {
		first = b.add(b.services.accounts, b.next(b.services.accounts), body{
			"@odata.type": "#ManagerAccount.v1_12_0.ManagerAccount", "Name": "User Account", "Password": nil})
	}
	if a := b.edit(first); a != nil {
		a["UserName"], a["Enabled"], a["RoleId"] = b.cfg.Username, true, "Administrator"
		delete(a, "Locked")
	} else {
		first = "/redfish/v1#account" // the tree has no accounts: one that nobody can read
		b.changed[first] = body{"UserName": b.cfg.Username, "RoleId": "Administrator"}
	}
	b.users[first] = secret{b.cfg.Password, b.cfg.Expired}
}

func (b *BMC) createAccount(c *call) reply {
	if b.habits.slots {
		return b.notAllowed(&call{r: c.r, uri: root}) // PATCH a free slot instead
	}
	for _, name := range []string{"UserName", "Password", "RoleId"} {
		if textAt(c.body, name) == "" {
			return refuse(http.StatusBadRequest, "PropertyMissing", "The property '%s' is a required property and must be included in the request.", name).reply()
		}
	}
	if p := b.judgeAccount("", c.body); p != nil {
		return p.reply()
	}
	if len(members(b.get(b.services.accounts), "Members")) >= maxAccounts {
		return refuse(http.StatusBadRequest, "CreateLimitReachedForResource", "The create operation failed because the resource has reached the limit of possible resources.").reply()
	}
	password := c.body["Password"].(string)
	made := body{"@odata.type": "#ManagerAccount.v1_12_0.ManagerAccount", "Name": "User Account", "Enabled": true}
	merge(made, c.body)
	made["Password"] = nil
	uri := b.add(b.services.accounts, b.next(b.services.accounts), made)
	b.users[uri] = secret{password: password}
	out := reply{status: http.StatusCreated, body: made}
	out.set("Location", uri)
	return out
}

// judgeAccount looks at what is asked of an account; self is empty for a new one.
func (b *BMC) judgeAccount(self string, sent body) *refusal {
	if name, ok := sent["UserName"].(string); ok && name != "" {
		for _, uri := range members(b.get(b.services.accounts), "Members") {
			if uri != self && textAt(b.get(uri), "UserName") == name {
				return refuse(http.StatusBadRequest, "ResourceAlreadyExists", "The requested resource of type ManagerAccount with the property UserName with the value '%s' already exists.", name)
			}
		}
	}
	if password, ok := sent["Password"].(string); ok {
		service := b.get(b.services.accountService)
		least, most := max(whole(service, "MinPasswordLength"), 1), whole(service, "MaxPasswordLength")
		if len(password) < least || most > 0 && len(password) > most {
			return refuse(http.StatusBadRequest, "PropertyValueFormatError", "The value provided for the property Password is of a different format than the property can accept.")
		}
	}
	if role, ok := sent["RoleId"].(string); ok && !b.isRole(role) {
		return notInList("RoleId", role)
	}
	return nil
}

func (b *BMC) isRole(role string) bool {
	roles := members(b.get(follow(b.get(b.services.accountService), "Roles")), "Members")
	for _, uri := range roles {
		if _, id, _ := cutLast(uri); id == role {
			return true
		}
	}
	return len(roles) == 0 || b.habits.slots && role == "None"
}

// changeAccount takes a PATCH of an account; what else was sent is merged by the caller.
func (b *BMC) changeAccount(c *call) *refusal {
	if p := b.judgeAccount(c.uri, c.body); p != nil {
		return p
	}
	was := b.users[c.uri]
	password, ok := c.body["Password"].(string)
	if !ok {
		return nil
	}
	delete(c.body, "Password") // it reads null
	if strings.TrimSpace(textAt(b.get(c.uri), "UserName")+textAt(c.body, "UserName")) == "" {
		return refuse(http.StatusBadRequest, "PropertyMissing", "The property 'UserName' is a required property and must be included in the request.")
	}
	if b.cfg.SavePassword != nil && textAt(b.get(c.uri), "UserName") == b.cfg.Username {
		if err := b.cfg.SavePassword(password); err != nil {
			return refuse(http.StatusInternalServerError, "InternalError", "The password cannot be kept.")
		}
	}
	b.users[c.uri] = secret{password: password}
	if was.password != password { // others must log in anew
		mine := c.r.Header.Get("X-Auth-Token")
		b.endSessions(func(s session) bool { return s.account == c.uri && s.token != mine })
	}
	return nil
}

func (b *BMC) deleteAccount(c *call) reply {
	if b.habits.slots || c.uri == c.user {
		return refuse(http.StatusMethodNotAllowed, "ResourceCannotBeDeleted", "The delete request failed because the resource requested cannot be deleted.").reply()
	}
	b.remove(c.uri)
	delete(b.users, c.uri)
	b.endSessions(func(s session) bool { return s.account == c.uri })
	return none()
}
