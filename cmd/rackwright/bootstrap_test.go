package main

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"rackwright/access"
)

// oneToken is a database with one token in it.
type oneToken struct {
	mu     sync.Mutex
	secret string
}

func (o *oneToken) SetToken(_ context.Context, _ string, _ access.Role, secret string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.secret = secret
	return nil
}

func (o *oneToken) KeepToken(_ context.Context, _ string, _ access.Role, secret string) (bool, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.secret == "" {
		o.secret = secret
	}
	return o.secret == secret, nil
}

func TestTheFirstTokenIsWrittenOnceForItsOwnerAlone(t *testing.T) {
	path, db := filepath.Join(t.TempDir(), "admin.token"), &oneToken{}
	start := func() string {
		t.Helper()
		if err := admin(t.Context(), path, "admin", db, slog.New(slog.DiscardHandler)); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("mode %v, %v", info.Mode(), err)
		}
		return strings.TrimSpace(string(text))
	}
	first := start()
	if first != db.secret || first != start() {
		t.Error("the file and the database differ")
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	start()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if second := start(); second == first || second != db.secret {
		t.Error("who removes the file does not get another token")
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".new-*")); left != nil {
		t.Errorf("left over: %v", left)
	}
}

func TestServersThatStartAtOnceHaveOneFirstToken(t *testing.T) {
	path, db := filepath.Join(t.TempDir(), "admin.token"), &oneToken{}
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			if err := admin(t.Context(), path, "admin", db, slog.New(slog.DiscardHandler)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if text, _ := os.ReadFile(path); strings.TrimSpace(string(text)) != db.secret {
		t.Errorf("the file has %q, the database %q", text, db.secret)
	}
}

func TestAFileWhoseTokenWasRotatedIsNotBelievedAndSaidSo(t *testing.T) {
	path, db := filepath.Join(t.TempDir(), "admin.token"), &oneToken{secret: "rw_rotated_secret"}
	if err := os.WriteFile(path, []byte("rw_the_old_secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	if err := admin(t.Context(), path, "admin", db, slog.New(slog.NewTextHandler(&said, nil))); err != nil {
		t.Fatal(err)
	}
	if db.secret != "rw_rotated_secret" || !strings.Contains(said.String(), "rotated or revoked") || strings.Contains(said.String(), "rw_") {
		t.Errorf("database %s, said %s", db.secret, said.String())
	}
	if err := os.WriteFile(path, []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := admin(t.Context(), path, "admin", db, slog.Default()); err == nil {
		t.Error("a file without a token is believed")
	}
}
