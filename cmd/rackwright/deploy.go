package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"rackwright/api/client"
	"rackwright/api/wire"
	"rackwright/deploy"
	"rackwright/fault"
)

// deployFlags are what is said of a deployment besides the machine.
type deployFlags struct {
	image, userData, seed, answers string
	keys, vars, overwrite          []string
	local, live, mirror, kexec     bool
}

func (f *deployFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.image, "image", "", "`name` of the image")
	c.Flags().BoolVar(&f.local, "local", false, "boot what is on the disk already, instead of an image")
	c.Flags().BoolVar(&f.live, "live", false, "run a root file system in memory instead of writing it")
	c.Flags().StringArrayVar(&f.keys, "ssh-key", nil, "`file` with public keys that may log in; may be repeated")
	c.Flags().StringVar(&f.userData, "user-data", "", "`file` with cloud-init user-data, or an Ignition configuration")
	c.Flags().StringVar(&f.seed, "seed", "", "`form` of the first-boot configuration: nocloud, config-drive, ignition or none")
	c.Flags().StringVar(&f.answers, "answers", "", "`file` with a template of the installer's answers, instead of the image's own")
	c.Flags().StringArrayVar(&f.vars, "var", nil, "`name=value` for templates; may be repeated")
	c.Flags().BoolVar(&f.mirror, "mirror", false, "two disks, as RAID 1")
	c.Flags().BoolVar(&f.kexec, "kexec", false, "start the system without a reboot where that is possible")
	c.Flags().StringArrayVar(&f.overwrite, "overwrite", nil, "`serial` of a disk whose data, whatever it is, is given up; may be repeated")
}

// order reads the files that it is made of.
func (f *deployFlags) order(c *cobra.Command) (wire.Deploy, error) {
	if f.image == "" && !f.local {
		return wire.Deploy{}, usage(c, "which image? give --image NAME ('rackwright image list' shows them), or --local for what is on the disk")
	}
	order, err := readOrder(f.image, f.userData, f.keys)
	if err != nil {
		return order, err
	}
	order.Local, order.Live, order.Mirror, order.Kexec, order.Seed, order.Overwrite = f.local, f.live, f.mirror, f.kexec, f.seed, f.overwrite
	for _, v := range f.vars {
		name, value, ok := strings.Cut(v, "=")
		if !ok || name == "" {
			return order, usage(c, "--var %q is not name=value", v)
		}
		if order.Vars == nil {
			order.Vars = map[string]string{}
		}
		order.Vars[name] = value
	}
	if f.answers != "" {
		if order.Answers, err = readSmall(f.answers); err != nil {
			return order, fault.Invalidf("read answers: %w", err).WithHint("name a file you can read; 'rackwright template show preseed.cfg.tmpl' is one to begin with")
		}
	}
	return order, nil
}

func deployCommand(w *world) *cobra.Command {
	var f deployFlags
	var follow following
	var dry, yes bool
	var t targets
	c := &cobra.Command{Use: "deploy MACHINE... --image NAME", Short: "Bring a system to machines and see them phone home", Args: names(0, -1),
		Long: "Deploy an image. How it comes to the machine follows from the image's kind: a disk image\n" +
			"or a root file system is written, a netboot image with answers installs itself, one\n" +
			"without runs in memory, an ISO image goes through the BMC's virtual drive.\n" +
			"The disk the plan's root_disk names is overwritten; of a machine that is active you are\n" +
			"asked first, or say --yes. With --dry-run nothing is changed and\n" +
			"the steps are shown; 'rackwright preview' shows all that the machine would get.\n\n" + choosers + "\n" +
			"All of them begin at once: for as many at a time as the network and the power carry, which\n" +
			"stops when too many fail, there is 'rackwright rollout start'.",
		Example: "  rackwright deploy r1-u10 r1-u11 --image debian-12 --ssh-key ~/.ssh/id_ed25519.pub --watch\n" +
			"  rackwright deploy r1-u10 --image debian-12 --user-data cloud.yaml --dry-run\n" +
			"  rackwright deploy r1-u10 --image debian-installer --var mirror=mirror.example.net --ssh-key ~/.ssh/id_ed25519.pub\n" +
			"  rackwright deploy --rack r1 --label role=web --image debian-12 --all-or-none --yes\n" +
			"  rackwright deploy r1-u10 --local",
		RunE: func(c *cobra.Command, machines []string) error {
			order, err := f.order(c)
			if err != nil {
				return err
			}
			return w.onMachines(c, &t, machines, func(cl *client.Client, machines []string) error {
				if dry {
					would := func(ctx context.Context, m string) (wire.Steps, error) { return cl.PlanDeploy(ctx, m, order) }
					return dryRun(c.Context(), w, machines, would, printWould)
				}
				if err := w.sureOfActive(c.Context(), cl, yes || order.Live || order.Local, "overwrites the system that runs on", machines); err != nil {
					return err
				}
				return beginMany(c.Context(), w, cl, "deploy", machines, order, follow, cl.Deploy)
			})
		}}
	f.add(c)
	t.add(c)
	follow.addMany(c)
	yesFlag(c, &yes)
	c.Flags().BoolVar(&dry, "dry-run", false, "only show the steps")
	return c
}

