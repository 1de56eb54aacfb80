package main

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rackwright/api/client"
	"rackwright/fleet"
	"rackwright/inventory"
)

// Bounds of a completion: it is silent when there is no server, or a slow one.
const (
	completeWithin = time.Second
	completeMost   = 200
)

// offer asks a server for what a word may become; its text is name, tab, description.
type offer func(ctx context.Context, cl *client.Client, begun string) ([]string, error)

// completes has words of the command line completed: arguments by what usage calls them,
// flags by their names.
func completes(w *world, root *cobra.Command) {
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		if c.ValidArgsFunction == nil && c.Runnable() && !c.HasSubCommands() {
			c.ValidArgsFunction = w.argument(c)
		}
		for name, of := range flagOffers() {
			if c.LocalNonPersistentFlags().Lookup(name) != nil {
				_ = c.RegisterFlagCompletionFunc(name, w.offers(of))
			}
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(root)
	_ = root.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(forms(), cobra.ShellCompDirectiveNoFileComp))
}

func flagOffers() map[string]offer {
	return map[string]offer{"machine": offerMachines, "rack": offerRacks, "image": offerImages, "operation": offerOperations(false),
		"phase": func(context.Context, *client.Client, string) ([]string, error) {
			var out []string
			for _, p := range []inventory.Phase{inventory.Planned, inventory.Racked, inventory.Discovered, inventory.Verified, inventory.Ready, inventory.Active, inventory.Maintenance, inventory.Retired} {
				out = append(out, string(p))
			}
			return out, nil
		}}
}

// argument completes the arguments of a command, which its usage names: MACHINE, RACK.
func (w *world) argument(c *cobra.Command) cobra.CompletionFunc {
	var kinds []string
	for _, word := range strings.Fields(c.Use)[1:] {
		if strings.HasPrefix(word, "-") {
			break
		}
		kinds = append(kinds, word)
	}
	return func(c *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
		at := min(len(args), len(kinds)-1)
		if at < 0 || len(args) >= len(kinds) && !strings.Contains(kinds[at], "...") {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		kind, _, _ := strings.Cut(strings.Trim(kinds[at], "[]."), "|")
		of := named(c, kind)
		if of == nil {
			return nil, cobra.ShellCompDirectiveDefault
		}
		return w.offers(of)(c, args, begun)
	}
}

// named is what an argument of a command may be; nil for what no server knows.
func named(c *cobra.Command, kind string) offer {
	switch strings.TrimSuffix(kind, "...") {
	case "MACHINE":
		return offerMachines
	case "RACK":
		return offerRacks
	case "IMAGE":
		return offerImages
	case "OPERATION":
		return offerOperations(c.Name() == "cancel" || c.Name() == "retry")
	case "ROLLOUT", "CAMPAIGN":
		return func(ctx context.Context, cl *client.Client, _ string) (out []string, err error) {
			list, err := cl.Fleets(ctx, fleet.Kind(strings.ToLower(kind)))
			for _, f := range list {
				out = append(out, f.Name+"\t"+string(f.State))
			}
			return out, err
		}
	}
	return nil
}

// offers is an offer as the shell wants it.
func (w *world) offers(of offer) cobra.CompletionFunc {
	return func(c *cobra.Command, given []string, begun string) (out []string, _ cobra.ShellCompDirective) {
		cl, err := w.connect()
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		ctx := c.Context()
		if ctx == nil {
			ctx = context.Background()
		}
		ctx, cancel := context.WithTimeout(client.AtMost(ctx, completeMost, func() {}), completeWithin)
		defer cancel()
		list, _ := of(ctx, cl, begun)
		was := map[string]bool{}
		for _, g := range given {
			was[g] = true
		}
		for _, text := range list {
			if name, _, _ := strings.Cut(text, "\t"); strings.HasPrefix(name, begun) && !was[name] {
				out = append(out, oneLineTab(text))
			}
		}
		return out[:min(len(out), completeMost)], cobra.ShellCompDirectiveNoFileComp
	}
}

// oneLineTab is oneLine of a name and of its description.
func oneLineTab(text string) string {
	name, about, ok := strings.Cut(text, "\t")
	if about = oneLine(about); !ok || about == "" {
		return oneLine(name)
	}
	return oneLine(name) + "\t" + about
}

func offerMachines(ctx context.Context, cl *client.Client, begun string) (out []string, err error) {
	list, err := cl.Machines(ctx, client.MachineQuery{Text: begun})
	for _, m := range list {
		out = append(out, m.Name+"\t"+strings.TrimSpace(string(m.Phase)+" "+slotText(m.Slot)))
	}
	return out, err
}

func offerRacks(ctx context.Context, cl *client.Client, _ string) (out []string, err error) {
	list, err := cl.Racks(ctx)
	for _, r := range list {
		out = append(out, r.Name+"\t"+r.Site)
	}
	return out, err
}

func offerImages(ctx context.Context, cl *client.Client, _ string) (out []string, err error) {
	list, err := cl.Images(ctx)
	for _, i := range list {
		out = append(out, i.Name+"\t"+string(i.Kind)+" "+i.Arch)
	}
	return out, err
}

// offerOperations are the newest, or the newest that have not ended.
func offerOperations(open bool) offer {
	return func(ctx context.Context, cl *client.Client, _ string) (out []string, err error) {
		list, err := cl.Operations(ctx, client.OperationQuery{Open: open, Limit: completeMost})
		for _, o := range list {
			out = append(out, o.ID+"\t"+strings.Join([]string{string(o.Kind), o.Name, string(o.State)}, " "))
		}
		return out, err
	}
}
