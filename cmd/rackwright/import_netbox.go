package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/inventory/netbox"
	"rackwright/inventory/netbox/rest"
	"rackwright/inventory/plan"
)

func importNetBoxCommand(w *world) *cobra.Command {
	i := &importing{w: w}
	var address, tokenFile, caFile string
	var roles []string
	c := &cobra.Command{Use: "netbox --url URL --netbox-token-file FILE [--site SITE]", Short: "Make a plan of a site that a NetBox holds", Args: names(0, 0),
		Long: "Read racks, device types, devices, interfaces, cables, prefixes and addresses of one site through NetBox's REST API (versions 3 and 4).\n" +
			"What a plan cannot hold is listed. Without --apply, --hash or --out nothing is changed; NetBox never is.",
		Example: "  rackwright import netbox --url https://netbox.example.com --netbox-token-file netbox.token --site dc1\n" +
			"  rackwright import netbox --url https://netbox.example.com --netbox-token-file netbox.token --role hpc=machine --out dc1.yaml",
		RunE: func(c *cobra.Command, _ []string) (err error) {
			o := rest.Options{URL: address, Progress: i.progress}
			if address == "" || tokenFile == "" {
				return usage(c, "which NetBox? --url and --netbox-token-file are needed")
			}
			kinds, err := kindsOf(c, roles)
			if err != nil {
				return err
			}
			if o.Token, err = w.secret(tokenFile, "a token"); err != nil {
				return err
			}
			if caFile != "" {
				if o.CA, err = os.ReadFile(caFile); err != nil {
					return fault.Invalidf("read certificates: %w", err)
				}
			}
			return i.netbox(c, o, netbox.Options{Roles: kinds})
		}}
	i.flags(c)
	c.Flags().StringVar(&address, "url", "", "`address` of NetBox, https://host")
	c.Flags().StringVar(&tokenFile, "netbox-token-file", "", "`file` with NetBox's API token; one that may only read is enough")
	c.Flags().StringVar(&caFile, "ca-file", "", "`file` with the certificate authority of NetBox's certificate (PEM); default: the system's")
	c.Flags().StringArrayVar(&roles, "role", nil, "what devices of a role are, as `ROLE=KIND`: machine, switch, pdu, chassis, panel or other; may be given several times")
	return c
}

// kindsOf reads --role.
func kindsOf(c *cobra.Command, roles []string) (map[string]inventory.Kind, error) {
	out := map[string]inventory.Kind{}
	for _, r := range roles {
		role, kind, _ := strings.Cut(r, "=")
		switch k := inventory.Kind(kind); k {
		case inventory.KindMachine, inventory.KindSwitch, inventory.KindPDU, inventory.KindChassis, inventory.KindPanel, inventory.KindOther:
			out[role] = k
		default:
			return nil, usage(c, "--role %q is not ROLE=machine, switch, pdu, chassis, panel or other", r)
		}
	}
	return out, nil
}

func (i *importing) netbox(c *cobra.Command, from rest.Options, o netbox.Options) (err error) {
	nb, err := rest.New(from)
	if err != nil {
		return err
	}
	defer nb.Close()
	asked := i.site
	src, err := nb.Fetch(c.Context(), asked)
	if err != nil {
		return err
	}
	o.Site, o.Username = asked, i.user
	if o.Password, err = i.password(); err != nil {
		return err
	}
	made, err := netbox.Plan(src, o)
	if err != nil {
		return err
	}
	i.told(len(src.Devices), "devices", strings.TrimSpace("NetBox "+nb.Version())+" at "+from.URL)
	for _, n := range made.Notes {
		fmt.Fprintln(i.w.err, "note: "+oneLine(n))
	}
	i.site = made.Plan.Site
	if err := i.begin(c.Context()); err != nil {
		return err
	}
	return i.finish(c, made.Plan, func(plan.Plan) map[string]string { return nil }, nil)
}

// progress shows on a terminal what is being read.
func (i *importing) progress(list string, page int) {
	if i.w.width > 0 {
		fmt.Fprintf(i.w.err, "\r\x1b[KNetBox: %s, page %d", strings.TrimSuffix(list, "/"), page)
		if list == "ipam/ip-addresses/" {
			fmt.Fprint(i.w.err, "\r\x1b[K")
		}
	}
}
