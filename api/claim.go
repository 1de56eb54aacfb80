package api

import (
	"context"
	"slices"
	"strings"
	"time"

	"rackwright/access"
	"rackwright/api/wire"
	"rackwright/bmc/broker"
	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/store"
)

// claimStore is what the routes about BMCs ask of the database.
type claimStore interface {
	// WithBMC lists machines that have a BMC by name, those behind after, at most limit.
	BMCsWithin(ctx context.Context, scope access.Scope, after string, limit int) ([]inventory.Machine, error)
	// StrangeBMCs are in no plan; the newest are first.
	StrangeBMCs(ctx context.Context, p store.Page) ([]inventory.StrangeBMC, error)
	// GivePassword keeps a password of the machine's BMC that a person knows.
	GivePassword(ctx context.Context, machineID, password string) error
	// BMCLog tells whether the BMC pushes its events to us.
	BMCLog(ctx context.Context, machineID string) (store.BMCLog, error)
	// BMCAuthority is NotFound before the first claim that needs it.
	BMCAuthority(ctx context.Context, fresh func() (certificate, key []byte, err error)) (certificate, key []byte, err error)
}

// Lines tells how things stand between this process and BMCs, without asking them.
type Lines interface {
	Status(ctx context.Context, machineID string) (broker.Standing, error)
}

// claims registers the claiming of BMCs and the lists of them.
func (s *server) claims() {
	route(s, s.action("claim", "Make the machine's BMC ours: a password of its own, its certificate known"), func(ctx context.Context, in *struct {
		MachineIn
		Body wire.Claim
	}) (*begun, error) {
		m, err := s.Store.Machine(ctx, in.Machine)
		if err != nil {
			return nil, err
		}
		return s.claim(ctx, m, in.Body)
	})
	many(s, "claim", "Make the BMCs of machines ours; of many machines, all or each", s.toClaim)
	list := op("GET", "/bmcs", "list-bmcs", "BMCs of machines, by the machine's name")
	list.Tags = []string{"bmc"}
	route(s, list, func(ctx context.Context, in *PageIn) (*body[wire.List[wire.KnownBMC]], error) {
		return s.knownBMCs(ctx, *in)
	})
	one := op("GET", "/machines/{machine}/bmc", "get-bmc", "What is known of the machine's BMC, without asking it")
	one.Tags = []string{"bmc"}
	route(s, one, func(ctx context.Context, in *MachineIn) (*body[wire.BMCOverview], error) {
		return bodyOf(s.oneBMC(ctx, in.Machine))
	})
	strangers := op("GET", "/bmcs/strangers", "list-strange-bmcs", "BMCs that asked for an address and are in no plan, the newest first")
	strangers.Tags = []string{"bmc"}
	route(s, strangers, func(ctx context.Context, in *PageIn) (*body[wire.List[inventory.StrangeBMC]], error) {
		first := byTime("-since", func(b *inventory.StrangeBMC) (time.Time, string) { return b.Since, b.MAC.String() })
		return keyset(ctx, in.BehindIn, in.Limit, first, func(p store.Page) ([]inventory.StrangeBMC, error) { return s.Store.StrangeBMCs(ctx, p) })
	})
	authority := op("GET", "/bmcs/authority", "get-bmc-authority", "The certificate of the authority that signs those of BMCs")
	authority.Tags = []string{"bmc"}
	route(s, authority, func(ctx context.Context, _ *struct{}) (*body[wire.Authority], error) {
		text, _, err := s.Store.BMCAuthority(ctx, nil)
		return bodyOf(wire.Authority{Certificate: string(text)}, err)
	})
}

// claim begins the claim of a machine's BMC. A password that is given with it is kept
// first, so that the claim finds it.
func (s *server) claim(ctx context.Context, m *inventory.Machine, in wire.Claim) (*begun, error) {
	order := deploy.Order{Claim: &in.ClaimOrder}
	if _, err := deploy.Plan(deploy.Claim, deploy.Subject{Machine: *m, Order: order}); err != nil {
		return nil, err
	}
	if in.Password != "" && !in.DryRun {
		if err := s.idle(ctx, m); err != nil {
			return nil, err
		}
		if err := s.Store.GivePassword(ctx, m.ID, in.Password); err != nil {
			return nil, err
		}
	}
	return s.start(ctx, task{kind: deploy.Claim, machine: m, order: order}, in.DryRun)
}

