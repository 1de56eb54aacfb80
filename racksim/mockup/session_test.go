package mockup

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestTheSessionTableIsAsLargeAsTheVendors(t *testing.T) {
	vendors(t, func(t *testing.T, c *client) {
		login := func() answer {
			return c.do("POST", c.bmc.services.sessions, `{"UserName": "`+user+`", "Password": "`+password+`"}`, "Anonymous", "yes")
		}
		var last answer
		for range c.bmc.habits.sessions {
			if last = login(); last.status != 201 {
				t.Fatalf("login: %d %s", last.status, last.text)
			}
		}
		full := login()
		if full.status != c.bmc.habits.full.status || !strings.Contains(full.text, c.bmc.habits.full.message) {
			t.Errorf("one more: %d %s", full.status, full.text)
		}
		location := last.header.Get("Location")
		if whole := strings.HasPrefix(location, "https://"); whole != c.bmc.habits.fullLocation {
			t.Errorf("Location is %s", location)
		}
		token := last.header.Get("X-Auth-Token")
		uri := strings.TrimSuffix(location[strings.Index(location, root):], "/")
		c.must(204, "DELETE", uri, "", "X-Auth-Token", token)
		c.must(401, "GET", c.bmc.host, "", "X-Auth-Token", token)
		if a := login(); a.status != 201 {
			t.Errorf("after a logout: %d", a.status)
		}
		c.clock.forward(24 * time.Hour)
		if a := login(); a.status != 201 || c.bmc.Sessions() != 1 {
			t.Errorf("a day later: %d, %d sessions", a.status, c.bmc.Sessions())
		}
	})
}

func TestOnlyTheRootIsOpen(t *testing.T) {
	c := bench(t, "dell-idrac9")
	for uri, want := range map[string]int{"/redfish": 200, root: 200, root + "/": 200, root + "/Systems": 401, c.bmc.host: 401} {
		c.must(want, "GET", uri, "", "Anonymous", "yes")
	}
	c.must(401, "PATCH", root, `{}`, "Anonymous", "yes")
	c.must(401, "GET", c.bmc.host, "", "Authorization", "Basic nonsense")
	c.must(401, "GET", c.bmc.host, "", "X-Auth-Token", "none of ours")
	if a := c.do("POST", c.bmc.services.sessions, `{"UserName": "`+user+`", "Password": ""}`, "Anonymous", "yes"); a.status != 401 {
		t.Errorf("an empty password: %d", a.status)
	}
	for _, account := range members(c.get(c.bmc.services.accounts).body, "Members") {
		if c.get(account).body["Password"] != nil {
			t.Errorf("%s shows its password", account)
		}
	}
}

func TestAccountsAreMadeAndDellHasSlots(t *testing.T) {
	vendors(t, func(t *testing.T, c *client) {
		accounts := c.bmc.services.accounts
		made := `{"UserName": "second", "Password": "Abcdefg-12345", "RoleId": "ReadOnly"}`
		uri := accounts + "/3"
		if c.bmc.habits.slots {
			c.must(405, "POST", accounts, made)
			c.patch(200, uri, `{"UserName": "second", "Password": "Abcdefg-12345", "RoleId": "ReadOnly", "Enabled": true}`)
			c.must(405, "DELETE", uri, "")
		} else {
			uri = c.must(201, "POST", accounts, made).header.Get("Location")
			c.must(400, "POST", accounts, made)
			c.must(400, "POST", accounts, `{"UserName": "third", "Password": "short", "RoleId": "ReadOnly"}`)
			c.must(400, "POST", accounts, `{"UserName": "third", "Password": "Abcdefg-12345", "RoleId": "King"}`)
			c.must(400, "POST", accounts, `{"UserName": "third"}`)
		}
		login := fmt.Sprintf(`{"UserName": "second", "Password": %q}`, "Abcdefg-12345")
		token := c.must(201, "POST", c.bmc.services.sessions, login).header.Get("X-Auth-Token")
		c.must(200, "GET", c.bmc.host, "", "X-Auth-Token", token)
		c.must(403, "POST", textAt(c.bmc.get(c.bmc.host), "Actions", "#ComputerSystem.Reset", "target"), `{"ResetType": "ForceOff"}`, "X-Auth-Token", token)
		c.patch(c.bmc.habits.patchAnswer, uri, `{"Enabled": false}`)
		if c.bmc.Knows("second", "Abcdefg-12345") {
			t.Error("a disabled account logs in")
		}
	})
}

func TestAnExpiredPasswordOpensItsOwnAccountOnly(t *testing.T) {
	var saved string
	c := bench(t, "ami-megarac", func(cfg *Config) {
		cfg.Expired = true
		cfg.SavePassword = func(p string) error { saved = p; return nil }
	})
	a := c.must(201, "POST", c.bmc.services.sessions, `{"UserName": "`+user+`", "Password": "`+password+`"}`)
	token := a.header.Get("X-Auth-Token")
	if !strings.Contains(a.text, "PasswordChangeRequired") {
		t.Errorf("the login says %s", a.text)
	}
	if b := c.must(403, "GET", c.bmc.host, "", "X-Auth-Token", token); !strings.Contains(b.text, "PasswordChangeRequired") {
		t.Errorf("a read says %s", b.text)
	}
	own := c.bmc.caller(requestWith(token))
	tag := c.must(200, "GET", own, "", "X-Auth-Token", token).header.Get("ETag")
	c.must(204, "PATCH", own, `{"Password": "another-one-77"}`, "X-Auth-Token", token, "If-Match", tag)
	c.must(200, "GET", c.bmc.host, "", "X-Auth-Token", token)
	if saved != "another-one-77" || c.bmc.Knows(user, password) {
		t.Errorf("saved %q", saved)
	}
}
