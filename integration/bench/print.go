package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"rackwright/fault"
)

// print shows the figures as a table, then what could not be measured, each reason once.
func (o outcome) print(out io.Writer) {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "FIGURE\tVALUE\tUNIT\tPEER\tPEER'S VALUE\tRATIO\tGOAL\t")
	for _, f := range o.figures {
		goal := number(f.Goal)
		if f.Goal != nil && f.OK {
			goal += " met"
		} else if f.Goal != nil {
			goal += " MISSED"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", f.Name, number(&f.Value), f.Unit, dash(f.Peer), number(f.PeerValue), number(f.Ratio), goal)
	}
	t.Flush()
	why := ""
	for _, err := range o.missing {
		name, reason := split(err)
		if reason == why {
			fmt.Fprintf(out, "not measured: %s (as above)\n", name)
			continue
		}
		why = reason
		fmt.Fprintf(out, "not measured: %s: %s\n", name, reason)
		if h := fault.HintOf(err); h != "" {
			fmt.Fprintf(out, "hint: %s\n", h)
		}
	}
}

// split parts what absent put together.
func split(err error) (name, reason string) {
	cause := err.(interface{ Unwrap() error }).Unwrap()
	text := err.Error()
	return text[:len(text)-len(cause.Error())-len(": ")], cause.Error()
}

// number prints with three digits that matter, and large ones whole.
func number(v *float64) string {
	switch {
	case v == nil:
		return "-"
	case *v >= 100:
		return fmt.Sprintf("%.0f", *v)
	}
	return fmt.Sprintf("%.3g", *v)
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
