package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"rackwright/api/wire"
	"rackwright/fault"
)

func tokenRotate(w *world) *cobra.Command {
	var expires, file string
	var yes bool
	c := &cobra.Command{Use: "rotate TOKEN", Short: "Give a token another secret", Args: names(1, 1),
		Long: `Gives a token another secret and prints it, this once; the old one opens nothing any more.
When it is the token that this command itself uses, out of a file, the file gets the new
secret: 'rackwright token rotate admin' on the server's host renews its admin.token.`,
		Example: "  rackwright token rotate ci --expires 90d --yes\n  rackwright token rotate admin",
		RunE: func(c *cobra.Command, args []string) error {
			until, err := w.until(expires)
			if err != nil {
				return err
			}
			cl, err := w.connect()
			if err != nil {
				return err
			}
			if err := w.sure(yes, "ends the secret of the token", args[0]); err != nil {
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
	yesFlag(c, &yes)
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
