package main

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rackwright/api/wire"
	"rackwright/deploy"
)

// asking reads from a command's flags and the arguments behind the machine's name which
// change is wanted; nil is none, and then the command shows.
type asking func(c *cobra.Command, args []string) (*deploy.BMCOrder, error)

// changes makes a command of asking and showing. It waits for the change unless told not
// to: such changes take seconds.
func changes(w *world, c *cobra.Command, show func(ctx context.Context, machine string) error, ask asking) *cobra.Command {
	var background, wait, dry, together bool
	var timeout time.Duration
	c.Long = strings.TrimSpace(c.Long + "\nA change may be of several machines, with commas between their names.")
	c.RunE = func(c *cobra.Command, args []string) error {
		o, err := ask(c, args[1:])
		if err != nil {
			return err
		}
		machines := strings.Split(args[0], ",")
		if o == nil && len(machines) > 1 {
			return usage(c, "name one machine to look at")
		}
		if o == nil {
			return show(c.Context(), args[0])
		}
		cl, err := w.connect()
		if err != nil {
			return err
		}
		if dry {
			would := func(ctx context.Context, m string) (wire.Steps, error) { return cl.PlanManage(ctx, m, *o) }
			return dryRun(c.Context(), w, machines, would, printWould)
		}
		if loss := lost(o); loss != "" {
			yes, _ := c.Flags().GetBool("yes") // of the commands that may lose something
			if err := w.sure(yes, loss, machines...); err != nil {
				return err
			}
		}
		f := following{watch: wait && !background, timeout: timeout, together: together}
		return beginMany(c.Context(), w, cl, "bmc", machines, wire.Manage{BMCOrder: *o}, f, func(ctx context.Context, m string, o wire.Manage) (deploy.Operation, error) {
			return cl.Manage(ctx, m, o.BMCOrder)
		})
	}
	c.Flags().BoolVar(&dry, "dry-run", false, "only show the steps of a change")
	c.Flags().BoolVar(&wait, "wait", true, "wait for the end of a change")
	c.Flags().BoolVar(&together, "all-or-none", false, "of several machines, begin on all or on none")
	c.Flags().BoolVar(&background, "background", false, "the same as --wait=false")
	c.Flags().DurationVar(&timeout, "timeout", 15*time.Minute, "how `long` to wait for a change; it goes on after that")
	return c
}

// lost is what a change takes away for good, as sure says it; "" is nothing.
func lost(o *deploy.BMCOrder) string {
	switch {
	case o.Do == deploy.BMCClearLog:
		return "empties the BMC's event log of"
	case o.Do == deploy.BMCSecureBootKeys && o.Name == "default":
		return "puts the maker's Secure Boot keys in place of those of"
	case o.Do == deploy.BMCSecureBootKeys:
		return "deletes Secure Boot keys of"
	}
	return ""
}

// plainChange is a command without arguments but the machine.
func plainChange(w *world, do deploy.BMCDeed, use, short, long string) *cobra.Command {
	return changes(w, &cobra.Command{Use: use + " MACHINE", Short: short, Long: long, Args: names(1, 1), Example: "  rackwright bmc " + use + " r1-u10"},
		nil, func(*cobra.Command, []string) (*deploy.BMCOrder, error) { return &deploy.BMCOrder{Do: do}, nil })
}

func bmcInsert(w *world) *cobra.Command {
	return changes(w, &cobra.Command{Use: "insert MACHINE URL", Short: "Put an ISO image into the virtual CD drive", Args: names(2, 2),
		Long: "Puts the ISO image at an http or https URL into the virtual CD drive, in place of what is in it. The BMC\n" +
			"fetches it from there by itself. 'rackwright bmc boot MACHINE cd' has the machine start from it.",
		Example: "  rackwright bmc insert r1-u10 http://10.0.0.5/rescue.iso"}, nil,
		func(_ *cobra.Command, args []string) (*deploy.BMCOrder, error) {
			return &deploy.BMCOrder{Do: deploy.BMCInsertMedia, URL: args[0]}, nil
		})
}

func bmcBoot(w *world) *cobra.Command {
	o := deploy.BMCOrder{Do: deploy.BMCBoot}
	c := &cobra.Command{Use: "boot MACHINE [none|pxe|http|disk|cd|setup]", Short: "Show what a machine boots, or set what it boots next", Args: names(1, 2),
		Long: "Without a target: the boot override in force, the machine's own boot order and Secure Boot, read from the BMC.\n" +
			"With one: where the next start boots from; the BMC must read it back. The machine is not restarted.",
		Example: "  rackwright bmc boot r1-u10\n  rackwright bmc boot r1-u10,r1-u11 cd --mode uefi\n  rackwright bmc boot r1-u10 none"}
	c.Flags().StringVar((*string)(&o.Mode), "mode", "", "boot `mode` to ask for as well: bios or uefi")
	c.Flags().StringVar(&o.URL, "url", "", "of http: `URL` to load, where DHCP does not say")
	c.Flags().BoolVar(&o.Lasting, "lasting", false, "for every start until it is set to none, not for the next only")
	return changes(w, c, w.showBooting, func(_ *cobra.Command, args []string) (*deploy.BMCOrder, error) {
		if len(args) == 0 {
			return nil, nil
		}
		o.Target = args[0]
		return &o, nil
	})
}

