package bmctest

import (
	"bytes"
	"context"
	"crypto/x509"
	"slices"

	"rackwright/bmc"
	"rackwright/fault"
	"rackwright/inventory"
)

// The calls of power, boot, media and settings beyond the first ones.
const (
	Reset         Op = "reset"
	ResetBMC      Op = "reset-bmc"
	BootOrder     Op = "boot-order"
	SetBootOrder  Op = "set-boot-order"
	SecureBoot    Op = "secure-boot"
	SetSecureBoot Op = "set-secure-boot"
	ResetKeys     Op = "reset-keys"
	Media         Op = "media"
	InsertMedia   Op = "insert-media"
	EjectMedia    Op = "eject-media"
	Settings      Op = "settings"
	StageSettings Op = "stage-settings"
	Trust         Op = "trust"
)

// setup is what the firmware of a machine remembers.
type setup struct {
	order   []bmc.BootOption
	secure  bmc.SecureBoot
	image   string // in the virtual CD drive; empty: none
	now     map[string]string
	pending map[string]string
	trusted []*x509.Certificate
}

func newSetup() setup {
	return setup{
		order: []bmc.BootOption{{Reference: "Boot0001", Name: "UEFI PXE"}, {Reference: "Boot0002", Name: "Disk 1"}, {Reference: "Boot0003", Name: "Virtual CD"}},
		secure: bmc.SecureBoot{Mode: "UserMode", Keys: []bmc.Keys{{Database: "PK", Certificates: 1}, {Database: "KEK", Certificates: 1},
			{Database: "db", Certificates: 2}, {Database: "dbx", Signatures: 77}}},
		now:     map[string]string{"LogicalProc": "Enabled", "PowerOnDelay": "60", "Quiet": "true"},
		pending: map[string]string{},
	}
}

// start brings into force what is staged.
func (s *setup) start() {
	s.secure.Running = s.secure.On
	for name, value := range s.pending {
		s.now[name] = value
	}
	clear(s.pending)
}

func (c *controller) Reset(ctx context.Context) error {
	if err := c.called(ctx, Reset); err != nil {
		return err
	}
	if c.b.Power() != inventory.PowerOn {
		return fault.Conflictf("the machine of BMC %s is off", c.b.access.Address).WithHint("power it on")
	}
	c.b.set(inventory.PowerOn, true)
	return nil
}

func (c *controller) ResetBMC(ctx context.Context) error { return c.called(ctx, ResetBMC) }

func (c *controller) BootOrder(ctx context.Context) ([]bmc.BootOption, error) {
	if err := c.called(ctx, BootOrder); err != nil {
		return nil, err
	}
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	return slices.Clone(c.b.setup.order), nil
}

func (c *controller) SetBootOrder(ctx context.Context, references []string) error {
	if err := c.called(ctx, SetBootOrder); err != nil {
		return err
	}
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	rest := slices.Clone(c.b.setup.order)
	var out []bmc.BootOption
	for _, ref := range references {
		at := slices.IndexFunc(rest, func(o bmc.BootOption) bool { return o.Reference == ref })
		if at < 0 {
			return fault.Invalidf("%q is no boot option, or is listed twice", ref).WithHint("read the boot order")
		}
		out, rest = append(out, rest[at]), slices.Delete(rest, at, at+1)
	}
	if len(out) == 0 {
		return fault.Invalidf("no boot option is given").WithHint("read the boot order")
	}
	c.b.setup.order = append(out, rest...)
	return nil
}

func (c *controller) SecureBoot(ctx context.Context) (bmc.SecureBoot, error) {
	if err := c.called(ctx, SecureBoot); err != nil {
		return bmc.SecureBoot{}, err
	}
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	out := c.b.setup.secure
	out.Keys = slices.Clone(out.Keys)
	return out, nil
}

func (c *controller) SetSecureBoot(ctx context.Context, on bool) error {
	if err := c.called(ctx, SetSecureBoot); err != nil {
		return err
	}
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	c.b.setup.secure.On = on
	return nil
}

func (c *controller) ResetSecureBootKeys(ctx context.Context, what string) error {
	if err := c.called(ctx, ResetKeys); err != nil {
		return err
	}
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	s := &c.b.setup.secure
	switch what {
	case bmc.KeysToDefault:
		*s = bmc.SecureBoot{On: s.On, Running: s.Running, Mode: "UserMode", Keys: newSetup().secure.Keys}
	case bmc.KeysDelete:
		s.Mode, s.Keys = "SetupMode", nil
	case bmc.KeysDeletePK:
		s.Mode = "SetupMode"
		s.Keys = slices.DeleteFunc(s.Keys, func(k bmc.Keys) bool { return k.Database == "PK" })
	default:
		return fault.Invalidf("%q is no change of the keys", what).WithHint("ask for default, delete or delete-pk")
	}
	return nil
}

func (c *controller) TrustAuthority(ctx context.Context, authority *x509.Certificate) error {
	if err := c.called(ctx, Trust); err != nil {
		return err
	}
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	s := &c.b.setup
	s.trusted = slices.DeleteFunc(s.trusted, func(a *x509.Certificate) bool { return bytes.Equal(a.RawSubject, authority.RawSubject) })
	s.trusted = append(s.trusted, authority)
	return nil
}

// Authorities are the certificates (DER) that HTTPS boot trusts.
func (b *BMC) Authorities() (all [][]byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, a := range b.setup.trusted {
		all = append(all, a.Raw)
	}
	return all
}
