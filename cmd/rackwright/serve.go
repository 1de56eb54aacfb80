package main

import (
	"fmt"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"rackwright/config"
	"rackwright/fault"
	"rackwright/heap"
)

const serveLong = `Runs the services that the configuration switches on, in one process: DHCP, TFTP and
HTTP for netbooting machines, the agents' server, the API and the worker that does
operations. Without --config it keeps its state in one directory, on an embedded
database, and answers the API on loopback only.

DHCP, TFTP and HTTP boot stay closed until a network is declared whose dhcp is not off:
a DHCP server must never surprise a network.`

const serveExample = `  rackwright serve
  rackwright serve --config /etc/rackwright/rackwright.toml
  rackwright serve --print-config > rackwright.toml    # every key with its default, explained
  rackwright serve --config rackwright.toml --check    # is the file right?`

func serveCommand(w *world) *cobra.Command {
	var file string
	var reference, check bool
	c := &cobra.Command{Use: "serve", Short: "Run the server", Long: serveLong, Example: serveExample, Args: names(0, 0)}
	c.Flags().StringVar(&file, "config", w.getenv("RACKWRIGHT_CONFIG"), "TOML `file` (env RACKWRIGHT_CONFIG)")
	c.Flags().BoolVar(&reference, "print-config", false, "print the reference configuration and exit")
	c.Flags().BoolVar(&check, "check", false, "check the configuration and exit")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if reference {
			fmt.Fprint(w.out, config.Reference())
			return nil
		}
		cfg := config.Default()
		if file != "" {
			var err error
			if cfg, err = config.Load(file); err != nil {
				return err
			}
		}
		if check {
			fmt.Fprintln(w.out, "the configuration is right")
			return nil
		}
		var memory *heap.Collector
		if w.getenv("GOGC") == "" {
			memory = heap.Wait(heap.Floor)
		}
		s, err := assemble(c.Context(), cfg, logger(w, cfg.Log))
		if err != nil {
			return err
		}
		defer s.close()
		s.add(memory != nil, &settler{memory: memory, started: s.view.Ready()})
		if socket := w.getenv("NOTIFY_SOCKET"); socket != "" {
			s.add(true, &herald{socket: socket, tasks: s.tasks, log: s.log})
		}
		return s.run(c.Context())
	}
	return c
}

func logger(w *world, l config.Log) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(l.Level)); err != nil {
		level = slog.LevelInfo
	}
	opts := &slog.HandlerOptions{Level: level}
	if l.Format == "json" {
		return slog.New(slog.NewJSONHandler(w.err, opts))
	}
	return slog.New(slog.NewTextHandler(w.err, opts))
}

// stateDir makes the state directory, closed to others: it holds the key and the token.
func stateDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fault.Invalidf("state directory: %w", err).WithHint("run as a user that may write %s, or set state_dir", dir)
	}
	return nil
}

// owner names this process among those that share a database.
func owner() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%s/%d", host, os.Getpid())
}
