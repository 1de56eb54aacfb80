package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"rackwright/api/client"
	"rackwright/audit"
)

func approvalCommand(w *world) *cobra.Command {
	return group("approval", "Destructive requests that wait for a second person", nil, approvalList(w), approvalShow(w),
		approvalDecide(w, "approve", "Have a request done as it was asked",
			"Have a request done as it was asked, to the machines that it names and no others. It is another person\nthan who asked, who has the right to destroy.",
			func(ctx context.Context, cl *client.Client, id string) (audit.Approval, error) {
				return cl.Approve(ctx, id, w.reason)
			}),
		approvalDecide(w, "refuse", "Drop a request", "Drop a request. Who asked may do so too.",
			func(ctx context.Context, cl *client.Client, id string) (audit.Approval, error) {
				return cl.RefuseRequest(ctx, id, w.reason)
			}))
}

func approvalList(w *world) *cobra.Command {
	var all bool
	var limit int
	c := &cobra.Command{Use: "list", Aliases: []string{"ls"}, Short: "List what waits", Args: names(0, 0), Example: "  rackwright approval list\n  rackwright approval list --all",
		RunE: func(c *cobra.Command, _ []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			list, err := cl.Approvals(c.Context(), !all, limit)
			if err != nil {
				return err
			}
			return w.show(list, func(out io.Writer) {
				var rows [][]string
				for _, a := range list {
					rows = append(rows, []string{a.ID, string(a.State), a.Actor, a.Route, strconv.Itoa(a.Machines), timeText(a.Expires), a.By, a.Reason})
				}
				table(out, []string{"ID", "STATE", "ASKED BY", "WHAT", "MACHINES", "EXPIRES", "DECIDED BY", "REASON"}, rows)
			})
		}}
	c.Flags().BoolVar(&all, "all", false, "also what was decided or has expired")
	c.Flags().IntVar(&limit, "limit", 100, "the newest `so many`; 0: all")
	return c
}

func approvalShow(w *world) *cobra.Command {
	return &cobra.Command{Use: "show ID", Short: "Show a request and what became of it", Args: names(1, 1),
		Example: "  rackwright approval show 0197a6e2-0000-7000-8000-000000000000",
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			a, err := cl.Approval(c.Context(), args[0])
			if err != nil {
				return err
			}
			return w.show(a, func(out io.Writer) { printApproval(out, a) })
		}}
}

func printApproval(out io.Writer, a audit.Approval) {
	status, asks := "", ""
	if text, err := json.Marshal(a.Asks); err == nil && len(a.Asks) > 0 {
		asks = string(text)
	}
	if a.Status > 0 {
		status = strconv.Itoa(a.Status)
	}
	pairs(out, "ID", a.ID, "State", string(a.State), "Asked by", a.Actor+" ("+a.Role+")", "What", a.Route, "Path", a.Method+" "+a.Path, "Machines", strconv.Itoa(a.Machines), "Touches", strings.Join(touchedNames(a), " "), "Gives", strings.Join(givenImages(a), " "), "Asks", asks,
		"Reason", a.Reason, "Asked", timeText(a.Asked), "Expires", timeText(a.Expires), "Decided by", a.By, "Decided", timeText(a.Decided), "Decision", a.Decision,
		"Answered", status, "See", a.Location)
}

func approvalDecide(w *world, verb, short, long string, do func(context.Context, *client.Client, string) (audit.Approval, error)) *cobra.Command {
	var yes bool
	c := &cobra.Command{Use: verb + " ID", Short: short, Long: long, Args: names(1, 1),
		Example: "  rackwright approval " + verb + " 0197a6e2-0000-7000-8000-000000000000 --reason 'ticket 4711'",
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			if verb == "approve" {
				if err := w.sureOfApproval(c.Context(), cl, yes, args[0]); err != nil {
					return err
				}
			}
			a, err := do(c.Context(), cl, args[0])
			if err != nil {
				return err
			}
			if err := w.show(a, func(out io.Writer) { printApproval(out, a) }); err != nil {
				return err
			}
			if verb == "approve" && a.Status/100 != 2 {
				return badly(fmt.Sprintf("'rackwright audit list --target approval/%s' and the audit of the request say more", a.ID), "the approved request was answered %d: it was not done", a.Status)
			}
			return nil
		}}
	if verb == "approve" {
		yesFlag(c, &yes)
	}
	return c
}

// sureOfApproval asks about what a request would destroy, by name.
func (w *world) sureOfApproval(ctx context.Context, cl *client.Client, yes bool, id string) error {
	a, err := cl.Approval(ctx, id)
	if err != nil || yes {
		return err
	}
	deed, touched := "has "+oneLine(a.Route)+", as "+oneLine(a.Actor)+" asked, done to", touchedNames(a)
	if len(touched) == 0 { // kept by an older server
		touched = []string{a.Path}
	}
	return w.sure(yes, deed, touched...)
}

// givenImages are the images that a request would give, with what their names meant.
func givenImages(a audit.Approval) (out []string) {
	for name, digest := range a.Images() {
		out = append(out, oneLine(name+" ("+digest+")"))
	}
	slices.Sort(out)
	return out
}

func touchedNames(a audit.Approval) []string {
	out := make([]string, len(a.Touched))
	for i, t := range a.Touched {
		out[i] = oneLine(t.Name)
	}
	return out
}
