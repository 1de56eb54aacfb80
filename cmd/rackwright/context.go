package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"rackwright/fault"
)

const defaultServer = "http://127.0.0.1:8480"

// place is a server with what is needed to ask it.
type place struct {
	Server string `json:"server"`
	CA     string `json:"ca,omitempty"`           // PEM: who alone may sign its certificate; empty: the system's
	Token  string `json:"token,omitempty"`        // unless a helper keeps it
	Helper string `json:"helper,omitempty"`       // credential helper
	Clear  bool   `json:"in_the_clear,omitempty"` // its token may go over http://

	ClientCert string `json:"client_cert,omitempty"` // files, absolute: who the command is, besides or instead of a token
	ClientKey  string `json:"client_key,omitempty"`

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

// where is the server to ask, with what the flags and the environment add to its context.
func (w *world) where() (place, error) {
	p, err := w.named()
	if err != nil {
		return place{}, err
	}
	p.Clear = p.Clear || w.clear
	err = w.shows(&p)
	return p, err
}

// named is the server to ask: --server, --context, RACKWRIGHT_SERVER, RACKWRIGHT_CONTEXT, the
// context in use, or the server on this host. An address is trusted as the context that has it.
func (w *world) named() (place, error) {
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
