package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"rackwright/api/client"
	"rackwright/api/wire"
	"rackwright/fault"
	"rackwright/inventory/racking"
)

const scanLong = `Say what scanned codes are and to whom they belong: labels of racks, machines, slots and
cables, serial numbers, asset tags, BMC stickers, system UUIDs. Where a code may be two
things, say which: serial:X, asset:X, mac:X or uuid:X.

Together with a place (a slot's or machine's label, or --rack and --u) and --yes the
hardware is bound to the machine planned there, which is then received and mounted.

Without codes they are read from standard input, one a line, as a hand scanner types them;
an empty line ends each scan.`

func scanCommand(w *world) *cobra.Command {
	var s wire.Codes
	c := &cobra.Command{Use: "scan [CODE...]", Short: "Say what scanned codes are, and bind hardware to its slot", Args: names(0, racking.MaxCodes), Long: scanLong,
		Example: "  rackwright scan SGH123456\n  rackwright scan rw:slot:r1:10 SGH123456 --yes\n  rackwright scan SGH123456 A-0815 --rack r1 --u 10 --yes",
		RunE: func(c *cobra.Command, args []string) error {
			if s.U > 0 && s.Rack == "" {
				return usage(c, "--u needs --rack")
			}
			cl, err := w.connect()
			if err != nil {
				return err
			}
			if len(args) == 0 {
				return w.scanLines(c.Context(), cl, s)
			}
			s.Codes = args
			return w.scan(c.Context(), cl, s)
		}}
	c.Flags().StringVar(&s.Rack, "rack", "", "`name` of the rack you stand at")
	c.Flags().IntVar(&s.U, "u", 0, "`unit` you stand at")
	c.Flags().StringVar(&s.Face, "face", "", "front or rear, where a unit holds several `things`")
	c.Flags().StringVar(&s.Side, "side", "", "left or right `half`")
	c.Flags().BoolVar(&s.Confirm, "yes", false, "record what the codes bind")
	return c
}

func (w *world) scan(ctx context.Context, cl *client.Client, s wire.Codes) error {
	got, err := cl.Scan(ctx, s)
	if err != nil {
		return err
	}
	return w.show(got, func(out io.Writer) { printScan(out, got) })
}

// scanLines reads codes line by line. A scan that is refused is told and the next one is
// read; the first refusal is the error in the end.
func (w *world) scanLines(ctx context.Context, cl *client.Client, s wire.Codes) error {
	var first error
	flush := func() {
		if len(s.Codes) == 0 {
			return
		}
		err := w.scan(ctx, cl, s)
		if s.Codes = nil; err == nil {
			return
		}
		if report(w.err, err); first == nil {
			first = err
		}
	}
	lines := bufio.NewScanner(w.in)
	for lines.Scan() && ctx.Err() == nil {
		code := strings.TrimSpace(lines.Text())
		if code != "" {
			s.Codes = append(s.Codes, code)
		}
		if code == "" || len(s.Codes) == racking.MaxCodes {
			flush()
		}
	}
	flush()
	if err := lines.Err(); err != nil {
		return fault.Invalidf("read codes: %w", err).WithHint("type or scan one code a line")
	}
	if first != nil {
		return badly("the others were taken", "a scan was refused: %s", first)
	}
	return nil
}

func printScan(out io.Writer, s racking.Scan) {
	for _, r := range s.Codes {
		fmt.Fprintf(out, "%s: %s: %s\n", oneLine(r.Code), r.Is, oneLine(r.Says))
	}
	for _, p := range s.Problems {
		fmt.Fprintf(out, "PROBLEM: %s\n", oneLine(p))
	}
	if s.Place == nil || s.Binding == nil || len(s.Problems) > 0 {
		return
	}
	verb := "would be"
	if s.Bound {
		verb = "is"
	}
	var parts []string
	for _, set := range s.Binding.Agree {
		parts = append(parts, set.String()+" as planned")
	}
	for _, set := range s.Binding.Set {
		parts = append(parts, set.String()+" new")
	}
	fmt.Fprintf(out, "%s in %s %s %s bound: %s", oneLine(s.Place.Owner), oneLine(s.Place.Slot.Rack), s.Place.Slot.Units(), verb, oneLine(strings.Join(parts, ", ")))
	if s.Binding.Phase != "" {
		fmt.Fprintf(out, "; %s", s.Binding.Phase)
	}
	fmt.Fprintln(out)
	if !s.Bound {
		fmt.Fprintln(out, "nothing was recorded: say it again with --yes")
	}
}
