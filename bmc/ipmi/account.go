package ipmi

import (
	"context"
	"strconv"

	library "github.com/bougou/go-ipmi"

	"rackwright/bmc"
	"rackwright/fault"
)

// maxUserID is the last that fits the six bits of a user ID (IPMI 2.0, 22.27).
const maxUserID = 63

// settable is the longest password that is written, in bytes: that of IPMI 1.5. The 20
// bytes of 2.0 are optional (22.30), and there are BMCs that say yes to them and open to
// neither the new nor the old password then, OpenIPMI's among them.
const settable = 16

// user is a slot of the BMC's table that has a name.
type user struct {
	id     uint8
	name   string
	access *library.GetUserAccessResponse // on the channel we came in by
}

// Accounts lists the users that have a name (22.27, 22.29). User 1, who has none by
// definition, is left out.
func (c *Controller) Accounts(ctx context.Context) ([]bmc.Account, error) {
	var out []bmc.Account
	err := c.read(ctx, "list its users", func(ctx context.Context, cl *library.Client) error {
		list, err := users(ctx, cl)
		out = nil
		for _, u := range list {
			out = append(out, bmc.Account{ID: strconv.Itoa(int(u.id)), Name: tidy([]byte(u.name)), Role: role(u.access.MaxPrivLevel), Enabled: enabled(u.access)})
		}
		return err
	})
	return out, err
}

func users(ctx context.Context, cl *library.Client) (out []user, err error) {
	for id, last := uint8(1), uint8(1); id <= last; id++ {
		access, err := cl.GetUserAccess(ctx, thisChannel, id)
		if err != nil {
			if id > 1 && missing(err) {
				continue
			}
			return nil, err
		}
		last = min(max(last, access.MaxUsersIDCount&maxUserID), maxUserID)
		name, err := cl.GetUsername(ctx, id)
		switch {
		case err != nil && !missing(err):
			return nil, err
		case err == nil && name.Username != "":
			out = append(out, user{id, name.Username, access})
		}
	}
	return out, nil
}

// enabled reports whether a user may log in. BMCs of before errata 3 do not tell whether
// the user is switched off, only what it may (22.27).
func enabled(a *library.GetUserAccessResponse) bool {
	const switchedOff = 2
	return a.EnableStatus != switchedOff && a.IPMIMessagingEnabled && role(a.MaxPrivLevel) != "none"
}

// role is a privilege in Redfish's words.
func role(p library.PrivilegeLevel) string {
	switch p {
	case library.PrivilegeLevelAdministrator, library.PrivilegeLevelOEM:
		return "Administrator"
	case library.PrivilegeLevelOperator:
		return "Operator"
	case library.PrivilegeLevelUser, library.PrivilegeLevelCallback:
		return "ReadOnly"
	}
	return "none"
}

// SetPassword changes a user's password (22.30). Ours is used from then on; that the BMC
// really has it only another Dial tells.
func (c *Controller) SetPassword(ctx context.Context, name, password string) error {
	if password == "" || len(password) > settable {
		return fault.Invalidf("BMC %s: a password that is set over IPMI has 1 to %d bytes", c.access.Address, settable).WithHint("choose another")
	}
	id, err := c.userID(ctx, name)
	if err != nil {
		return err
	}
	return c.write(ctx, "change a password", func(ctx context.Context, cl *library.Client) error {
		_, err := cl.SetUserPassword(ctx, id, password, false)
		if err == nil && name == c.access.Username {
			c.access.Password = password
		}
		return err
	})
}

// DisableAccount keeps a user from logging in (22.30).
func (c *Controller) DisableAccount(ctx context.Context, name string) error {
	if name == c.access.Username {
		return fault.Conflictf("user %q of BMC %s is our own", name, c.access.Address).WithHint("log in as another user first")
	}
	id, err := c.userID(ctx, name)
	if err != nil {
		return err
	}
	return c.write(ctx, "disable a user", func(ctx context.Context, cl *library.Client) error { return cl.DisableUser(ctx, id) })
}

func (c *Controller) userID(ctx context.Context, name string) (id uint8, err error) {
	err = c.read(ctx, "list its users", func(ctx context.Context, cl *library.Client) error {
		list, err := users(ctx, cl)
		for _, u := range list {
			if u.name == name {
				id = u.id
				return nil
			}
		}
		return err
	})
	if err == nil && id == 0 {
		err = fault.NotFoundf("BMC %s has no user %q", c.access.Address, name).WithHint("'rackwright bmc accounts MACHINE' lists them")
	}
	return id, err
}
