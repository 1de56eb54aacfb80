package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rackwright/api/client"
	"rackwright/audit"
	"rackwright/fault"
)

func auditCommand(w *world) *cobra.Command {
	return group("audit", "Who did what to what, when, from where and why", nil, auditList(w), auditExport(w), auditVerify(w), auditHead(w))
}

func auditList(w *world) *cobra.Command {
	var q client.AuditQuery
	var machine string
	var last time.Duration
	c := &cobra.Command{Use: "list", Aliases: []string{"ls"}, Short: "List what was done, the newest last", Args: names(0, 0),
		Long: "List the newest entries of the audit. A request that may change something has two: what was asked, and how it was answered.\n" +
			"With --open only those are shown that were never answered, because the server stopped in the middle.",
		Example: "  rackwright audit list --machine r1-u10\n  rackwright audit list --actor ann --last 24h\n  rackwright audit list --open",
		RunE: func(c *cobra.Command, _ []string) error {
			if machine != "" {
				q.Target = "machine/" + machine
			}
			if last > 0 {
				q.Since = w.now().Add(-last)
			}
			cl, err := w.connect()
			if err != nil {
				return err
			}
			q.Newest = true
			list, err := cl.Audit(c.Context(), q)
			if err != nil {
				return err
			}
			slices.Reverse(list)
			return w.show(list, func(out io.Writer) { printAudit(out, list) })
		}}
	c.Flags().StringVar(&machine, "machine", "", "only what was done to this `machine`")
	c.Flags().StringVar(&q.Target, "target", "", "only what was done to this `target`, like image/debian-12, or an id")
	c.Flags().StringVar(&q.Actor, "actor", "", "only what this `name` did")
	c.Flags().StringVar(&q.Route, "route", "", "only of this `operation` of the interface, like erase-machine")
	c.Flags().StringVar(&q.Request, "request", "", "only of the request of this `id`, which answers and problems tell")
	c.Flags().DurationVar(&last, "last", 0, "only of the last `time`, like 24h")
	c.Flags().BoolVar(&q.Open, "open", false, "only what was never answered")
	c.Flags().IntVar(&q.Limit, "limit", 50, "the newest `so many`; 0: all")
	return c
}

func printAudit(out io.Writer, list []audit.Record) {
	var rows [][]string
	for _, e := range list {
		who := e.Actor
		if e.Approver != "" {
			who += ", approved by " + e.Approver
		}
		status := ""
		if e.Status > 0 {
			status = strconv.Itoa(e.Status)
		}
		rows = append(rows, []string{strconv.FormatInt(e.Seq, 10), timeText(e.At), string(e.Stage), status, who, e.Address, e.Route, e.Target, e.Reason})
	}
	table(out, []string{"SEQ", "AT", "STAGE", "STATUS", "WHO", "FROM", "WHAT", "TO", "REASON"}, rows)
}

func auditExport(w *world) *cobra.Command {
	var after int64
	c := &cobra.Command{Use: "export", Short: "Write the audit as JSON lines", Args: names(0, 0),
		Long:    "Write the audit as JSON lines, oldest first. 'rackwright audit verify FILE' checks such a file without a server.",
		Example: "  rackwright audit export >audit.jsonl\n  rackwright audit export --after 1200 >>audit.jsonl",
		RunE: func(c *cobra.Command, _ []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			lines, err := cl.ExportAudit(c.Context(), after)
			if err != nil {
				return err
			}
			defer lines.Close()
			if _, err := io.Copy(w.out, lines); err != nil {
				return fault.New(fault.Unreachable, "the export broke off: %w", err).WithHint("try again; --after goes on behind the last whole line")
			}
			return nil
		}}
	c.Flags().Int64Var(&after, "after", 0, "only entries behind this `number`")
	return c
}

const verifyLong = `Check that no entry of the audit was changed, removed, added or put in another order: of a server,
or of exported files, offline. What was cut off at the end, or written anew as a whole, shows
only against a head that was kept elsewhere: give it with --head.`

