package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"rackwright/api/wire"
	"rackwright/fault"
	"rackwright/inventory/draw"
)

func rackCode(w *world) *cobra.Command {
	var o wire.CodeOrder
	var valid time.Duration
	var file string
	var end bool
	c := &cobra.Command{Use: "code RACK", Short: "Let a technician's device work on a rack, by a code", Args: names(1, 1),
		Long: `Shows a code, and as a QR code, that opens one session for the rack, with the role technician and
for 8 hours at most: 'rackwright login --rack-code CODE --as NAME'. An admin ends the session
with 'rackwright token revoke ID'.`,
		Example: "  rackwright rack code r1 --for Mia\n  rackwright rack code r1 --svg door.svg --valid 1h\n  rackwright rack code r1 --end    # take back what nobody has used",
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			if end {
				n, err := cl.EndRackCodes(c.Context(), args[0])
				if err != nil {
					return err
				}
				return w.show(n, func(out io.Writer) { fmt.Fprintf(out, "%s taken back\n", count(n.Ended, "code")) })
			}
			if o.Minutes = int(valid.Minutes()); o.Minutes < 1 || o.Minutes > 60 {
				return usage(c, "--valid must be 1m to 1h")
			}
			made, err := cl.AddRackCode(c.Context(), args[0], o)
			if err != nil {
				return err
			}
			return w.showCode(made, file)
		}}
	c.Flags().StringVar(&o.For, "for", "", "`who` it is for; default: who uses it says so")
	c.Flags().DurationVar(&valid, "valid", 15*time.Minute, "how `long` it can be used, 1h at most")
	c.Flags().StringVar(&file, "svg", "", "write the QR code to this `file`")
	c.Flags().BoolVar(&end, "end", false, "take back the codes of the rack that nobody has used")
	return c
}

func (w *world) showCode(made wire.CodeGiven, file string) error {
	if file != "" {
		svg, err := draw.Code(made.Text)
		if err == nil {
			err = os.WriteFile(file, svg, 0o600)
		}
		if err != nil {
			return fault.Invalidf("the QR code is not written: %w", err)
		}
	}
	return w.show(made, func(out io.Writer) {
		if text, err := draw.CodeText(made.Text); err == nil && file == "" && w.columns > 0 {
			fmt.Fprint(out, text)
		}
		pairs(out, "rack", made.Rack, "code", made.Code, "for", made.For, "until", timeText(made.Expires))
	})
}
