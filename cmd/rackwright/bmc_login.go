package main

import (
	"context"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"rackwright/bmc"
	"rackwright/bmc/redfish"
	"rackwright/fault"
)

// bmcLogin is how a command reaches a BMC by itself, without a server.
type bmcLogin struct {
	username, passwordFile, pin string
	verbose                     bool
}

const bmcLoginLong = "The BMC is asked from this host, not through a server. Its password is read from --password-file, from RACKWRIGHT_BMC_PASSWORD, or asked for.\n" +
	"Its certificate is trusted as it is shown, unless --certificate-sha256 says which it must be."

func (l *bmcLogin) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVarP(&l.username, "username", "u", "", "`user` of the BMC (env RACKWRIGHT_BMC_USERNAME)")
	f.StringVar(&l.passwordFile, "password-file", "", "`file` with its password (env RACKWRIGHT_BMC_PASSWORD)")
	f.StringVar(&l.pin, "certificate-sha256", "", "`fingerprint` of the certificate it must show")
	f.BoolVar(&l.verbose, "trace", false, "tell each request on standard error; never a password or a token")
}

// dial opens the BMC.
func (l *bmcLogin) dial(ctx context.Context, w *world, c *cobra.Command, address string) (*redfish.Controller, error) {
	if !strings.Contains(address, "://") {
		address = "https://" + address
	}
	a := bmc.Access{Address: address, Username: l.username, CertificateSHA256: l.pin}
	if a.Username == "" {
		a.Username = w.getenv("RACKWRIGHT_BMC_USERNAME")
	}
	if a.Username == "" {
		return nil, usage(c, "as whom? --username is needed")
	}
	var err error
	if a.Password, err = l.password(w, a.Username, address); err != nil {
		return nil, err
	}
	dialer := &redfish.Dialer{}
	if l.verbose {
		dialer.Log = slog.New(slog.NewTextHandler(w.err, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	controller, err := dialer.Dial(ctx, a)
	if err != nil {
		return nil, err
	}
	return controller.(*redfish.Controller), nil
}

// password finds it: what was named, the environment, or whoever sits at the terminal.
func (l *bmcLogin) password(w *world, user, address string) (string, error) {
	if l.passwordFile != "" {
		return w.secret(l.passwordFile, "a password")
	}
	if p := w.getenv("RACKWRIGHT_BMC_PASSWORD"); p != "" {
		return p, nil
	}
	in, ok := w.in.(interface{ Fd() uintptr })
	if !w.asks || !ok {
		return "", fault.Invalidf("no password for the BMC").WithHint("name a file with --password-file, or set RACKWRIGHT_BMC_PASSWORD")
	}
	_, _ = w.err.Write([]byte("Password of " + oneLine(user) + " at " + oneLine(address) + ": "))
	text, err := term.ReadPassword(int(in.Fd()))
	_, _ = w.err.Write([]byte("\n"))
	if err != nil {
		return "", fault.Invalidf("read the password: %w", err)
	}
	return string(text), nil
}
