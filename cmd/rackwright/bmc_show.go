package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rackwright/api/client"
	"rackwright/api/wire"
	"rackwright/bmc"
)

// seeing makes the function that asks a machine's BMC and prints its answer.
func seeing[T any](w *world, ask func(*client.Client, context.Context, string) (T, error), print func(io.Writer, T)) func(context.Context, string) error {
	return func(ctx context.Context, machine string) error {
		cl, err := w.connect()
		if err != nil {
			return err
		}
		v, err := ask(cl, ctx, machine)
		if err != nil {
			return err
		}
		return w.show(v, func(out io.Writer) { print(out, v) })
	}
}

// shows is a command that only shows.
func shows(use, short string, show func(context.Context, string) error) *cobra.Command {
	return &cobra.Command{Use: use + " MACHINE", Short: short, Args: names(1, 1), Example: "  rackwright bmc " + use + " r1-u10",
		RunE: func(c *cobra.Command, args []string) error { return show(c.Context(), args[0]) }}
}

func bmcSensors(w *world) *cobra.Command {
	return shows("sensors", "Show a machine's sensors and health", seeing(w, (*client.Client).Readings, printReadings))
}

func printReadings(out io.Writer, r bmc.Readings) {
	fmt.Fprintf(out, "Health: %s\n", oneLine(healthText(r.Health)))
	for _, ill := range r.Ills {
		fmt.Fprintf(out, "%s: %s %s\n", oneLine(ill.Part), oneLine(string(ill.Health)), oneLine(ill.Says))
	}
	rows := make([][]string, len(r.Sensors))
	for i, s := range r.Sensors {
		rows[i] = []string{s.Name, s.Kind, strings.TrimSpace(reading(s.Value) + " " + s.Unit), threshold(s.Low), threshold(s.High), string(s.Health), s.Location}
	}
	table(out, []string{"SENSOR", "KIND", "VALUE", "LOW", "HIGH", "HEALTH", "LOCATION"}, rows)
}

func healthText(h bmc.Health) string {
	if h == "" {
		return "not told"
	}
	return string(h)
}