func bmcOrder(w *world) *cobra.Command {
	return changes(w, &cobra.Command{Use: "order MACHINE REFERENCE...", Short: "Set a machine's own boot order", Args: names(2, -1),
		Long: "Puts the boot options named first, in this order; the others follow as they were. 'rackwright bmc boot MACHINE'\n" +
			"lists them. Many BMCs apply it at the next reset.",
		Example: "  rackwright bmc order r1-u10 Boot0003 Boot0001"}, nil,
		func(_ *cobra.Command, args []string) (*deploy.BMCOrder, error) {
			return &deploy.BMCOrder{Do: deploy.BMCBootOrder, Order: args}, nil
		})
}

func bmcSecureBoot(w *world) *cobra.Command {
	wishes := map[string]deploy.BMCOrder{
		"on":           {Do: deploy.BMCSecureBoot, On: true},
		"off":          {Do: deploy.BMCSecureBoot},
		"default-keys": {Do: deploy.BMCSecureBootKeys, Name: "default"},
		"delete-keys":  {Do: deploy.BMCSecureBootKeys, Name: "delete"},
		"delete-pk":    {Do: deploy.BMCSecureBootKeys, Name: "delete-pk"},
	}
	c := &cobra.Command{Use: "secure-boot MACHINE on|off|default-keys|delete-keys|delete-pk", Short: "Switch UEFI Secure Boot, or reset its keys", Args: names(2, 2),
		Long:    "Takes effect at the next reset. 'rackwright bmc boot MACHINE' shows how it stands.",
		Example: "  rackwright bmc secure-boot r1-u10 on\n  rackwright bmc secure-boot r1-u10 delete-keys --yes"}
	yesFlag(c, new(bool))
	return changes(w, c, nil,
		func(c *cobra.Command, args []string) (*deploy.BMCOrder, error) {
			o, ok := wishes[args[0]]
			if !ok {
				return nil, usage(c, "Secure Boot cannot be %q: say on, off, default-keys, delete-keys or delete-pk", args[0])
			}
			return &o, nil
		})
}

func bmcSettings(w *world) *cobra.Command {
	var all bool
	c := &cobra.Command{Use: "settings MACHINE [NAME=VALUE...]", Short: "Show BIOS settings, or stage changes for the next reset", Args: names(1, -1),
		Long: "Without changes: the settings that wait for the next reset, or all with --all. Names and values are those of\n" +
			"the machine's attribute registry.",
		Example: "  rackwright bmc settings r1-u10 --all\n  rackwright bmc settings r1-u10 BootMode=Uefi ProcVirtualization=Enabled"}
	c.Flags().BoolVar(&all, "all", false, "show those in force, too")
	show := func(ctx context.Context, machine string) error { return w.showSettings(ctx, machine, all) }
	return changes(w, c, show, func(c *cobra.Command, args []string) (*deploy.BMCOrder, error) {
		if len(args) == 0 {
			return nil, nil
		}
		o := &deploy.BMCOrder{Do: deploy.BMCSettings, Values: map[string]string{}}
		for _, pair := range args {
			name, value, ok := strings.Cut(pair, "=")
			if _, twice := o.Values[name]; !ok || name == "" || twice {
				return nil, usage(c, "%q is not NAME=VALUE, or its name is there twice", pair)
			}
			o.Values[name] = value
		}
		return o, nil
	})
}

func bmcProtocols(w *world) *cobra.Command {
	return changes(w, &cobra.Command{Use: "protocols MACHINE [NAME on|off]", Short: "Show what a BMC offers on the network, or switch it", Args: names(1, 3),
		Example: "  rackwright bmc protocols r1-u10\n  rackwright bmc protocols r1-u10 ipmi off"}, w.showProtocols,
		func(c *cobra.Command, args []string) (*deploy.BMCOrder, error) {
			switch {
			case len(args) == 0:
				return nil, nil
			case len(args) == 2 && (args[1] == "on" || args[1] == "off"):
				return &deploy.BMCOrder{Do: deploy.BMCProtocol, Name: args[0], On: args[1] == "on"}, nil
			}
			return nil, usage(c, "say which protocol, and on or off")
		})
}

func bmcClock(w *world) *cobra.Command {
	var set bool
	o := deploy.BMCOrder{Do: deploy.BMCClock}
	c := &cobra.Command{Use: "clock MACHINE", Short: "Show or set a BMC's time", Args: names(1, 1),
		Long: "With --set the BMC follows the time servers of its network in the plan, or those of --ntp. Without any it is set\n" +
			"to Rackwright's time.",
		Example: "  rackwright bmc clock r1-u10\n  rackwright bmc clock r1-u10 --set"}
	c.Flags().BoolVar(&set, "set", false, "set it")
	c.Flags().StringSliceVar(&o.Servers, "ntp", nil, "NTP `servers` to follow; sets them")
	return changes(w, c, w.showClock, func(*cobra.Command, []string) (*deploy.BMCOrder, error) {
		if !set && len(o.Servers) == 0 {
			return nil, nil
		}
		return &o, nil
	})
}

func bmcLog(w *world) *cobra.Command {
	var empty bool
	var limit int
	c := &cobra.Command{Use: "log MACHINE", Short: "Show or clear a BMC's event log", Args: names(1, 1),
		Example: "  rackwright bmc log r1-u10 --limit 20\n  rackwright bmc log r1-u10 --clear --yes"}
	yesFlag(c, new(bool))
	c.Flags().BoolVar(&empty, "clear", false, "empty it")
	c.Flags().IntVar(&limit, "limit", 100, "the newest so many `entries`, at most 1000")
	show := func(ctx context.Context, machine string) error { return w.showLog(ctx, machine, limit) }
	return changes(w, c, show, func(*cobra.Command, []string) (*deploy.BMCOrder, error) {
		if !empty {
			return nil, nil
		}
		return &deploy.BMCOrder{Do: deploy.BMCClearLog}, nil
	})
}