// toClaim is the claim of one of many, which have no one password.
func (s *server) toClaim(ctx context.Context, machine string, in *wire.Claim, _ bool) (task, error) {
	if in.Password != "" {
		return task{}, badBody("order.password", "is that of one machine's BMC: claim it by itself")
	}
	m, err := s.Store.Machine(ctx, machine)
	claim := in.ClaimOrder
	return task{kind: deploy.Claim, machine: m, order: deploy.Order{Claim: &claim}}, err
}

// idle is Conflict while other work has the machine in hand, which goes on with the
// password there is.
func (s *server) idle(ctx context.Context, m *inventory.Machine) error {
	open, err := s.Store.Operations(ctx, store.OperationFilter{Machine: m.ID, Open: true})
	for _, o := range open {
		if o.Kind.Exclusive() {
			return fault.Conflictf("%s has an open %s: operation %s", m.Name, o.Kind, o.ID).WithHint("wait for it, or 'rackwright operation cancel %s'", o.ID)
		}
	}
	return err
}

func (s *server) knownBMCs(ctx context.Context, in PageIn) (*body[wire.List[wire.KnownBMC]], error) {
	return keyset(ctx, in.BehindIn, in.Limit, byName(func(b *wire.KnownBMC) string { return b.Machine }), func(p store.Page) ([]wire.KnownBMC, error) {
		if p.Sort == "-name" {
			return nil, badQuery("sort", "cannot be turned round here")
		}
		machines, err := s.Store.BMCsWithin(ctx, p.Scope, strings.Join(p.After, ""), p.Limit)
		if err != nil {
			return nil, err
		}
		ids := make([]string, len(machines))
		for i := range machines {
			ids[i] = machines[i].ID
		}
		seen, err := s.Store.Observations(ctx, ids)
		rows := make([]wire.KnownBMC, len(machines))
		for i := range machines {
			rows[i] = knownBMC(&machines[i], seen[machines[i].ID])
		}
		return rows, err
	})
}

// oneBMC gathers what is known of a machine's BMC.
func (s *server) oneBMC(ctx context.Context, machine string) (out wire.BMCOverview, err error) {
	m, err := s.Store.Machine(ctx, machine)
	if err != nil {
		return out, err
	}
	if m.BMC == nil {
		return out, noBMC(m)
	}
	seen, err := s.Store.Observations(ctx, []string{m.ID})
	if err != nil {
		return out, err
	}
	log, err := s.Store.BMCLog(ctx, m.ID)
	if err != nil {
		return out, err
	}
	out = wire.BMCOverview{KnownBMC: knownBMC(m, seen[m.ID]), Subscribed: log.Subscription != ""}
	for _, c := range m.Conditions {
		if c.Type == inventory.BMCUnusable {
			out.Hint = c.Hint
		}
	}
	if s.Lines == nil {
		return out, nil
	}
	line, err := s.Lines.Status(ctx, m.ID)
	out.Line = new(wire.BMCLine(line))
	return out, err
}

// knownBMC is what a list says of a machine's BMC.
func knownBMC(m *inventory.Machine, seen []inventory.Facts) wire.KnownBMC {
	b := wire.KnownBMC{Machine: m.Name, ID: m.ID, Address: m.BMC.Address, MAC: m.BMC.MAC, Username: m.BMC.Username, Vendor: m.Vendor,
		Claimed: m.BMC.Claimed, Certificate: m.BMC.CertificateSHA256, Power: m.Power, State: "unclaimed"}
	if m.Slot != nil {
		b.Rack, b.Unit = m.Slot.Rack, m.Slot.U
	}
	for _, f := range seen {
		if f.Source != "redfish" && f.Source != "ipmi" {
			continue
		}
		b.Seen = f.Observed
		if f.System.Vendor != "" {
			b.Vendor = f.System.Vendor
		}
		if i := slices.IndexFunc(f.Versions, func(v inventory.Version) bool { return v.Component == "bmc" }); i >= 0 {
			b.Firmware = f.Versions[i].Version
		}
	}
	if !b.Claimed.IsZero() {
		b.State = "claimed"
	}
	for _, c := range m.Conditions {
		switch {
		case c.Type == inventory.BMCUnusable:
			b.State = c.Reason
			return b
		case c.Type == inventory.BMCExposed && c.Waived.At.IsZero():
			b.Exposed = append(b.Exposed, c.Subject)
		}
	}
	return b
}
