package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"rackwright/fault"
	"rackwright/racksim"
	"rackwright/racksim/run"
)

// options are the flags.
type options struct {
	file      string
	state     string
	readyFile string
	verbose   bool
}

const about = `racksim starts the machines of a rack file: each is a virtual machine with real
firmware (SeaBIOS or OVMF) behind its own Redfish BMC, with its own address, password
and TLS certificate. Point a provisioning service at the BMCs and rehearse.

The bridge must exist; NICs join it as taps. Taps and addresses need root.

  ip link add br0 type bridge forward_delay 0 && ip link set br0 up
  ip link add oob0 type bridge forward_delay 0 && ip link set oob0 up
  racksim up -f rack.yaml

A rack file:

` + example + `
Left out, fields get defaults: firmware uefi, memory 1024 (MiB), cpus 1, power off,
boot [network, disk], a serial, UUID and BMC password of the machine's own.`

const example = `  rack: r1
  bridge: {name: br0}
  oob: {interface: oob0}
  machines:
    - name: node1
      u: 10
      firmware: bios
      nics: [{mac: "52:54:00:77:00:01"}]
      disks: [{size: 4GiB, serial: DISK0001}]
      bmc: {address: 10.78.0.11}
`

func command(out, errs io.Writer) *cobra.Command {
	var o options
	root := &cobra.Command{
		Use: "racksim", Short: "A rack of simulated machines behind Redfish BMCs", Long: about,
		SilenceUsage: true, SilenceErrors: true,
	}
	root.SetOut(out)
	root.SetErr(errs)
	flags := root.PersistentFlags()
	flags.StringVarP(&o.file, "file", "f", "", "rack file (YAML); - reads standard input")
	flags.StringVar(&o.state, "state", "", "directory for disks, passwords, certificates and logs (default: per rack, below /var/lib/racksim as root, else ~/.local/state/racksim)")
	root.AddCommand(up(&o), check(&o), plan(&o), firmware(), mockups())
	return root
}

func up(o *options) *cobra.Command {
	c := &cobra.Command{
		Use: "up -f rack.yaml", Short: "Start the rack and keep it running until Ctrl-C", Args: cobra.NoArgs,
		Long: "Starts every machine of the rack file and prints a line for each when all BMCs answer.\n" +
			"Ctrl-C or SIGTERM ends all machines and removes their taps and addresses. Disks, firmware\n" +
			"variables, passwords and certificates stay in the state directory for the next time.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			rack, err := o.open(cmd.InOrStdin(), cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			return o.up(cmd.Context(), cmd.OutOrStdout(), rack)
		},
	}
	c.Flags().StringVar(&o.readyFile, "ready-file", "", "write the machines' lines to this file, in one step, when all BMCs answer")
	c.Flags().BoolVarP(&o.verbose, "verbose", "v", false, "log every start, end and power verb")
	return c
}

// up runs the rack until ctx ends, and reports once when it is ready.
func (o *options) up(ctx context.Context, out io.Writer, rack *run.Rack) error {
	if o.readyFile != "" {
		_ = os.Remove(o.readyFile) // of an earlier run
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- rack.Run(ctx) }()
	select {
	case err := <-done:
		return err
	case <-rack.Ready():
	}
	report(out, rack.Bays())
	if o.readyFile != "" {
		if err := writeReady(o.readyFile, rack.Bays()); err != nil {
			cancel()
			<-done
			return err
		}
	}
	return <-done
}

func check(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "check -f rack.yaml", Short: "Check a rack file and start nothing", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			rack, err := o.read(cmd.InOrStdin())
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "rack %s is good: %d machine(s)\n", rack.Name, len(rack.Machines))
			return nil
		},
	}
}

func plan(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "plan -f rack.yaml", Short: "Print the Rackwright rack plan for these machines", Args: cobra.NoArgs,
		Long: "Prints a rack plan that Rackwright applies as it is once its networks are known: add them\n" +
			"under networks:, or apply them first. Passwords are named by file, not printed. BMC\n" +
			"passwords and certificates are made now if the rack never ran with this state directory.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			rack, err := o.open(cmd.InOrStdin(), cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			text, err := rack.Plan()
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(text)
			return err
		},
	}
}

// read parses the rack file.
func (o *options) read(in io.Reader) (*racksim.Rack, error) {
	if o.file == "" {
		return nil, fault.Invalidf("no rack file").WithHint("name one with -f rack.yaml; racksim --help shows an example")
	}
	if o.file != "-" {
		f, err := os.Open(o.file)
		if err != nil {
			return nil, fault.NotFoundf("rack file: %w", err)
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, racksim.MaxFile+1))
	if err != nil {
		return nil, fault.Invalidf("rack file: %w", err)
	}
	return racksim.Parse(text)
}

// open reads the rack file and prepares the state directory.
func (o *options) open(in io.Reader, errs io.Writer) (*run.Rack, error) {
	rack, err := o.read(in)
	if err != nil {
		return nil, err
	}
	dir := o.state
	if dir == "" {
		if dir, err = defaultState(rack.Name); err != nil {
			return nil, err
		}
	}
	level := slog.LevelWarn
	if o.verbose {
		level = slog.LevelInfo
	}
	logger := slog.New(slog.NewTextHandler(errs, &slog.HandlerOptions{Level: level}))
	return run.New(run.Config{Rack: rack, StateDir: dir, Logger: logger, Now: time.Now})
}

func defaultState(rack string) (string, error) {
	if os.Geteuid() == 0 {
		return filepath.Join("/var/lib/racksim", rack), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fault.Invalidf("no home directory").WithHint("name a directory with --state")
	}
	return filepath.Join(home, ".local/state/racksim", rack), nil
}
