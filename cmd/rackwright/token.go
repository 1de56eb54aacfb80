package main

import (
	"cmp"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rackwright/access"
	"rackwright/fault"
)

func tokenCommand(w *world) *cobra.Command {
	return group("token", "Who may ask the server for what", []string{"tokens"}, tokenAdd(w), tokenList(w), tokenShow(w), tokenRotate(w), tokenRevoke(w))
}

func whoamiCommand(w *world) *cobra.Command {
	return &cobra.Command{Use: "whoami", Short: "Show who you are to the server, and what you may", Args: names(0, 0), Example: "  rackwright whoami",
		RunE: func(c *cobra.Command, _ []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			me, err := cl.Whoami(c.Context())
			if err != nil {
				return err
			}
			return w.show(me, func(out io.Writer) {
				pairs(out, "name", me.Name, "by", string(me.By), "role", string(me.Role), "scope", me.Scope.String(), "expires", cmp.Or(timeText(me.Expires), "never"))
				var rows [][]string
				for _, r := range me.Rights {
					rows = append(rows, []string{string(r), r.What()})
				}
				table(out, []string{"RIGHT", "WHAT FOR"}, rows)
			})
		}}
}

func tokenAdd(w *world) *cobra.Command {
	var g access.Grant
	var role, expires, file string
	c := &cobra.Command{Use: "add NAME --role ROLE", Short: "Give a token to a person, a program or a service", Args: names(1, 1),
		Long: `Makes a token and prints its secret, this once: the server keeps only a hash of it. A scope
bounds it to sites, racks and projects; where several kinds are given, all must fit.

Roles: viewer reads; technician racks as well; operator does all work; admin gives tokens
as well; service is for machines, such as caches.`,
		Example: "  rackwright token add ci --role operator --expires 90d\n" +
			"  rackwright token add mia --role technician --rack r1 --rack r2 --expires 12h\n" +
			"  rackwright token add r7-cache --role service --rack r7 --file /etc/rackwright/cache.token",
		RunE: func(c *cobra.Command, args []string) (err error) {
			g.Name, g.Role = args[0], access.Role(role)
			if g.Expires, err = w.until(expires); err != nil {
				return err
			}
			cl, err := w.connect()
			if err != nil {
				return err
			}
			keep, err := newFile(file)
			if err != nil {
				return err
			}
			made, err := cl.AddToken(c.Context(), g)
			if err != nil {
				keep.drop()
				return err
			}
			return w.hand(made, keep)
		}}
	flags := c.Flags()
	flags.StringVar(&role, "role", "", "`role`: viewer, technician, operator, admin or service")
	flags.StringArrayVar(&g.Scope.Sites, "site", nil, "`site` that it is good for; may be repeated")
	flags.StringArrayVar(&g.Scope.Racks, "rack", nil, "`rack` that it is good for; may be repeated")
	flags.StringArrayVar(&g.Scope.Projects, "project", nil, "`project` that it is good for; may be repeated")
	flags.StringVar(&g.Certificate, "certificate-name", "", "no secret: whoever shows a client certificate with this URI, DNS `name` (lower case) or, without either, common name")
	flags.StringVar(&g.Owner, "owner", "", "`person` who answers for it, as a login names them; default: you, if you logged in. Two persons are needed where the server says so, not two tokens")
	flags.StringVar(&expires, "expires", "", "when it ends: a `time` from now (12h, 90d) or a date (2027-01-31); default: never")
	flags.StringVar(&file, "file", "", "write the secret to this new `file`, and do not print it")
	_ = c.MarkFlagRequired("role")
	return c
}

func tokenList(w *world) *cobra.Command {
	var revoked bool
	c := &cobra.Command{Use: "list", Aliases: []string{"ls"}, Short: "List tokens, what they may and when they were used", Args: names(0, 0),
		Example: "  rackwright token list\n  rackwright token list --revoked -o json",
		RunE: func(c *cobra.Command, _ []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			list, err := cl.Tokens(c.Context(), revoked)
			if err != nil {
				return err
			}
			return w.show(list, func(out io.Writer) {
				var rows [][]string
				for _, t := range list {
					rows = append(rows, []string{t.Name, string(t.Role), t.Scope.String(), w.ends(t), cmp.Or(timeText(t.LastUsed), "never"), t.By})
				}
				table(out, []string{"NAME", "ROLE", "SCOPE", "ENDS", "LAST USED", "GIVEN BY"}, rows)
			})
		}}
	c.Flags().BoolVar(&revoked, "revoked", false, "those that were revoked, too")
	return w.pages(c, mostListed)
}

// ends says when a token ends, or how it did.
func (w *world) ends(t access.Token) string {
	switch {
	case !t.Revoked.IsZero():
		return "revoked " + timeText(t.Revoked)
	case !t.Expires.IsZero() && t.Good(w.now()) != nil:
		return "ended " + timeText(t.Expires)
	}
	return cmp.Or(timeText(t.Expires), "never")
}

func tokenShow(w *world) *cobra.Command {
	return &cobra.Command{Use: "show TOKEN", Short: "Show a token, without its secret", Args: names(1, 1), Example: "  rackwright token show ci",
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			t, err := cl.Token(c.Context(), args[0])
			if err != nil {
				return err
			}
			return w.show(t, func(out io.Writer) { w.printToken(out, t) })
		}}
}

func (w *world) printToken(out io.Writer, t access.Token) {
	pairs(out, "name", t.Name, "id", t.ID, "role", string(t.Role), "scope", t.Scope.String(), "given", timeText(t.Created), "given by", t.By, "owner", t.Owner,
		"ends", w.ends(t), "last used", cmp.Or(timeText(t.LastUsed), "never"))
}

func tokenRevoke(w *world) *cobra.Command {
	var yes bool
	c := &cobra.Command{Use: "revoke TOKEN", Short: "End a token for good", Args: names(1, 1), Example: "  rackwright token revoke ci --yes",
		Long: "The token opens nothing any more: at once on the server that is asked, within 3 seconds on others that share its database.",
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			if err := w.sure(yes, "ends for good the token", args[0]); err != nil {
				return err
			}
			t, err := cl.RevokeToken(c.Context(), args[0])
			if err != nil {
				return err
			}
			return w.show(t, func(out io.Writer) { fmt.Fprintf(out, "token %s is revoked\n", oneLine(t.Name)) })
		}}
	yesFlag(c, &yes)
	return w.tryable(c)
}

// until reads when something ends; zero for nothing said.
func (w *world) until(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	bad := fault.Invalidf("%q is no end", text).WithHint("write a time from now as 12h or 90d, or a date as 2027-01-31")
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.Atoi(days)
		if err != nil || n <= 0 || n > 36500 {
			return time.Time{}, bad
		}
		return w.now().Add(time.Duration(n) * 24 * time.Hour).UTC(), nil
	}
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		return w.now().Add(d).UTC(), nil
	}
	for _, form := range []string{time.DateOnly, time.RFC3339} {
		if at, err := time.Parse(form, text); err == nil {
			return at.UTC(), nil
		}
	}
	return time.Time{}, bad
}
