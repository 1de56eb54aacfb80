package main

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rackwright/deploy"
	"rackwright/fault"
)

const verifyCertificateLong = `Verify the certificate of an erased disk: that the server whose key it is signed it, and
that nothing of it was changed since. FILE is what 'rackwright certificate show ID -o json'
printed; - is standard input.

--key is the server's key as 'rackwright certificate key' prints it, or a file with it;
then no server is asked. Without it the server is asked for its key.

Exit status: 0 it is right; 5 it was changed or somebody else signed it.`

func verifyCertificateCommand(w *world) *cobra.Command {
	var key string
	c := &cobra.Command{Use: "verify-certificate FILE|-", Short: "Verify the certificate of an erased disk", Args: names(1, 1), Long: verifyCertificateLong,
		Example: "  rackwright verify-certificate disk.json --key rackwright.pub\n  rackwright verify-certificate disk.json",
		RunE: func(c *cobra.Command, args []string) error {
			text, err := w.certificateText(args[0])
			if err != nil {
				return err
			}
			public, err := w.verifyKey(c.Context(), key)
			if err != nil {
				return err
			}
			is, err := deploy.VerifyCertificate(text, public)
			if err != nil {
				return err
			}
			return w.show(is, func(out io.Writer) {
				fmt.Fprintf(out, "The certificate is right: signed by key %s, unchanged.\n\n", deploy.KeyID(public))
				printCertificate(out, is)
			})
		}}
	c.Flags().StringVar(&key, "key", "", "the server's public `key`, or a file with it")
	return c
}

// maxCertificate bounds a certificate's file.
const maxCertificate = 1 << 20

func (w *world) certificateText(name string) ([]byte, error) {
	in := w.in
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, fault.Invalidf("read certificate: %w", err).WithHint("name a file you can read")
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, maxCertificate+1))
	if err != nil || len(text) > maxCertificate {
		return nil, fault.Invalidf("%s is no certificate: it cannot be read, or is larger than 1 MiB", name).WithHint("name the file with the JSON of 'rackwright certificate show ID -o json'")
	}
	return text, nil
}

// verifyKey is the key that was given, in a file or as it is, else the server's.
func (w *world) verifyKey(ctx context.Context, given string) (ed25519.PublicKey, error) {
	if given == "" {
		cl, err := w.connect()
		if err != nil {
			return nil, err
		}
		key, err := cl.CertificateKey(ctx)
		if err != nil {
			return nil, err
		}
		return deploy.ParseKey(key.Key)
	}
	if strings.HasPrefix(given, "ed25519:") {
		return deploy.ParseKey(given)
	}
	text, err := w.certificateText(given)
	if err != nil {
		return nil, err
	}
	return deploy.ParseKey(string(text))
}

func printCertificate(out io.Writer, c *deploy.Certificate) {
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(out, "%-12s %s\n", name, oneLine(value))
		}
	}
	line("Certificate", c.ID)
	line("Machine", c.Machine.Name)
	line("  hardware", strings.TrimSpace(c.Machine.Vendor+" "+c.Machine.Product))
	line("  serial", c.Machine.Serial)
	line("Disk", c.Disk.Label())
	line("  model", c.Disk.Model)
	line("  WWN", c.Disk.WWN)
	line("  size", bytesText(c.Disk.Bytes))
	line("Method", c.Method)
	line("Read back", fmt.Sprintf("%d samples: %s", c.Samples, c.Pattern))
	line("From", c.Began.UTC().Format(time.RFC3339))
	line("To", c.Ended.UTC().Format(time.RFC3339))
	line("Asked by", c.Actor)
	line("Operation", c.Operation)
	for _, r := range c.Residual {
		line("Not reached", r)
	}
	for _, t := range c.Tried {
		line("In vain", t)
	}
	line("Signed by", "key "+c.Key)
}
