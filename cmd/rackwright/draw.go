package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"rackwright/api/client"
	"rackwright/fault"
)

func rackDraw(w *world) *cobra.Command {
	var face, to string
	c := &cobra.Command{Use: "draw RACK", Short: "Draw a rack as SVG", Args: names(1, 1),
		Long: "Draw the front and the rear of a rack as SVG: what stands in which unit, its phase, and what needs attention.\n" +
			"What takes the full depth is hatched at the rear.",
		Example: "  rackwright rack draw r1 > r1.svg\n  rackwright rack draw r1 --face front --out r1.svg",
		RunE: func(c *cobra.Command, args []string) error {
			return w.picture(to, func(cl *client.Client) ([]byte, error) { return cl.Elevation(c.Context(), args[0], face) })
		}}
	c.Flags().StringVar(&face, "face", "both", "front, rear or both")
	c.Flags().StringVar(&to, "out", "", "write to this `file` instead of printing")
	return c
}

func rackLabels(w *world) *cobra.Command {
	var kind string
	c, p := printing(w, func(ctx context.Context, cl *client.Client, name, format string, paper client.Paper) ([]byte, error) {
		return cl.RackLabels(ctx, name, kind, format, paper)
	})
	c.Use, c.Short = "labels RACK", "Print labels of a rack, its units, what stands in it, or its cables"
	c.Long = "Print labels with a QR code that 'rackwright scan' and phones read, and with the same in words.\n" +
		"A page is one label for a label printer, or a sheet of A4 with --columns. A cable has a label at each end."
	c.Example = "  rackwright rack labels r1 --kind machines --out r1.pdf\n  rackwright rack labels r1 --kind slots --columns 4 --rows 11 --out r1-units.pdf\n  rackwright rack labels r1 --kind cables --columns 3 --rows 8 --out cables.pdf\n" +
		"  rackwright rack labels r1 --kind rack --width 100 --height 50 --format svg > r1.svg"
	p.StringVar(&kind, "kind", "machines", "rack, slots, machines or cables")
	return c
}

func machineLabel(w *world) *cobra.Command {
	c, _ := printing(w, func(ctx context.Context, cl *client.Client, name, format string, paper client.Paper) ([]byte, error) {
		return cl.MachineLabel(ctx, name, format, paper)
	})
	c.Use, c.Short = "label MACHINE", "Print the label of a machine"
	c.Example = "  rackwright machine label r1-u10 --out r1-u10.pdf"
	return c
}

// printing is a command that prints labels, and its flags.
func printing(w *world, get func(context.Context, *client.Client, string, string, client.Paper) ([]byte, error)) (*cobra.Command, flagSet) {
	var format, to string
	var paper client.Paper
	c := &cobra.Command{Args: names(1, 1), RunE: func(c *cobra.Command, args []string) error {
		if format != "pdf" && format != "svg" {
			return fault.Invalidf("labels cannot be printed as %q", format).WithHint("--format is pdf or svg")
		}
		return w.picture(to, func(cl *client.Client) ([]byte, error) { return get(c.Context(), cl, args[0], format, paper) })
	}}
	f := c.Flags()
	f.StringVar(&format, "format", "pdf", "pdf or svg")
	f.StringVar(&to, "out", "", "write to this `file` instead of printing")
	f.Float64Var(&paper.Width, "width", 0, "width of a label in `mm` (default 62)")
	f.Float64Var(&paper.Height, "height", 0, "height of a label in `mm` (default 29)")
	f.IntVar(&paper.Columns, "columns", 0, "print sheets of A4 with so many labels side by side")
	f.IntVar(&paper.Rows, "rows", 0, "labels one below the other on a sheet (default 8)")
	return c, f
}

// flagSet is what a command adds a flag to.
type flagSet interface {
	StringVar(p *string, name, value, usage string)
}

// picture asks for bytes and writes them to a file, or prints them.
func (w *world) picture(to string, get func(*client.Client) ([]byte, error)) error {
	cl, err := w.connect()
	if err != nil {
		return err
	}
	text, err := get(cl)
	if err != nil {
		return err
	}
	if to == "" || to == "-" {
		_, err = w.out.Write(text)
		return err
	}
	if err := os.WriteFile(to, text, 0o644); err != nil {
		return fault.Invalidf("write the drawing: %w", err).WithHint("name a file in a directory that exists")
	}
	fmt.Fprintf(w.err, "Wrote %s.\n", oneLine(to))
	return nil
}
