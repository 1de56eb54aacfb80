package redfish

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/stmcginnis/gofish/schemas"

	"rackwright/bmc"
	"rackwright/fault"
)

// maxAccounts is how many accounts are looked at; Dell and Lenovo have 16 and 12 slots.
const maxAccounts = 64

// maxCustodyReads bounds one call of the Custodian: a BMC has some dozens of accounts.
const maxCustodyReads = 300

// accountService is what we use of the AccountService schema.
type accountService struct {
	Accounts                             link
	MinPasswordLength, MaxPasswordLength int
}

// account is what we use of the ManagerAccount schema.
type account struct {
	resource
	UserName               string
	RoleID                 string `json:"RoleId"`
	Enabled                *bool  // nil: not told, as on older iLOs
	Locked                 bool
	PasswordChangeRequired *bool
	Links                  struct{ Role link }
}

func (a *account) on() bool { return a.Enabled == nil || *a.Enabled }

func (a *account) role() string { return cmp.Or(a.RoleID, lastOf(a.Links.Role.URI)) }

// Accounts lists the users. BMCs with fixed slots (Dell, Lenovo, Cisco) list the free ones
// too, without a name.
func (c *Controller) Accounts(ctx context.Context) ([]bmc.Account, error) {
	_, all, err := c.accounts(withBudget(ctx, maxCustodyReads))
	if err != nil {
		return nil, c.explain("read the accounts", err)
	}
	out := []bmc.Account{}
	for i := range all {
		if a := &all[i]; a.UserName != "" {
			out = append(out, bmc.Account{ID: tidy(a.ID), Name: tidy(a.UserName), Role: tidy(a.role()), Enabled: a.on(), Locked: a.Locked})
		}
	}
	return out, nil
}

// accounts reads the service and every account that can be read.
func (c *Controller) accounts(ctx context.Context) (*accountService, []account, error) {
	if c.root.Accounts.URI == "" {
		return &accountService{}, nil, c.lacks("account service")
	}
	service, err := get[accountService](c.under(ctx), c.root.Accounts.URI)
	if err != nil {
		return &accountService{}, nil, c.missing("account service", err)
	}
	all, err := members[account](c.under(ctx), service.Accounts.URI, maxAccounts)
	if len(all) == 0 {
		return service, nil, c.missing("accounts", err)
	}
	return service, all, c.forgive(ctx, "accounts", err)
}

// userNamed finds a user.
func userNamed(all []account, name string) (*account, bool) {
	i := slices.IndexFunc(all, func(a account) bool { return a.UserName == name })
	if i < 0 || name == "" {
		return nil, false
	}
	return &all[i], true
}

// CreateAccount makes an enabled user and reads it back: in a free slot where the BMC has
// slots, as a new member otherwise.
func (c *Controller) CreateAccount(ctx context.Context, name, password, role string) error {
	done, err := c.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	c.wire.hide(password)
	ctx = withBudget(ctx, maxCustodyReads)
	service, all, err := c.accounts(ctx)
	if err != nil {
		return c.explain("read the accounts", err)
	}
	if _, there := userNamed(all, name); there {
		return fault.Conflictf("BMC %s has a user %q already", c.access.Address, name).
			WithHint("set its password, or choose another name")
	}
	if err := c.fits(service, name, password); err != nil {
		return err
	}
	c.log.Info("bmc account created", "user", name, "role", role)
	wrote := c.addAccount(ctx, service, all, name, password, role)
	if decided(wrote) {
		return c.refusedPassword("create user "+name, service, wrote)
	}
	var made *account
	err = c.readBack(ctx, "create user "+name, wrote, func(ctx context.Context) (there bool, err error) {
		_, all, err := c.accounts(ctx)
		made, there = userNamed(all, name)
		return there && made.on() && (made.role() == role || made.role() == ""), err
	})
	if err == nil && made.PasswordChangeRequired != nil && *made.PasswordChangeRequired {
		c.keepPassword(ctx, made)
	}
	return err
}

// addAccount fills the first free slot, or posts a new member.
func (c *Controller) addAccount(ctx context.Context, service *accountService, all []account, name, password, role string) error {
	payload := map[string]any{"UserName": name, "Password": password, "RoleId": role, "Enabled": true}
	for i := range all {
		if a := &all[i]; a.UserName == "" && !slices.Contains(c.traits.reserved, a.ID) {
			return c.adapting(payload, func() error { _, err := c.write(ctx, a.ODataID, payload); return err })
		}
	}
	if c.traits.loginName {
		payload["Oem"] = map[string]any{"Hpe": map[string]any{"LoginName": name}}
	}
	err := c.adapting(payload, func() error { _, err := c.post(ctx, service.Accounts.URI, payload); return err })
	if absent(err) {
		return fault.Conflictf("BMC %s has no free account slot", c.access.Address).
			WithHint("clear an account that nobody uses in the BMC's own pages")
	}
	return err
}

