package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"rackwright/access"
	"rackwright/access/oidc"
	"rackwright/api/wire"
	"rackwright/fault"
)

// loginFlags are those of login.
type loginFlags struct {
	trusting
	context, helper, code, person string
	device, withToken             bool
}

func loginCommand(w *world) *cobra.Command {
	var f loginFlags
	c := &cobra.Command{Use: "login [SERVER]", Short: "Log in to a server and ask it from now on", Args: names(0, 1),
		Long: `Opens a session by the OIDC provider of the server, in a browser or with --device by a code
typed in elsewhere; or keeps a token, read with --with-token from the standard input; or uses
up a rack's code; or keeps where --client-cert is. What is needed to ask the server is kept as
a context, in a file that you alone can read, or its token by a credential helper.

A server with a certificate of its own is trusted once you agree to its fingerprint, which it
logs at its start. When it shows another one later, nothing is sent to it.`,
		Example: "  rackwright login https://rackwright.example:8480\n" +
			"  rackwright login https://10.0.0.2:8480 --fingerprint sha256:ab12...\n" +
			"  rackwright login https://10.0.0.2:8480 --with-token < ci.token\n" +
			"  rackwright login --device\n" +
			"  rackwright login https://10.0.0.2:8480 --client-cert /etc/rackwright/cache.pem --ca ca.pem\n" +
			"  rackwright login https://10.0.0.2:8480 --rack-code ABCD-EFGH-IJKL-MNOP --as Mia",
		RunE: func(c *cobra.Command, args []string) error { return w.login(c.Context(), strings.Join(args, ""), f) }}
	flags := c.Flags()
	flags.StringVar(&f.context, "name", "", "`name` of the context; default: the host of the server")
	flags.StringVar(&f.fingerprint, "fingerprint", "", "trust a server that shows this `fingerprint`")
	flags.StringVar(&f.caFile, "ca", "", "trust a server whose certificate is by the authorities in this PEM `file`")
	flags.BoolVar(&f.device, "device", false, "log in by a code that you type in on another device")
	flags.BoolVar(&f.withToken, "with-token", false, "read a token from the standard input")
	flags.StringVar(&f.code, "rack-code", "", "use up a `code` that an operator made with 'rackwright rack code'")
	flags.StringVar(&f.person, "as", "", "`who` works at the rack")
	flags.StringVar(&f.helper, "credential-helper", "", "`program` that keeps the token: pass for docker-credential-pass, or a path")
	return c
}

var contextForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

func (w *world) login(ctx context.Context, address string, f loginFlags) error {
	if address != "" {
		if w.server != "" || w.context != "" {
			return fault.Invalidf("the server is named twice").WithHint("give its address alone")
		}
		w.server = address
	}
	p, err := w.where()
	if err != nil {
		return err
	}
	all, err := w.contexts()
	if err != nil {
		return err
	}
	if u, err := url.Parse(p.Server); f.context != "" || p.name == "" {
		if p.name = f.context; p.name == "" && err == nil {
			p.name = cmp.Or(u.Hostname(), "local")
		}
		p.name = strings.ReplaceAll(p.name, ":", "-")
	}
	if !contextForm.MatchString(p.name) {
		return fault.Invalidf("%q is no name of a context", p.name).WithHint("give one with --name: letters, digits and ._-")
	}
	if old := all.Contexts[p.name]; old != nil && !sameServer(old.Server, p.Server) {
		return fault.Conflictf("context %s is of %s", p.name, old.Server).WithHint("give another --name, or 'rackwright context remove %s'", p.name)
	}
	if err := p.veiled(); err != nil {
		return err
	}
	if p.CA, err = w.trust(ctx, p.Server, p.CA, f.trusting); err != nil {
		return err
	}
	secret, err := w.prove(ctx, p, f)
	if err != nil {
		return err
	}
	cl, err := p.client(secret)
	if err != nil {
		return err
	}
	me, err := cl.Whoami(ctx)
	if err != nil {
		return err
	}
	if p.Helper, p.Token = f.helper, secret; secret == "" { // a client certificate
		p.Helper = ""
	}
	if p.Helper != "" {
		input, _ := json.Marshal(map[string]string{"ServerURL": p.key(), "Username": me.Name, "Secret": secret})
		if _, err := p.help(ctx, "store", string(input)); err != nil {
			return err
		}
		p.Token = ""
	}
	all.Contexts[p.name], all.Current = &p, p.name
	if err := w.keepContexts(all); err != nil {
		return err
	}
	return w.show(me, func(out io.Writer) {
		fmt.Fprintf(out, "logged in to %s as %s (%s), until %s\n", oneLine(p.Server), oneLine(me.Name), me.Role, cmp.Or(timeText(me.Expires), "it is revoked"))
	})
}

