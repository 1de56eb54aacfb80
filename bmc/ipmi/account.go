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

// least is the shortest password that is written, in bytes: the hash of a shorter one,
// which RAKP gives to whoever asks, is guessed in hours.
const least = 8

// user is a slot of the BMC's table; one that is free has no name.
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
			if u.name == "" {
				continue
			}
			out = append(out, bmc.Account{ID: strconv.Itoa(int(u.id)), Name: tidy([]byte(u.name)), Role: role(u.access.MaxPrivLevel), Enabled: enabled(u.access)})
		}
		return err
	})
	return out, err
}

// users reads the whole table; the first is user 1.
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
		if err != nil {
			if !missing(err) {
				return nil, err
			}
			name = &library.GetUsernameResponse{} // 0xcc: a slot that was never used
		}
		out = append(out, user{id, name.Username, access})
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

// privileges are what a role may do on the channel.
func privileges() map[string]library.PrivilegeLevel {
	return map[string]library.PrivilegeLevel{"Administrator": library.PrivilegeLevelAdministrator, "Operator": library.PrivilegeLevelOperator, "ReadOnly": library.PrivilegeLevelUser}
}

// CreateAccount makes a user in the first free slot (22.26, 22.28, 22.30). What fails half
// way leaves no name behind, if the BMC still answers.
func (c *Controller) CreateAccount(ctx context.Context, name, password, role string) error {
	level, known := privileges()[role]
	switch {
	case !known:
		return fault.Invalidf("BMC %s: IPMI has no role %q", c.access.Address, role).WithHint("say Administrator, Operator or ReadOnly")
	case name == "" || len(name) > maxUser:
		return fault.Invalidf("BMC %s: a user name has 1 to %d bytes over IPMI", c.access.Address, maxUser).WithHint("choose a shorter one")
	}
	if err := c.goodPassword(password); err != nil {
		return err
	}
	id, err := c.freeID(ctx, name)
	if err != nil {
		return err
	}
	return c.write(ctx, "make a user", func(ctx context.Context, cl *library.Client) error {
		_, err := cl.SetUsername(ctx, id, name)
		if err != nil {
			return err
		}
		if _, err = cl.SetUserPassword(ctx, id, password, false); err == nil {
			_, err = cl.SetUserAccess(ctx, &library.SetUserAccessRequest{EnableChanging: true, EnableIPMIMessaging: true, ChannelNumber: thisChannel, UserID: id, MaxPrivLevel: uint8(level)})
		}
		if err == nil {
			err = cl.EnableUser(ctx, id)
		}
		if err != nil {
			_, _ = cl.SetUsername(ctx, id, "")
		}
		return err
	})
}

// freeID is a slot for a new user; Conflict when there is one of that name, Denied when
// none is free.
func (c *Controller) freeID(ctx context.Context, name string) (free uint8, err error) {
	err = c.read(ctx, "list its users", func(ctx context.Context, cl *library.Client) error {
		list, err := users(ctx, cl)
		for _, u := range list {
			switch fixed := u.access.FixedNameUseIDsCount; {
			case u.name == name:
				return fault.Conflictf("BMC %s has a user %q already", c.access.Address, name).WithHint("change its password, or choose another name")
			case free == 0 && u.name == "" && u.id > max(fixed, 1):
				free = u.id
			}
		}
		return err
	})
	if err == nil && free == 0 {
		err = fault.Deniedf("BMC %s has no room for another user", c.access.Address).WithHint("take a user that is there, or remove one on the BMC's page")
	}
	return free, err
}

func (c *Controller) goodPassword(password string) error {
	if len(password) < least || len(password) > settable {
		return fault.Invalidf("BMC %s: a password that is set over IPMI has %d to %d bytes", c.access.Address, least, settable).WithHint("choose another")
	}
	return nil
}

// SetPassword changes a user's password (22.30). Ours is used from then on; that the BMC
// really has it only another Dial tells.
func (c *Controller) SetPassword(ctx context.Context, name, password string) error {
	if err := c.goodPassword(password); err != nil {
		return err
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