func reading(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

func threshold(v float64) string {
	if v == 0 {
		return ""
	}
	return reading(v)
}

func (w *world) showBooting(ctx context.Context, machine string) error {
	return seeing(w, (*client.Client).Booting, printBooting)(ctx, machine)
}

func printBooting(out io.Writer, b wire.Booting) {
	next := string(b.Next.Target)
	if b.Next.Mode != "" {
		next += " (" + string(b.Next.Mode) + ")"
	}
	if b.Next.Lasting {
		next += ", until cleared"
	}
	facts := []string{"Next boot", next, "URL", b.Next.URI}
	if s := b.SecureBoot; s != nil {
		facts = append(facts, "Secure Boot", strings.TrimSuffix(fmt.Sprintf("%s, this start %s, %s", onOff(s.On), onOff(s.Running), s.Mode), ", "))
		for _, k := range s.Keys {
			facts = append(facts, "  "+k.Database, fmt.Sprintf("%d certificates, %d signatures", k.Certificates, k.Signatures))
		}
	}
	pairs(out, facts...)
	rows := make([][]string, len(b.Order))
	for i, o := range b.Order {
		rows[i] = []string{strconv.Itoa(i + 1), o.Reference, o.Name, map[bool]string{true: "disabled"}[o.Disabled], o.Device}
	}
	if len(rows) > 0 {
		table(out, []string{"ORDER", "REFERENCE", "NAME", "STATE", "DEVICE"}, rows)
	}
}

func onOff(on bool) string { return map[bool]string{true: "on", false: "off"}[on] }

func (w *world) showSettings(ctx context.Context, machine string, all bool) error {
	return seeing(w, (*client.Client).Settings, func(out io.Writer, s bmc.Settings) {
		var rows [][]string
		for _, name := range slices.Sorted(maps.Keys(s.Now)) {
			if pending := s.Pending[name]; all || pending != "" {
				rows = append(rows, []string{name, s.Now[name], pending})
			}
		}
		if len(rows) == 0 {
			fmt.Fprintf(out, "%d settings, none waits for a reset; --all shows them\n", len(s.Now))
			return
		}
		table(out, []string{"SETTING", "VALUE", "AFTER THE NEXT RESET"}, rows)
	})(ctx, machine)
}

func (w *world) showProtocols(ctx context.Context, machine string) error {
	return seeing(w, (*client.Client).Protocols, func(out io.Writer, list []bmc.Protocol) {
		var rows [][]string
		for _, p := range list {
			rows = append(rows, []string{p.Name, onOff(p.On), strings.TrimPrefix(strconv.Itoa(p.Port), "0")})
		}
		table(out, []string{"PROTOCOL", "STATE", "PORT"}, rows)
	})(ctx, machine)
}

func (w *world) showClock(ctx context.Context, machine string) error {
	return seeing(w, (*client.Client).Clock, func(out io.Writer, k bmc.Clock) {
		pairs(out, "Time", k.Time.UTC().Format(time.RFC3339), "Ahead of Rackwright by", k.Off.Round(time.Second).String(), "NTP", onOff(k.NTP),
			"Servers", strings.Join(k.Servers, ", "))
	})(ctx, machine)
}

func (w *world) showLog(ctx context.Context, machine string, limit int) error {
	read := func(cl *client.Client, ctx context.Context, machine string) ([]bmc.Entry, error) {
		return cl.BMCLog(ctx, machine, limit)
	}
	return seeing(w, read, func(out io.Writer, list []bmc.Entry) {
		var rows [][]string
		for _, e := range list {
			rows = append(rows, []string{timeText(e.At), e.Log, string(e.Severity), e.Message, e.Code})
		}
		table(out, []string{"TIME", "LOG", "SEVERITY", "MESSAGE", "CODE"}, rows)
	})(ctx, machine)
}

func bmcMedia(w *world) *cobra.Command {
	return shows("media", "Show a machine's virtual drives", seeing(w, (*client.Client).Media, func(out io.Writer, list []bmc.Medium) {
		var rows [][]string
		for _, m := range list {
			rows = append(rows, []string{m.ID, strings.Join(m.Kinds, " "), map[bool]string{true: "inserted", false: "empty"}[m.Inserted], m.Image})
		}
		table(out, []string{"DRIVE", "KINDS", "STATE", "IMAGE"}, rows)
	}))
}

func bmcAccounts(w *world) *cobra.Command {
	return shows("accounts", "Show the users of a machine's BMC", seeing(w, (*client.Client).Accounts, func(out io.Writer, list []bmc.Account) {
		var rows [][]string
		for _, a := range list {
			state := map[bool]string{true: "enabled", false: "disabled"}[a.Enabled]
			if a.Locked {
				state = "locked"
			}
			rows = append(rows, []string{a.Name, a.Role, state})
		}
		table(out, []string{"USER", "ROLE", "STATE"}, rows)
	}))
}

func bmcFirmware(w *world) *cobra.Command {
	return shows("firmware", "Show the firmware that a machine's BMC lists", seeing(w, (*client.Client).Components, func(out io.Writer, list []bmc.Component) {
		var rows [][]string
		for _, c := range list {
			rows = append(rows, []string{c.Name, c.Version, map[bool]string{true: "yes", false: "no"}[c.Updatable], c.ID})
		}
		table(out, []string{"COMPONENT", "VERSION", "UPDATABLE", "ID"}, rows)
	}))
}

func bmcConsole(w *world) *cobra.Command {
	return shows("console", "Say how a machine's serial console is reached", seeing(w, (*client.Client).Console, func(out io.Writer, k bmc.Console) {
		pairs(out, "Console", onOff(k.On), "By", strings.Join(k.Kinds, ", "), "Sessions", strings.TrimPrefix(strconv.Itoa(k.Most), "0"), "Command", k.Command)
	}))
}

func bmcSubscriptions(w *world) *cobra.Command {
	return shows("subscriptions", "Show where a machine's BMC sends its events", seeing(w, (*client.Client).Subscriptions, func(out io.Writer, list []bmc.Subscription) {
		var rows [][]string
		for _, s := range list {
			rows = append(rows, []string{s.ID, s.Destination, s.Context})
		}
		table(out, []string{"SUBSCRIPTION", "DESTINATION", "CONTEXT"}, rows)
	}))
}
