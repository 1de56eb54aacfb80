package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"rackwright/fault"
)

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
