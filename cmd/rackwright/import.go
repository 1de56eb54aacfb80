package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"rackwright/api/client"
	"rackwright/api/wire"
	"rackwright/fault"
	"rackwright/inventory/overlay"
	"rackwright/inventory/plan"
)

func importCommand(w *world) *cobra.Command {
	c := group("import", "Make a rack plan of what a spreadsheet or another inventory says", nil, importCSVCommand(w), importNetBoxCommand(w))
	c.Long = "An import makes a plan, and changes nothing by itself: what it says is laid over the plan of what is there, and compared.\n" +
		"It adds and changes; what it does not say stays. Look at it, then give --apply, or --out to keep the plan as a file."
	return c
}

// importing is what all imports have in common: where the plan goes.
type importing struct {
	w                  *world
	site, out, hash    string
	apply, yes         bool
	user, passwordFile string
	cl                 *client.Client
	have               plan.Plan
}

func (i *importing) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&i.site, "site", "", "`site` that it is about")
	f.StringVar(&i.out, "out", "", "write the plan to this `file`, readable by you alone, or - for standard output")
	f.BoolVar(&i.apply, "apply", false, "apply the plan; asks first on a terminal, elsewhere give --yes or --hash")
	f.StringVar(&i.hash, "hash", "", "apply only if the dry run still prints this `hash`")
	f.BoolVarP(&i.yes, "yes", "y", false, "with --apply: do not ask")
	f.StringVar(&i.user, "bmc-username", "", "`user` of every BMC that the import gives an address")
	f.StringVar(&i.passwordFile, "bmc-password-file", "", "`file` with the password of those BMCs")
}

// begin reads what is there. A site that is not there yet has nothing but the models and
// networks of all sites.
func (i *importing) begin(ctx context.Context) (err error) {
	if i.out != "" && (i.apply || i.hash != "") {
		return fault.Invalidf("--out writes a plan and changes nothing").WithHint("apply the file with 'rackwright apply -f', or leave --out away")
	}
	if i.cl, err = i.w.connect(); err != nil {
		return err
	}
	i.have, err = i.cl.ExportPlan(ctx, i.site, nil)
	if !fault.Is(err, fault.NotFound) {
		i.site = cmp.Or(i.site, i.have.Site)
		return err
	}
	racks, err := i.cl.Racks(ctx)
	if err != nil || len(racks) == 0 {
		i.have = plan.Plan{}
		return err
	}
	if i.have, err = i.cl.ExportPlan(ctx, racks[0].Site, nil); err != nil {
		return err
	}
	i.have.Site, i.have.Racks = "", nil
	return nil
}

// password reads the file with the BMCs' password, "" when none is named.
func (i *importing) password() (string, error) {
	if i.passwordFile == "" {
		return "", nil
	}
	return i.w.secret(i.passwordFile, "a password")
}

// secret reads a file that holds one line nobody else is to read.
func (w *world) secret(name, what string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", fault.Invalidf("read %s: %w", what, err).WithHint("name a file that this user may read, with nothing else in it")
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 4097))
	if err == nil && len(text) > 4096 {
		err = fmt.Errorf("%s is larger than %s", name, what)
	}
	if err != nil {
		return "", fault.Invalidf("read %s: %w", what, err).WithHint("name a file that this user may read, with nothing else in it")
	}
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o004 != 0 {
		fmt.Fprintf(w.err, "rackwright: warning: %s holds %s and everybody on this host can read it; chmod 600 it\n", oneLine(name), what)
	}
	secret := strings.TrimRight(string(text), "\r\n")
	if secret == "" {
		return "", fault.Invalidf("%s is empty", name)
	}
	return secret, nil
}

// finish lays what was said over what is there, and writes, applies or shows it. Lines
// tells where parts of the plan came from; bad is what was wrong on the way.
func (i *importing) finish(c *cobra.Command, said plan.Plan, lines func(plan.Plan) map[string]string, bad error) error {
	p := &planFiles{plan: overlay.Over(i.have, said), warn: func(s string) { fmt.Fprintln(i.w.err, "rackwright: warning: "+oneLine(s)) }}
	p.lines = lines(p.plan)
	_, err := p.plan.Resolve()
	if err := both(bad, p.locate(err)); err != nil {
		return err
	}
	if i.out != "" {
		return i.write(p.plan)
	}
	if text, err := json.Marshal(p.plan); err != nil || len(text) > wire.MaxPlan {
		return fault.Invalidf("the plan is larger than %d MiB", wire.MaxPlan>>20).WithHint("import it in parts, e.g. a row of racks at a time")
	}
	if i.apply || i.hash != "" {
		return i.applies(c, p)
	}
	diff, err := i.cl.DiffPlan(c.Context(), p.plan)
	if err != nil {
		return p.locate(err)
	}
	return i.w.show(diff, func(out io.Writer) { printDiff(out, diff) })
}

func (i *importing) applies(c *cobra.Command, p *planFiles) (err error) {
	if !i.yes && i.hash == "" {
		if i.hash, err = i.w.confirm(c, i.cl, p, ""); err != nil || i.hash == "" {
			return err
		}
	}
	return i.w.apply(c.Context(), i.cl, p, i.hash)
}

// both makes one fault of two, with all fields.
func both(a, b error) error {
	x, isX := errors.AsType[*fault.Error](a)
	y, isY := errors.AsType[*fault.Error](b)
	if !isX || !isY {
		return cmp.Or(a, b)
	}
	out := *x
	out.Message, out.Fields = x.Message+", and "+y.Message, slices.Concat(x.Fields, y.Fields)
	return &out
}