// adapting repeats a write that was definitely refused, without a property the BMC does not
// know and with one that it misses; both are said in the message (DMTF Base registry). AMI
// and newer Supermicro want AccountTypes, X11 knows no Enabled.
func (c *Controller) adapting(payload map[string]any, write func() error) error {
	for try := 0; ; try++ {
		err := write()
		r, ok := errors.AsType[*schemas.Error](err)
		if !ok || try == 2 || r.HTTPReturnedStatusCode >= 500 || !adapt(payload, r) {
			return err
		}
	}
}

// adapt changes the payload as the BMC's messages ask, and says whether it did.
func adapt(payload map[string]any, r *schemas.Error) bool {
	changed := false
	for _, info := range r.ExtendedInfos {
		about := strings.Join(append(slices.Clone(info.RelatedProperties), info.MessageArgs...), " ") + " " + info.Message
		switch messageKey(info.MessageID) {
		case "PropertyUnknown", "PropertyNotWritable", "PropertyNotWritableOrUnknown", "PropertyNotSupported", "PropertyNotSupportedInPost":
			for _, name := range []string{"Enabled", "Oem"} {
				if _, has := payload[name]; has && strings.Contains(about, name) {
					delete(payload, name)
					changed = true
				}
			}
		case "PropertyMissing", "CreateFailedMissingReqProperties":
			for name, value := range missing() {
				if _, has := payload[name]; !has && strings.Contains(about, name) {
					payload[name] = value
					changed = true
				}
			}
		}
	}
	return changed
}

// missing are the values of properties that some BMCs want.
func missing() map[string]any {
	return map[string]any{"AccountTypes": []string{"Redfish"}, "PasswordChangeRequired": false, "Enabled": true}
}

// keepPassword takes back the order to change the password at the first log-in that
// Lenovo's BMCs put on new users. One that insists is told by the next Dial.
func (c *Controller) keepPassword(ctx context.Context, a *account) {
	if _, err := c.write(ctx, a.ODataID, map[string]any{"PasswordChangeRequired": false}); err != nil {
		c.log.Warn("bmc wants a new user's password changed", "user", a.UserName, "err", c.explain("keep the password", err))
	}
}

// DisableAccount keeps a user from logging in, and reads it back.
func (c *Controller) DisableAccount(ctx context.Context, name string) error {
	done, err := c.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	if name == c.access.Username {
		return fault.Conflictf("user %q of BMC %s is the one we are logged in as", name, c.access.Address).
			WithHint("log in as another user first")
	}
	ctx = withBudget(ctx, maxCustodyReads)
	_, all, err := c.accounts(ctx)
	if err != nil {
		return c.explain("read the accounts", err)
	}
	a, there := userNamed(all, name)
	switch {
	case !there:
		return c.noUser(name)
	case a.Enabled != nil && !*a.Enabled:
		return nil
	}
	c.log.Info("bmc account disabled", "user", name)
	_, wrote := c.write(ctx, a.ODataID, map[string]any{"Enabled": false})
	return c.readBack(ctx, "disable user "+name, wrote, func(ctx context.Context) (bool, error) {
		now, err := get[account](c.under(ctx), a.ODataID)
		return err == nil && now.Enabled != nil && !*now.Enabled, err
	})
}

func (c *Controller) noUser(name string) *fault.Error {
	return fault.NotFoundf("BMC %s has no user %q", c.access.Address, name).
		WithHint("list its users; names are compared exactly")
}

// readBack verifies a change of the Custodian's.
func (c *Controller) readBack(ctx context.Context, doing string, wrote error, look func(context.Context) (bool, error)) error {
	return c.verify(ctx, change{doing: doing, wrote: wrote,
		look: func(ctx context.Context) (bool, error) { return look(withBudget(ctx, maxCustodyReads)) }, // each has its own
		ignored: func() *fault.Error {
			return fault.Conflictf("BMC %s said yes when told to %s, and it does not read back", c.access.Address, doing).
				WithHint("look at the BMC itself; some need a restart of the BMC, some newer firmware")
		}})
}
