package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"rackwright/fault"
)

func contextCommand(w *world) *cobra.Command {
	return group("context", "Which servers you are logged in to", []string{"contexts"}, contextList(w), contextUse(w), contextShow(w), contextRemove(w))
}

// contextView is a context without its secret.
type contextView struct {
	Name        string `json:"name"`
	Server      string `json:"server"`
	Current     bool   `json:"current"`
	Fingerprint string `json:"fingerprint,omitempty"`
	Token       string `json:"token"` // where it is
	ClientCert  string `json:"client_cert,omitempty"`
}

func viewOf(p places, name string) contextView {
	c := p.Contexts[name]
	v := contextView{Name: name, Server: c.Server, Current: name == p.Current, Token: "none", ClientCert: c.ClientCert}
	if block := firstCertificate(c.CA); block != nil {
		v.Fingerprint = fingerprint(block)
	}
	switch {
	case c.Helper != "":
		v.Token = "kept by " + c.Helper
	case c.Token != "":
		v.Token = "in the file"
	case c.ClientCert != "":
		v.Token = "none: a client certificate"
	}
	return v
}

func contextList(w *world) *cobra.Command {
	return &cobra.Command{Use: "list", Aliases: []string{"ls"}, Short: "List contexts", Args: names(0, 0), Example: "  rackwright context list",
		RunE: func(*cobra.Command, []string) error {
			p, err := w.contexts()
			if err != nil {
				return err
			}
			list := []contextView{}
			for _, name := range slices.Sorted(maps.Keys(p.Contexts)) {
				list = append(list, viewOf(p, name))
			}
			return w.show(list, func(out io.Writer) {
				var rows [][]string
				for _, v := range list {
					mark := ""
					if v.Current {
						mark = "*"
					}
					rows = append(rows, []string{mark, v.Name, v.Server, v.Token})
				}
				table(out, []string{"", "NAME", "SERVER", "TOKEN"}, rows)
			})
		}}
}

func (w *world) namedContext(name string) (places, error) {
	p, err := w.contexts()
	if err == nil && p.Contexts[name] == nil {
		err = fault.NotFoundf("there is no context %q", name).WithHint("'rackwright context list' shows them, 'rackwright login' makes one")
	}
	return p, err
}

func contextUse(w *world) *cobra.Command {
	return &cobra.Command{Use: "use NAME", Short: "Ask this server from now on", Args: names(1, 1), Example: "  rackwright context use hall-2",
		RunE: func(_ *cobra.Command, args []string) error {
			p, err := w.namedContext(args[0])
			if err != nil {
				return err
			}
			p.Current = args[0]
			if err := w.keepContexts(p); err != nil {
				return err
			}
			return w.show(viewOf(p, args[0]), func(out io.Writer) { fmt.Fprintf(out, "%s is asked from now on\n", p.Contexts[args[0]].Server) })
		}}
}

func contextShow(w *world) *cobra.Command {
	return &cobra.Command{Use: "show [NAME]", Short: "Show a context, without its token", Args: names(0, 1), Example: "  rackwright context show",
		RunE: func(_ *cobra.Command, args []string) error {
			p, err := w.contexts()
			if err != nil {
				return err
			}
			name := cmp.Or(strings.Join(args, ""), w.context, w.getenv("RACKWRIGHT_CONTEXT"), p.Current)
			if p.Contexts[name] == nil {
				return fault.NotFoundf("there is no context %q", name).WithHint("'rackwright context list' shows them, 'rackwright login' makes one")
			}
			v := viewOf(p, name)
			return w.show(v, func(out io.Writer) {
				pairs(out, "name", v.Name, "server", v.Server, "fingerprint", cmp.Or(v.Fingerprint, "none: as the system trusts"), "token", v.Token, "client certificate", cmp.Or(v.ClientCert, "none"))
			})
		}}
}

func contextRemove(w *world) *cobra.Command {
	return &cobra.Command{Use: "remove NAME", Aliases: []string{"rm"}, Short: "Forget a context and its token; its session goes on until it is over", Args: names(1, 1),
		Example: "  rackwright context remove hall-2",
		RunE: func(c *cobra.Command, args []string) error {
			p, err := w.namedContext(args[0])
			if err != nil {
				return err
			}
			if at := p.Contexts[args[0]]; at.Helper != "" {
				if _, err := at.help(c.Context(), "erase", at.key()); err != nil {
					fmt.Fprintf(w.err, "rackwright: %s\n", oneLine(err.Error()))
				}
			}
			delete(p.Contexts, args[0])
			if p.Current == args[0] {
				p.Current = ""
			}
			if err := w.keepContexts(p); err != nil {
				return err
			}
			return w.show(map[string]string{"removed": args[0]}, func(out io.Writer) { fmt.Fprintf(out, "context %s is forgotten\n", oneLine(args[0])) })
		}}
}
