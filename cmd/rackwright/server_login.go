package main

import (
	"os"
	"strings"
	"time"

	"rackwright/access"
	"rackwright/access/oidc"
	"rackwright/api"
	"rackwright/config"
	"rackwright/fault"
)

// logins knows people by the provider of the configuration; nil when there is none.
func logins(c config.OIDC) (api.Logins, error) {
	if c.Issuer == "" {
		return nil, nil
	}
	o := oidc.Options{Issuer: c.Issuer, ClientID: c.ClientID, Scopes: c.Scopes, NameClaim: c.NameClaim, GroupsClaim: c.GroupsClaim,
		Session: time.Duration(c.SessionHours) * time.Hour, Now: time.Now}
	for path, text := range map[string]*string{c.CA: &o.CA, c.ClientSecretFile: &o.Secret} {
		if path == "" {
			continue
		}
		b, err := os.ReadFile(path)
		if err != nil || len(strings.TrimSpace(string(b))) == 0 {
			return nil, fault.Invalidf("oidc: %s cannot be read, or is empty", path).WithHint("let the server's user read it")
		}
		*text = strings.TrimSpace(string(b))
	}
	for _, g := range c.Groups {
		o.Groups = append(o.Groups, oidc.Group{Group: g.Group, Role: access.Role(g.Role), Scope: access.Scope{Sites: g.Sites, Racks: g.Racks, Projects: g.Projects}})
	}
	j, err := oidc.New(o)
	if err != nil {
		return nil, err
	}
	return j, nil
}
