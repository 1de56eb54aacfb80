package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rackwright/fault"
)

const defaultServer = "http://127.0.0.1:8480"

// place is a server with what is needed to ask it.
type place struct {
	Server string `json:"server"`
	CA     string `json:"ca,omitempty"`     // PEM: who alone may sign its certificate; empty: the system's
	Token  string `json:"token,omitempty"`  // unless a helper keeps it
	Helper string `json:"helper,omitempty"` // credential helper

	name string
}

// places are the contexts in a person's file.
type places struct {
	Current  string            `json:"current,omitempty"`
	Contexts map[string]*place `json:"contexts"`
}

const mostContexts = 1 << 20 // bytes of the file

func (w *world) contextFile() (string, error) {
	dir := w.getenv("XDG_CONFIG_HOME")
	if !filepath.IsAbs(dir) {
		home := w.getenv("HOME")
		if home == "" {
			return "", fault.Invalidf("there is no place for contexts").WithHint("set HOME or XDG_CONFIG_HOME")
		}
		dir = filepath.Join(home, ".config")
	}
	return filepath.Join(dir, "rackwright", "contexts.json"), nil
}

// contexts reads the file; none is no context. One that others may read is refused: it has
// secrets in it.
func (w *world) contexts() (places, error) {
	none := places{Contexts: map[string]*place{}}
	path, err := w.contextFile()
	if err != nil {
		return none, nil
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return none, nil
	}
	if err != nil {
		return none, fault.Invalidf("contexts: %w", err)
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || info.Mode().Perm()&0o077 != 0 {
		return none, fault.Deniedf("others may read %s, and tokens are in it", path).WithHint("chmod 600 %s; log in again if somebody did read it", path)
	}
	p := none
	if err := json.NewDecoder(io.LimitReader(f, mostContexts)).Decode(&p); err != nil {
		return none, fault.Invalidf("%s cannot be read: %w", path, err).WithHint("mend it, or remove it and log in again")
	}
	for name, c := range p.Contexts {
		if c == nil {
			delete(p.Contexts, name)
			continue
		}
		c.name = name
	}
	if p.Contexts == nil {
		p.Contexts = none.Contexts
	}
	return p, nil
}

func (w *world) keepContexts(p places) error {
	path, err := w.contextFile()
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(p, "", "  ")
	if err == nil {
		err = os.MkdirAll(filepath.Dir(path), 0o700)
	}
	if err == nil {
		err = writeWhole(path, append(text, '\n'))
	}
	if err != nil {
		return fault.Invalidf("contexts: %w", err).WithHint("%s must be a file you may write", path)
	}
	return nil
}

// where is the server to ask: --server, --context, RACKWRIGHT_SERVER, RACKWRIGHT_CONTEXT, the
// context in use, or the server on this host. An address is trusted as the context that has it.
func (w *world) where() (place, error) {
	if w.server != "" && w.context != "" {
		return place{}, fault.Invalidf("--server and --context both say where the server is").WithHint("give one of them")
	}
	p, err := w.contexts()
	if err != nil {
		return place{}, err
	}
	address, name := w.server, w.context
	if address == "" && name == "" {
		if address = w.getenv("RACKWRIGHT_SERVER"); address == "" {
			name = cmp.Or(w.getenv("RACKWRIGHT_CONTEXT"), p.Current)
		}
	}
	if name != "" {
		if c := p.Contexts[name]; c != nil {
			return *c, nil
		}
		return place{}, fault.NotFoundf("there is no context %q", name).WithHint("'rackwright context list' shows them, 'rackwright login' makes one")
	}
	address = cmp.Or(address, defaultServer)
	for _, name := range append([]string{p.Current}, slices.Sorted(maps.Keys(p.Contexts))...) {
		if c := p.Contexts[name]; c != nil && sameServer(c.Server, address) {
			return *c, nil
		}
	}
	return place{Server: address}, nil
}

func sameServer(a, b string) bool {
	return strings.TrimRight(strings.ToLower(a), "/") == strings.TrimRight(strings.ToLower(b), "/")
}

// secret is the token of a context, from the file or its helper.
func (p place) secret(ctx context.Context) (string, error) {
	if p.Helper == "" || p.name == "" {
		return p.Token, nil
	}
	out, err := p.help(ctx, "get", p.key())
	if err != nil {
		return "", err
	}
	var c struct{ Secret string }
	if err := json.Unmarshal(out, &c); err != nil {
		return "", fault.Invalidf("credential helper %s answers what cannot be read", p.Helper)
	}
	return c.Secret, nil
}

func (p place) key() string { return strings.TrimRight(p.Server, "/") + "/#" + p.name }

var helperForm = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)

// Bounds of a credential helper.
const (
	helperLimit = 30 * time.Second
	helperBytes = 64 << 10
)

// help runs a program that speaks the protocol of docker-credential-helpers: get, store or
// erase as its argument, input and answer as JSON or an address.
func (p place) help(ctx context.Context, verb, input string) ([]byte, error) {
	program := p.Helper
	if !filepath.IsAbs(program) {
		if !helperForm.MatchString(program) {
			return nil, fault.Invalidf("%q is no credential helper", p.Helper).WithHint("give pass for docker-credential-pass, or an absolute path")
		}
		program = "docker-credential-" + program
	}
	ctx, cancel := context.WithTimeout(ctx, helperLimit)
	defer cancel()
	c := exec.CommandContext(ctx, program, verb)
	c.WaitDelay = time.Second
	out := &shortBuffer{}
	c.Stdin, c.Stdout = strings.NewReader(input), out
	if err := c.Run(); err != nil { // what it said may have a secret in it
		return nil, fault.Deniedf("credential helper %s %s: %w", p.Helper, verb, err).WithHint("run it by hand, or log in again without --credential-helper")
	}
	return out.Bytes(), nil
}

// shortBuffer takes no more than helperBytes.
type shortBuffer struct{ bytes.Buffer }

func (b *shortBuffer) Write(p []byte) (int, error) {
	if b.Len()+len(p) > helperBytes {
		return 0, errors.New("too long")
	}
	return b.Buffer.Write(p)
}

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
}

func viewOf(p places, name string) contextView {
	c := p.Contexts[name]
	v := contextView{Name: name, Server: c.Server, Current: name == p.Current, Token: "none"}
	if block := firstCertificate(c.CA); block != nil {
		v.Fingerprint = fingerprint(block)
	}
	switch {
	case c.Helper != "":
		v.Token = "kept by " + c.Helper
	case c.Token != "":
		v.Token = "in the file"
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
				pairs(out, "name", v.Name, "server", v.Server, "fingerprint", cmp.Or(v.Fingerprint, "none: as the system trusts"), "token", v.Token)
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
