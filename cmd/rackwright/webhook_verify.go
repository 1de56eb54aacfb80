package main

import (
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/spf13/cobra"

	"rackwright/fault"
	"rackwright/webhook"
)

// mostPayload bounds a body that is verified, bytes.
const mostPayload = 4 << 20

func webhookVerify(w *world) *cobra.Command {
	var id, at, signature, file, secretFile string
	c := &cobra.Command{Use: "verify --id ID --timestamp N --signature S", Short: "Check a delivery's signature, for who writes a receiver", Args: names(0, 0),
		Long: "Reads the body as it came from standard input or --body, and the secret from --secret-file or\n" +
			"RACKWRIGHT_WEBHOOK_SECRET. Asks no server. Status 5: the signature does not fit, or is old.",
		Example: "  rackwright webhook verify --id $ID --timestamp $TIMESTAMP --signature \"$SIGNATURE\" --secret-file secret < body.json",
		RunE: func(c *cobra.Command, _ []string) error {
			secret := w.getenv("RACKWRIGHT_WEBHOOK_SECRET")
			if secretFile != "" {
				text, err := os.ReadFile(secretFile)
				if err != nil {
					return fault.Invalidf("read the secret: %w", err)
				}
				secret = string(text)
			}
			in := w.in
			if file != "" {
				f, err := os.Open(file)
				if err != nil {
					return fault.Invalidf("read the body: %w", err)
				}
				defer f.Close()
				in = f
			}
			body, err := io.ReadAll(io.LimitReader(in, mostPayload+1))
			if err != nil || len(body) > mostPayload {
				return fault.Invalidf("the body cannot be read, or has more than %d bytes", mostPayload)
			}
			h := http.Header{}
			h.Set(webhook.HeaderID, id)
			h.Set(webhook.HeaderTimestamp, at)
			h.Set(webhook.HeaderSignature, signature)
			if err := webhook.Verify(secret, h, body, w.now()); err != nil {
				return err
			}
			return w.show(map[string]bool{"valid": true}, func(out io.Writer) { fmt.Fprintln(out, "the signature fits") })
		}}
	f := c.Flags()
	f.StringVar(&id, "id", "", "the `value` of webhook-id")
	f.StringVar(&at, "timestamp", "", "the `value` of webhook-timestamp")
	f.StringVar(&signature, "signature", "", "the `value` of webhook-signature")
	f.StringVar(&file, "body", "", "`file` with the body")
	f.StringVar(&secretFile, "secret-file", "", "`file` with the secret")
	return c
}