// readOrder reads the files an order is made of.
func readOrder(image, userData string, keyFiles []string) (wire.Deploy, error) {
	order := wire.Deploy{Image: image}
	for _, file := range keyFiles {
		text, err := readSmall(file)
		if err != nil {
			return order, fault.Invalidf("read SSH key: %w", err).WithHint("give the .pub file")
		}
		if strings.Contains(text, "PRIVATE KEY-----") {
			return order, fault.Invalidf("%s is a private key", file).WithHint("give the .pub file; nothing was sent")
		}
		lines := bufio.NewScanner(strings.NewReader(text))
		lines.Buffer(nil, wire.MaxUserData)
		for lines.Scan() {
			if line := strings.TrimSpace(lines.Text()); line != "" && !strings.HasPrefix(line, "#") {
				order.SSHKeys = append(order.SSHKeys, line)
			}
		}
	}
	if userData != "" {
		text, err := readSmall(userData)
		if err != nil {
			return order, fault.Invalidf("read user-data: %w", err).WithHint("name a file you can read")
		}
		order.UserData = text
	}
	return order, nil
}

func readSmall(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, wire.MaxUserData+1))
	if err == nil && len(text) > wire.MaxUserData {
		err = fmt.Errorf("%s is larger than %d KiB", name, wire.MaxUserData>>10)
	}
	return string(text), err
}

func inspectCommand(w *world) *cobra.Command {
	var follow following
	var dry bool
	var t targets
	c := &cobra.Command{Use: "inspect MACHINE...", Short: "Netboot machines and read their parts", Args: names(0, -1),
		Long:    choosers,
		Example: "  rackwright inspect r1-u10 --watch\n  rackwright inspect --rack r1 --model X1",
		RunE: func(c *cobra.Command, machines []string) error {
			return w.onMachines(c, &t, machines, func(cl *client.Client, machines []string) error {
				if dry {
					return dryRun(c.Context(), w, machines, cl.PlanInspect, printWould)
				}
				return beginMany(c.Context(), w, cl, "inspect", machines, wire.Inspect{}, follow, func(ctx context.Context, m string, _ wire.Inspect) (deploy.Operation, error) {
					return cl.Inspect(ctx, m)
				})
			})
		}}
	t.add(c)
	follow.addMany(c)
	c.Flags().BoolVar(&dry, "dry-run", false, "only show the steps")
	return c
}

func powerCommand(w *world) *cobra.Command {
	var dry, yes bool
	f := following{watch: true}
	var t targets
	actions := []string{"on", "off", "force-off", "cycle", "reset"}
	c := &cobra.Command{Use: "power MACHINE... on|off|force-off|cycle|reset", Short: "Change machines' power state through their BMCs", Args: names(1, -1),
		Long: "off asks the system to shut down, force-off cuts power; cycle cuts it and gives it back,\n" +
			"reset restarts with the power on. It waits until the BMC says that it is so.\n" +
			"Before the system of an active machine is stopped, its name is asked for, or --yes.",
		Example: "  rackwright power r1-u10 on\n  rackwright power r1-u10 r1-u11 cycle --yes --wait=false\n  rackwright power --rack r1 off --all-or-none",
		ValidArgsFunction: func(c *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
			machines, how := w.offers(offerMachines)(c, args, begun)
			if len(args) > 0 || t.chosen() {
				return append(slices.Clone(actions), machines...), cobra.ShellCompDirectiveNoFileComp
			}
			return machines, how
		},
		RunE: func(c *cobra.Command, args []string) error {
			machines, action := args[:len(args)-1], args[len(args)-1]
			return w.onMachines(c, &t, machines, func(cl *client.Client, machines []string) error {
				if dry {
					would := func(ctx context.Context, m string) (wire.Steps, error) { return cl.PlanPower(ctx, m, action) }
					return dryRun(c.Context(), w, machines, would, printWould)
				}
				if action != "on" {
					if err := w.sureOfActive(c.Context(), cl, yes, "stops the running system of", machines); err != nil {
						return err
					}
				}
				return beginMany(c.Context(), w, cl, "power", machines, wire.Power{Action: action}, f, func(ctx context.Context, m string, o wire.Power) (deploy.Operation, error) {
					return cl.Power(ctx, m, o.Action)
				})
			})
		}}
	yesFlag(c, &yes)
	c.Flags().BoolVar(&dry, "dry-run", false, "only show the steps")
	c.Flags().BoolVar(&f.watch, "wait", true, "wait until it is done")
	c.Flags().DurationVar(&f.timeout, "timeout", 0, "stop waiting after this `time` (the work goes on)")
	c.Flags().BoolVar(&f.together, "all-or-none", false, "of several machines, begin on all or on none")
	t.add(c)
	return c
}
