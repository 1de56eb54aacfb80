package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rackwright/access"
	"rackwright/api/wire"
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
	pairs(out, "name", t.Name, "id", t.ID, "role", string(t.Role), "scope", t.Scope.String(), "given", timeText(t.Created), "given by", t.By,
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

func tokenRotate(w *world) *cobra.Command {
	var expires, file string
	c := &cobra.Command{Use: "rotate TOKEN", Short: "Give a token another secret", Args: names(1, 1),
		Long: `Gives a token another secret and prints it, this once; the old one opens nothing any more.
When it is the token that this command itself uses, out of a file, the file gets the new
secret: 'rackwright token rotate admin' on the server's host renews its admin.token.`,
		Example: "  rackwright token rotate ci --expires 90d\n  rackwright token rotate admin",
		RunE: func(c *cobra.Command, args []string) error {
			until, err := w.until(expires)
			if err != nil {
				return err
			}
			cl, err := w.connect()
			if err != nil {
				return err
			}
			me, err := cl.Whoami(c.Context())
			if err != nil {
				return err
			}
			keep, err := newFile(file)
			if err != nil {
				return err
			}
			made, err := cl.RotateToken(c.Context(), args[0], until)
			if err != nil {
				keep.drop()
				return err
			}
			if _, own, _ := w.tokenFrom(); file == "" && own != "" && me.ID == made.ID {
				return w.renew(made, own)
			}
			return w.hand(made, keep)
		}}
	c.Flags().StringVar(&expires, "expires", "", "when it ends: a `time` from now (12h, 90d) or a date (2027-01-31); default: as before")
	c.Flags().StringVar(&file, "file", "", "write the secret to this new `file`, and do not print it")
	return c
}

// renew writes a secret over the file that the old one came from, so that its owner and
// mode stay. One that cannot be written is printed, not lost.
func (w *world) renew(made wire.TokenGiven, path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err == nil {
		var n int
		n, err = f.WriteString(made.Secret + "\n")
		if err == nil {
			err = f.Truncate(int64(n))
		}
		if closing := f.Close(); err == nil {
			err = closing
		}
	}
	if err != nil {
		fmt.Fprintf(w.err, "rackwright: the file is not renewed: %s\n", oneLine(err.Error()))
		return w.hand(made, nil)
	}
	return w.show(made.Token, func(out io.Writer) {
		fmt.Fprintf(out, "token %s has another secret, which is in %s now\n", oneLine(made.Name), path)
	})
}

// hand gives a secret to who asked for it.
func (w *world) hand(made wire.TokenGiven, keep *secretFile) error {
	if made.Secret == "" {
		keep.drop()
		return w.show(made.Token, func(out io.Writer) { w.printToken(out, made.Token); pairs(out, "certificate", made.Certificate) })
	}
	if keep != nil {
		if err := keep.write(made.Secret); err != nil {
			return err
		}
		return w.show(made.Token, func(out io.Writer) { w.printToken(out, made.Token); pairs(out, "secret", "in "+keep.f.Name()) })
	}
	return w.show(made, func(out io.Writer) {
		w.printToken(out, made.Token)
		pairs(out, "secret", made.Secret)
		fmt.Fprintln(w.err, "the secret is not shown again: keep it in a file for --token-file, or in RACKWRIGHT_TOKEN")
	})
}

// secretFile is a new file that its owner alone can read.
type secretFile struct{ f *os.File }

// newFile makes one before there is a secret: none is lost because the file cannot be made.
func newFile(path string) (*secretFile, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fault.Invalidf("the secret's file: %w", err).WithHint("name a file that is not there yet")
	}
	return &secretFile{f}, nil
}

func (s *secretFile) write(secret string) error {
	_, err := s.f.WriteString(secret + "\n")
	if closing := s.f.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return fault.Internalf("the secret could not be written: %w", err).WithHint("'rackwright token rotate' gives another")
	}
	return nil
}

func (s *secretFile) drop() {
	if s != nil {
		s.f.Close()
		os.Remove(s.f.Name())
	}
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