// prove gets a secret: a token that there is, or a new session.
func (w *world) prove(ctx context.Context, p place, f loginFlags) (string, error) {
	cl, err := p.client("")
	if err != nil {
		return "", err
	}
	switch {
	case f.withToken:
		line, _ := bufio.NewReader(io.LimitReader(w.in, 4096)).ReadString('\n')
		if line = strings.TrimSpace(line); line == "" {
			return "", fault.Invalidf("there is no token on the standard input")
		}
		return line, nil
	case p.ClientCert != "" && f.code == "" && !f.device:
		return "", nil
	case f.code != "":
		made, err := cl.OpenRackSession(ctx, wire.CodeUse{Code: f.code, Name: f.person})
		return made.Secret, err
	}
	terms, err := cl.LoginTerms(ctx)
	if err != nil {
		return "", err
	}
	if terms.Issuer == "" {
		return "", fault.Conflictf("people do not log in at %s: it knows no OIDC provider", p.Server).WithHint("an admin gives tokens: 'rackwright login %s --with-token < FILE'", p.Server)
	}
	l := oidc.Login{Terms: terms, Show: func(where, code string) {
		if code == "" {
			fmt.Fprintf(w.err, "open this in a browser on this host:\n%s\n", oneLine(where))
			return
		}
		fmt.Fprintf(w.err, "open this anywhere: %s\nand type in: %s\n", oneLine(where), oneLine(code))
	}}
	var proof access.LoginProof
	if f.device {
		proof, err = l.ByDevice(ctx)
	} else {
		proof, err = l.ByBrowser(ctx)
	}
	if err != nil {
		return "", err
	}
	made, err := cl.OpenSession(ctx, proof)
	return made.Secret, err
}

func logoutCommand(w *world) *cobra.Command {
	return &cobra.Command{Use: "logout", Short: "End the session of a context and forget its token", Args: names(0, 0),
		Long:    "Ends the session at the server; a token that an admin gave goes on there, and is only forgotten here. The context stays, with whom it trusts.",
		Example: "  rackwright logout\n  rackwright logout --context hall-2",
		RunE: func(c *cobra.Command, _ []string) error {
			p, err := w.where()
			if err != nil {
				return err
			}
			if p.name == "" || p.Token == "" && p.Helper == "" && p.ClientCert == "" {
				return fault.Conflictf("you are not logged in to %s", p.Server).WithHint("'rackwright context list' shows where you are")
			}
			if err := w.endSession(c.Context(), p); err != nil {
				fmt.Fprintf(w.err, "rackwright: the session goes on until it is over: %s\n", oneLine(err.Error()))
			}
			if p.Helper != "" {
				if _, err := p.help(c.Context(), "erase", p.key()); err != nil {
					return err
				}
			}
			all, err := w.contexts()
			if err != nil {
				return err
			}
			p.Token, p.Helper, p.ClientCert, p.ClientKey = "", "", "", ""
			all.Contexts[p.name] = &p
			if err := w.keepContexts(all); err != nil {
				return err
			}
			return w.show(map[string]string{"logged_out": p.name}, func(out io.Writer) { fmt.Fprintf(out, "logged out of %s\n", oneLine(p.Server)) })
		}}
}

func (w *world) endSession(ctx context.Context, p place) error {
	secret, err := p.secret(ctx)
	if err != nil {
		return err
	}
	cl, err := p.client(secret)
	if err != nil {
		return err
	}
	me, err := cl.Whoami(ctx)
	if err != nil || me.By != access.ByLogin && me.By != access.ByDevice {
		return err
	}
	_, err = cl.EndSession(ctx)
	return err
}
