package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"rackwright/fault"
	"rackwright/inventory/sheet"
)

func importCSVCommand(w *world) *cobra.Command {
	i := &importing{w: w}
	var mapped, ignored []string
	c := &cobra.Command{Use: "csv FILE|- [--site SITE] [--map \"Column=field\"]...", Short: "Make a plan of a spreadsheet saved as CSV", Args: names(1, 1),
		Long: "A row is a machine, or another thing where a column Kind says so; the first line names the columns.\n" +
			"Titles like Rack, U, Hostname, S/N, NIC2 MAC, Switch port, iDRAC IP are known; others are mapped with --map.\n" +
			"Every bad cell is listed with its line. Without --apply, --hash or --out nothing is changed.\n\nFields: " + wrapped(sheet.FieldNames(), 90),
		Example: "  rackwright import csv racks.csv --site dc1\n  rackwright import csv racks.csv --map \"Owner=label.owner\" --ignore Remarks --out racks.yaml\n" +
			"  rackwright import csv racks.csv --apply",
		RunE: func(c *cobra.Command, args []string) error {
			fields := map[string]string{}
			for _, m := range mapped {
				at := strings.LastIndex(m, "=")
				if at < 1 || at == len(m)-1 {
					return usage(c, "--map %q is not Column=field", m)
				}
				fields[m[:at]] = m[at+1:]
			}
			return i.csv(c, args[0], sheet.Options{Map: fields, Ignore: ignored})
		}}
	i.flags(c)
	c.Flags().StringArrayVar(&mapped, "map", nil, "what a `column` says, as \"Column=field\"; may be given several times")
	c.Flags().StringArrayVar(&ignored, "ignore", nil, "leave this `column` out; * for all that are not known; may be given several times")
	return c
}

func (i *importing) csv(c *cobra.Command, name string, o sheet.Options) (err error) {
	if err := i.begin(c.Context()); err != nil {
		return err
	}
	if i.site == "" {
		return fault.Invalidf("of which site is the sheet?").WithHint("name it with --site; it is made when there is none")
	}
	o.Site, o.Have, o.Username = i.site, i.have, i.user
	if o.Password, err = i.password(); err != nil {
		return err
	}
	from := i.w.in
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return fault.Invalidf("read the sheet: %w", err)
		}
		defer f.Close()
		from = f
	}
	s, err := sheet.Read(from, o)
	if err != nil {
		return err
	}
	if len(s.Ignored) > 0 {
		fmt.Fprintf(i.w.err, "Columns left out: %s\n", oneLine(strings.Join(s.Ignored, ", ")))
	}
	i.told(s.Rows, "rows", name)
	return i.finish(c, s.Plan, s.Lines, s.Fault())
}

// told says how much was read.
func (i *importing) told(n int, what, from string) {
	if from == "-" {
		from = "standard input"
	}
	_, _ = io.WriteString(i.w.err, fmt.Sprintf("Read %d %s of %s.\n", n, what, oneLine(from)))
}

// wrapped joins words in lines of a width.
func wrapped(words []string, width int) string {
	var b strings.Builder
	column := 0
	for n, word := range words {
		if n > 0 {
			b.WriteString(",")
			if column+len(word) > width {
				b.WriteString("\n  ")
				column = 0
			} else {
				b.WriteString(" ")
			}
		}
		b.WriteString(word)
		column += len(word) + 2
	}
	return b.String()
}
