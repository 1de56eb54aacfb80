package main

import (
	"context"

	"github.com/spf13/cobra"

	"rackwright/api/client"
	"rackwright/api/wire"
	"rackwright/fault"
)

// claiming is what a claim is asked for.
type claiming struct {
	wire.Claim
	rack, passwordFile string
	all, dry           bool
	follow             following
}

func bmcClaim(w *world) *cobra.Command {
	var in claiming
	c := &cobra.Command{Use: "claim MACHINE...|--rack NAME|--all", Short: "Make BMCs ours: a password of their own, their certificate known", Args: names(0, -1),
		Long: "Logs in with the password that is known (the plan's or the model's), sees that it is the machine of the plan,\n" +
			"gives the BMC a random password that only Rackwright knows, and proves it before the old one is forgotten.\n" +
			"The certificate is pinned, the clock and the place are set, and what else lets people in is reported.\n" +
			"With --rack or --all: those that are not claimed yet.",
		Example: "  rackwright bmc claim r1-u10 --watch\n  rackwright bmc claim --rack r1 --disable-accounts --disable-ipmi\n" +
			"  rackwright bmc claim r1-u10 --confirm                 # its board was replaced\n" +
			"  rackwright bmc claim r1-u10 --password-file sticker   # in no plan",
		RunE: func(c *cobra.Command, machines []string) error {
			if ways := howMany(len(machines) > 0, in.rack != "", in.all); ways != 1 {
				return usage(c, "name machines, or give --rack, or --all")
			}
			if in.passwordFile != "" && len(machines) != 1 {
				return usage(c, "--password-file is the password of one machine's BMC")
			}
			return w.claim(c.Context(), machines, in)
		}}
	f := c.Flags()
	f.StringVar(&in.rack, "rack", "", "all of the rack of this `name` that are not claimed")
	f.BoolVar(&in.all, "all", false, "all that are not claimed")
	f.BoolVar(&in.Confirm, "confirm", false, "the BMC or its board was replaced: take the certificate and identity it has now")
	f.BoolVar(&in.KeepPassword, "keep-password", false, "leave the password as it is")
	f.BoolVar(&in.Certificate, "certificate", false, "install a certificate of Rackwright's own authority")
	f.BoolVar(&in.DisableAccounts, "disable-accounts", false, "disable all accounts but ours")
	f.BoolVar(&in.DisableIPMI, "disable-ipmi", false, "switch IPMI over LAN off")
	f.StringVar(&in.passwordFile, "password-file", "", "`file` with the password that the BMC has now")
	in.follow.addMany(c)
	f.BoolVar(&in.dry, "dry-run", false, "only show the steps")
	return c
}

func howMany(list ...bool) (n int) {
	for _, b := range list {
		if b {
			n++
		}
	}
	return n
}

func (w *world) claim(ctx context.Context, machines []string, in claiming) (err error) {
	if in.passwordFile != "" {
		if in.Password, err = w.secret(in.passwordFile, "a password"); err != nil {
			return err
		}
	}
	cl, err := w.connect()
	if err != nil {
		return err
	}
	if len(machines) == 0 {
		if machines, err = unclaimed(ctx, cl, in.rack); err != nil {
			return err
		}
	}
	if in.dry {
		would := func(ctx context.Context, m string) (wire.Steps, error) { return cl.PlanClaim(ctx, m, in.Claim) }
		return dryRun(ctx, w, machines, would, printWould)
	}
	return beginMany(ctx, w, cl, "claim", machines, in.Claim, in.follow, cl.Claim)
}

// unclaimed lists the machines of a rack, or of all, whose BMC is not claimed.
func unclaimed(ctx context.Context, cl *client.Client, rack string) ([]string, error) {
	list, err := cl.BMCs(ctx)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, b := range list {
		if b.Claimed.IsZero() && (rack == "" || b.Rack == rack) {
			out = append(out, b.Machine)
		}
	}
	if len(out) == 0 {
		return nil, fault.Conflictf("there is no BMC that is not claimed").WithHint("'rackwright bmc list' shows them")
	}
	return out, nil
}