func auditVerify(w *world) *cobra.Command {
	var head, key string
	c := &cobra.Command{Use: "verify [FILE...]", Short: "Check that the audit was not changed", Args: names(0, -1), Long: verifyLong,
		Example: "  rackwright audit verify --head head.json\n  rackwright audit verify audit.jsonl --head 1200:6f2c...\n  rackwright audit head -o json >head.json",
		RunE: func(c *cobra.Command, files []string) error {
			check := audit.Check{}
			if head != "" {
				h, err := readHead(head, key)
				if err != nil {
					return err
				}
				check.Expect = &h
			} else if key != "" {
				return usage(c, "--key is of the head: give --head")
			}
			lines, done, err := w.auditLines(c, files)
			if err != nil {
				return err
			}
			defer done()
			if err := check.Read(lines); err != nil {
				if fault.Is(err, fault.Unreachable) {
					return err
				}
				return badly("keep the export and the heads; the database's backups show what stood there", "the audit was tampered with: %s", err)
			}
			result := verified{check.Entries, check.From.Seq + 1, check.At, check.Expect != nil}
			return w.show(result, func(out io.Writer) { result.print(out) })
		}}
	c.Flags().StringVar(&head, "head", "", "`SEQ:HASH` of a head that was kept, or the file it was kept in")
	c.Flags().StringVar(&key, "key", "", "public `key` that the kept head must be signed with, in hexadecimal")
	return c
}

// verified is what a check found.
type verified struct {
	Entries int64      `json:"entries"`
	From    int64      `json:"from"`
	Head    audit.Head `json:"head"`
	Kept    bool       `json:"compared_with_kept_head"`
}

func (v verified) print(out io.Writer) {
	if v.Entries == 0 {
		fmt.Fprintln(out, "There are no entries.")
		return
	}
	fmt.Fprintf(out, "%d entries, %d to %d: none was changed, none is missing.\n", v.Entries, v.From, v.Head.Seq)
	if !v.Kept {
		fmt.Fprintln(out, "Whether the end was cut off, only a kept head tells: give --head.")
	}
	fmt.Fprintln(out, "Head: "+v.Head.String())
}

// auditLines are the entries to check: of files, else of the server.
func (w *world) auditLines(c *cobra.Command, files []string) (io.Reader, func(), error) {
	if len(files) == 0 {
		cl, err := w.connect()
		if err != nil {
			return nil, nil, err
		}
		lines, err := cl.ExportAudit(c.Context(), 0)
		if err != nil {
			return nil, nil, err
		}
		return lines, func() { lines.Close() }, nil
	}
	var all []io.Reader
	var open []*os.File
	done := func() {
		for _, f := range open {
			f.Close()
		}
	}
	for _, name := range files {
		if name == "-" {
			all = append(all, w.in)
			continue
		}
		f, err := os.Open(name)
		if err != nil {
			done()
			return nil, nil, fault.Invalidf("%w", err).WithHint("name a file that 'rackwright audit export' wrote")
		}
		open, all = append(open, f), append(all, f)
	}
	return io.MultiReader(all...), done, nil
}

// readHead reads a kept head: the text of one, or a file with that or with the signed
// document.
func readHead(given, key string) (audit.Head, error) {
	text := given
	if !strings.Contains(given, ":") || strings.ContainsAny(given, "/.") {
		raw, err := os.ReadFile(given)
		if err != nil {
			return audit.Head{}, fault.Invalidf("%q is neither SEQ:HASH nor a file: %w", given, err).WithHint("'rackwright audit head' prints a head")
		}
		text = string(raw)
	}
	if !strings.HasPrefix(strings.TrimSpace(text), "{") {
		if key != "" {
			return audit.Head{}, fault.Invalidf("the head is not signed, and --key asks for it").WithHint("'rackwright audit head -o json' prints a signed one")
		}
		return audit.ParseHead(text)
	}
	var a audit.Anchor
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		return audit.Head{}, fault.Invalidf("%s is no head: %w", given, err)
	}
	if a.Signature != "" || key != "" {
		if err := a.Verify(key); err != nil {
			return audit.Head{}, err
		}
	}
	return audit.ParseHead(a.Head().String())
}

func auditHead(w *world) *cobra.Command {
	return &cobra.Command{Use: "head", Short: "Print where the audit ends, to be kept elsewhere", Args: names(0, 0),
		Long: "Print the number and the hash of the last entry. Keep it where the server's administrators cannot change it, each day or each\n" +
			"hour: 'rackwright audit verify --head' then shows whether the audit was cut off or written anew since. With -o json it is signed.",
		Example: "  rackwright audit head\n  rackwright audit head -o json >head.json",
		RunE: func(c *cobra.Command, _ []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			head, err := cl.AuditHead(c.Context())
			if err != nil {
				return err
			}
			return w.show(head, func(out io.Writer) { fmt.Fprintln(out, oneLine(head.Head().String())) })
		}}
}
