package redfish

import (
	"context"
	"slices"
	"strings"

	"github.com/stmcginnis/gofish/schemas"

	"rackwright/bmc"
	"rackwright/fault"
)

// maxKeyStores is how many databases of Secure Boot are looked at: four that count, as
// many with their defaults, and two or three more.
const maxKeyStores = 16

// secureBoot is what we use of the SecureBoot schema.
type secureBoot struct {
	resource
	Enable    *bool  `json:"SecureBootEnable"` // nil: not told
	Current   string `json:"SecureBootCurrentBoot"`
	Mode      string `json:"SecureBootMode"`
	Databases link   `json:"SecureBootDatabases"`
	Actions   struct {
		ResetKeys struct {
			Target  string   `json:"target"`
			Allowed []string `json:"ResetKeysType@Redfish.AllowableValues"`
		} `json:"#SecureBoot.ResetKeys"`
	}
}

// SecureBoot reads the state, and how many keys there are where the BMC lists them.
func (c *Controller) SecureBoot(ctx context.Context) (bmc.SecureBoot, error) {
	s, err := c.readSecureBoot(ctx)
	if err != nil {
		return bmc.SecureBoot{}, err
	}
	out := bmc.SecureBoot{On: c.secureBootAsked(ctx, s), Running: s.Current == string(schemas.EnabledSecureBootCurrentBootType), Mode: tidy(s.Mode)}
	out.Keys, err = c.keys(ctx, s)
	return out, err
}

func (c *Controller) readSecureBoot(ctx context.Context) (*secureBoot, error) {
	sys, err := c.read(ctx)
	if err != nil {
		return nil, c.explain("read the state of Secure Boot", err)
	}
	if sys.SecureBoot.URI == "" {
		return nil, c.noSecureBoot()
	}
	s, err := get[secureBoot](c.under(ctx), sys.SecureBoot.URI)
	if absent(err) {
		return nil, c.noSecureBoot()
	}
	if err != nil {
		return nil, c.explain("read the state of Secure Boot", err)
	}
	return s, nil
}

func (c *Controller) noSecureBoot() error {
	return fault.Invalidf("BMC %s does not tell of Secure Boot", c.access.Address).
		WithHint("look in the BIOS set-up; a machine in BIOS mode has none, and a newer BMC firmware may tell")
}

// secureBootAsked is what is asked for: in the Settings where there are any.
func (c *Controller) secureBootAsked(ctx context.Context, s *secureBoot) bool {
	if uri := s.pending(); uri != "" {
		if later, err := get[secureBoot](c.under(ctx), uri); err == nil && later.Enable != nil {
			return *later.Enable
		}
	}
	return s.Enable != nil && *s.Enable
}

// SetSecureBoot writes SecureBootEnable, into the Settings where the BMC takes it only
// there, and reads it back.
func (c *Controller) SetSecureBoot(ctx context.Context, on bool) error {
	done, err := c.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	s, err := c.readSecureBoot(ctx)
	if err != nil {
		return err
	}
	if c.secureBootAsked(ctx, s) == on {
		return nil
	}
	places := []string{s.ODataID}
	if uri := s.pending(); uri != "" {
		places = []string{uri, s.ODataID}
	}
	return c.inPlaces(ctx, places, func(at string) change {
		task, wrote := c.write(ctx, at, map[string]any{"SecureBootEnable": on})
		return change{doing: "change Secure Boot", task: task, wrote: wrote, queued: true,
			look: func(ctx context.Context) (bool, error) {
				s, err := get[secureBoot](c.under(ctx), at)
				return err == nil && s.Enable != nil && *s.Enable == on, err
			},
			ignored: func() *fault.Error {
				return fault.Conflictf("BMC %s ignored the change of Secure Boot: it reads back as it was", c.access.Address).
					WithHint("enrol keys first if there are none; some machines want the change made in the BIOS set-up")
			}}
	})
}

// keyReset is Redfish's word for a change of all keys.
func keyReset(what string) string {
	switch what {
	case bmc.KeysToDefault:
		return string(schemas.ResetAllKeysToDefaultResetKeysType)
	case bmc.KeysDelete:
		return string(schemas.DeleteAllKeysResetKeysType)
	case bmc.KeysDeletePK:
		return string(schemas.DeletePKResetKeysType)
	}
	return ""
}

// ResetSecureBootKeys posts ResetKeys once. Most BMCs carry it out at the next reset and
// show nothing before, so it is done when the BMC accepted it and its task, if it made one,
// did not fail.
func (c *Controller) ResetSecureBootKeys(ctx context.Context, what string) error {
	kind := keyReset(what)
	if kind == "" {
		return fault.Invalidf("%q is no change of the keys of Secure Boot", what).
			WithHint("ask for %s, %s or %s", bmc.KeysToDefault, bmc.KeysDelete, bmc.KeysDeletePK)
	}
	done, err := c.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	s, err := c.readSecureBoot(ctx)
	if err != nil {
		return err
	}
	action := s.Actions.ResetKeys
	if action.Target == "" || len(action.Allowed) > 0 && !slices.Contains(action.Allowed, kind) {
		return fault.Invalidf("BMC %s cannot do %s with the keys of Secure Boot, only %s", c.access.Address, kind, orNothing(action.Allowed)).
			WithHint("change the keys in the BIOS set-up")
	}
	c.log.Info("bmc changes the keys of Secure Boot", "what", kind)
	task, err := c.act(ctx, action.Target, map[string]string{"ResetKeysType": kind})
	if err != nil {
		return c.explain("change the keys of Secure Boot", c.missing("way to change the keys of Secure Boot", err))
	}
	return c.failed(ctx, task)
}

// keyStore is what we use of the SecureBootDatabase schema.
type keyStore struct {
	resource
	DatabaseID   string `json:"DatabaseId"`
	Certificates link
	Signatures   link
}

// keys counts what is in the databases; those with the vendor's defaults are left out.
// What cannot be read is left out, too.
func (c *Controller) keys(ctx context.Context, s *secureBoot) ([]bmc.Keys, error) {
	if s.Databases.URI == "" {
		return nil, nil
	}
	client := c.under(ctx)
	stores, err := members[keyStore](client, s.Databases.URI, maxKeyStores)
	if err := c.forgive(ctx, "keys of Secure Boot", err); err != nil {
		return nil, err
	}
	var out []bmc.Keys
	for _, k := range stores {
		name := first(k.DatabaseID, k.ID)
		if strings.HasSuffix(name, "Default") {
			continue
		}
		out = append(out, bmc.Keys{Database: name, Certificates: size(client, k.Certificates), Signatures: size(client, k.Signatures)})
	}
	return out, nil
}

// size is how many members a collection has; 0 for none and for one that cannot be read.
func size(client schemas.Client, at link) int {
	if at.URI == "" {
		return 0
	}
	list, err := get[collection](client, at.URI)
	if err != nil {
		return 0
	}
	return len(list.Members)
}
