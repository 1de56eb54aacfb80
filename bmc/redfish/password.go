package redfish

import (
	"context"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/stmcginnis/gofish/schemas"

	"rackwright/fault"
)

// SetPassword writes a user's password, once unless the BMC says that it did nothing. It
// cannot be read back; whoever needs to know dials with it. Unreachable means that it may
// have been taken: our own session then sends nothing more, because logging in again with
// either password might be wrong.
func (c *Controller) SetPassword(ctx context.Context, name, password string) error {
	done, err := c.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	c.wire.hide(password)
	ctx = withBudget(ctx, maxCustodyReads)
	service, a, err := c.whose(ctx, name)
	if err != nil {
		return err
	}
	if err := c.fits(service, name, password); err != nil {
		return err
	}
	c.log.Info("bmc password set", "user", name)
	payload := map[string]any{"Password": password}
	err = c.adapting(payload, func() error { _, err := c.write(ctx, a.ODataID, payload); return err })
	own := name == c.access.Username
	switch {
	case err == nil:
		if own {
			c.wire.renew(password)
		}
		return nil
	case decided(err):
		return c.refusedPassword("set the password of "+name, service, err)
	}
	if own {
		c.wire.doubt(fault.Unreachablef("the password of %q at BMC %s may have changed or not", name, c.access.Address).
			WithHint("open the BMC anew, with the new password and then with the old one"))
	}
	told := c.explain("set the password of "+name, err)
	return fault.Unreachablef("no clear answer, it may have been taken: %w", told).
		WithHint("log in with the new password and then with the old one, once each")
}

// whose finds the account of a user: where an expired log-in was told to go, among the
// accounts, or where OpenBMC has it (an account is called like its user).
func (c *Controller) whose(ctx context.Context, name string) (*accountService, *account, error) {
	at, expired := c.wire.expiry()
	if expired && name == c.access.Username && at != "" {
		return &accountService{}, accountAt(at), nil
	}
	service, all, err := c.accounts(ctx)
	if a, there := userNamed(all, name); there {
		return service, a, nil
	}
	switch {
	case expired && name == c.access.Username && !strings.ContainsAny(name, "/?#%"):
		return service, accountAt(accountsPath + name), nil
	case err != nil:
		return service, nil, c.explain("read the accounts", err)
	}
	return service, nil, c.noUser(name)
}

const accountsPath = "/redfish/v1/AccountService/Accounts/"

// accountAt is an account that we may not be allowed to read.
func accountAt(uri string) *account { return &account{resource: resource{ODataID: uri}} }

// fits refuses what cannot be a password here before it is sent: some BMCs cut a long one
// off and say nothing.
func (c *Controller) fits(s *accountService, name, password string) error {
	length := utf8.RuneCountInString(password)
	switch {
	case name == "":
		return fault.Invalidf("a user of a BMC has a name").WithHint("name the user")
	case password == "" || s.MinPasswordLength > 0 && length < s.MinPasswordLength:
		return fault.Invalidf("the password is too short for BMC %s", c.access.Address).WithHint("%s", s.lengths())
	case s.MaxPasswordLength >= 8 && length > s.MaxPasswordLength: // some say 0 or nonsense
		return fault.Invalidf("the password is too long for BMC %s", c.access.Address).WithHint("%s", s.lengths())
	}
	return nil
}

// lengths says what the BMC takes.
func (s *accountService) lengths() string {
	switch {
	case s.MinPasswordLength > 0 && s.MaxPasswordLength >= 8:
		return fault.Invalidf("it takes %d to %d characters", s.MinPasswordLength, s.MaxPasswordLength).Message
	case s.MaxPasswordLength >= 8:
		return fault.Invalidf("it takes at most %d characters", s.MaxPasswordLength).Message
	}
	return "take 12 to 20 characters with upper and lower case, digits and a sign: IPMI ends passwords at 20"
}

// refusedPassword tells a refusal that may be about the password as Invalid.
func (c *Controller) refusedPassword(doing string, s *accountService, err error) error {
	r, ok := errors.AsType[*schemas.Error](err)
	if !ok {
		return c.explain(doing, err)
	}
	policy := illFormed(err)
	for _, info := range r.ExtendedInfos {
		policy = policy || strings.Contains(info.MessageID, "Password") && !strings.HasSuffix(info.MessageID, "PasswordChangeRequired")
	}
	if !policy {
		return c.explain(doing, err)
	}
	return fault.Invalidf("BMC %s does not %s%s", c.access.Address, doing, c.words(r)).WithHint("%s", s.lengths())
}
