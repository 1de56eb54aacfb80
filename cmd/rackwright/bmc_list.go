package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"rackwright/api/client"
	"rackwright/api/wire"
	"rackwright/inventory"
)

func bmcListing(w *world) *cobra.Command {
	var rack string
	var strangers bool
	c := &cobra.Command{Use: "list", Short: "List BMCs, or those that are in no plan", Args: names(0, 0),
		Long: "All BMCs of machines: how they are reached, whether they are claimed, and what is wrong with them. With\n" +
			"--strangers: those that asked for an address by DHCP and are in no plan.",
		Example: "  rackwright bmc list --rack r1\n  rackwright bmc list --strangers",
		RunE: func(c *cobra.Command, _ []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			if strangers {
				list, err := cl.StrangeBMCs(c.Context())
				if err != nil {
					return err
				}
				return w.show(list, func(out io.Writer) { printStrangeBMCs(out, list) })
			}
			list, err := cl.BMCs(c.Context())
			if err != nil {
				return err
			}
			shown := []wire.KnownBMC{}
			for _, b := range list {
				if rack == "" || b.Rack == rack {
					shown = append(shown, b)
				}
			}
			return w.show(shown, func(out io.Writer) { printBMCs(out, shown) })
		}}
	c.Flags().StringVar(&rack, "rack", "", "those of the rack of this `name` only")
	c.Flags().BoolVar(&strangers, "strangers", false, "those that are in no plan")
	return w.pages(c, mostListed)
}

func printBMCs(out io.Writer, list []wire.KnownBMC) {
	rows := make([][]string, len(list))
	for i, b := range list {
		state := b.State
		if len(b.Exposed) > 0 {
			state += ", open: " + strings.Join(b.Exposed, ", ")
		}
		place := b.Rack
		if b.Unit > 0 {
			place += " u" + strconv.Itoa(b.Unit)
		}
		rows[i] = []string{b.Machine, place, b.Address, strings.TrimSpace(b.Vendor + " " + b.Firmware), timeText(b.Claimed), pinText(b.Certificate), timeText(b.Seen), state}
	}
	table(out, []string{"MACHINE", "PLACE", "ADDRESS", "VENDOR", "CLAIMED", "CERTIFICATE", "LAST SEEN", "STATE"}, rows)
}

// bmcOverview is what is known of one, without asking it.
func bmcOverview(w *world) *cobra.Command {
	c := shows("show", "Show what is known of a machine's BMC", seeing(w, (*client.Client).BMC, printBMC))
	c.Long = "Where it is, whether it is claimed, what lets others in, and how the server gets on with it: whether a\n" +
		"session is open, it does not answer, it refused us, or another server has it. It is not asked for this."
	return c
}

func printBMC(out io.Writer, b wire.BMCOverview) {
	facts := []string{"Machine", b.Machine, "State", b.State, "To do", b.Hint, "Address", b.Address, "Account", b.Username,
		"Hardware", strings.TrimSpace(b.Vendor + " " + b.Firmware), "Claimed", timeText(b.Claimed), "Certificate", b.Certificate, "Power", string(b.Power),
		"Last seen", timeText(b.Seen), "Open", strings.Join(b.Exposed, ", "), "Events", map[bool]string{true: "pushed to us", false: "read from its log"}[b.Subscribed]}
	if !b.MAC.IsZero() {
		facts = append(facts, "MAC", b.MAC.String())
	}
	if l := b.Line; l != nil {
		facts = append(facts, "Session", lineText(l), "  error", l.Error, "  to do", l.Hint, "  tried again", timeText(l.Next))
	}
	pairs(out, facts...)
}

// lineText says how the server gets on with a BMC.
func lineText(l *wire.BMCLine) string {
	text := l.State
	if !l.Since.IsZero() {
		text += " since " + timeText(l.Since)
	}
	if l.Owner != "" {
		text += ", held by " + l.Owner
	}
	if l.Busy+l.Waiting > 0 {
		text += fmt.Sprintf(", %d calls in flight, %d waiting", l.Busy, l.Waiting)
	}
	return text
}

// pinText is enough of a fingerprint to compare by eye.
func pinText(sha256 string) string {
	if len(sha256) < 16 {
		return sha256
	}
	return sha256[:16]
}

func printStrangeBMCs(out io.Writer, list []inventory.StrangeBMC) {
	rows := make([][]string, len(list))
	for i, b := range list {
		address := ""
		if b.Address.IsValid() {
			address = b.Address.String()
		}
		rows[i] = []string{b.MAC.String(), address, b.Network, b.Vendor, timeText(b.Since), timeText(b.Seen)}
	}
	table(out, []string{"MAC", "ADDRESS", "NETWORK", "VENDOR", "SINCE", "LAST SEEN"}, rows)
}

func bmcAuthority(w *world) *cobra.Command {
	return &cobra.Command{Use: "authority", Short: "Print the certificate that signs those of BMCs", Args: names(0, 0),
		Long:    "The authority of 'rackwright bmc claim --certificate', as PEM: what browsers and tools need to trust those BMCs.",
		Example: "  rackwright bmc authority > rackwright-bmc.pem",
		RunE: func(c *cobra.Command, _ []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			text, err := cl.BMCAuthority(c.Context())
			if err != nil {
				return err
			}
			return w.show(wire.Authority{Certificate: text}, func(out io.Writer) { fmt.Fprint(out, text) })
		}}
}
