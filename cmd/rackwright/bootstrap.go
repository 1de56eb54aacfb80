package main

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"rackwright/access"
	"rackwright/access/guard"
	"rackwright/config"
	"rackwright/fault"
)

// keeper keeps the first token of a server.
type keeper interface {
	// SetToken makes a secret that of a name, whatever it had.
	SetToken(ctx context.Context, name string, role access.Role, secret string) error
	// KeepToken does so unless the name has another, or the secret was revoked; good says
	// whether it opens anything.
	KeepToken(ctx context.Context, name string, role access.Role, secret string) (good bool, err error)
}

// adminName names the token in admin.token. Servers that share a database each have one of
// their own: with one name the last to start would lock the others' operators out.
func adminName(alone bool, stateDir string) string {
	host, err := os.Hostname()
	if alone || err != nil {
		return "admin"
	}
	return "admin@" + host + ":" + stateDir
}

// admin makes the first token and leaves it in a file only its owner can read. A file that
// is there is believed by a database without such a token, so that a lost one can be
// replaced; who removes it has another made, so that a lost token can be.
func admin(ctx context.Context, path, name string, db keeper, log *slog.Logger) error {
	secret, made, err := firstToken(path)
	if err != nil {
		return err
	}
	if made {
		return db.SetToken(ctx, name, access.Admin, secret)
	}
	good, err := db.KeepToken(ctx, name, access.Admin, secret)
	if err == nil && !good {
		log.Warn("the token in the file was rotated or revoked", "file", path, "token", name, "hint", "write the new one there, or remove the file: another token is made at the next start")
	}
	return err
}

// firstToken reads the file, or makes it. Of two servers that make it at once one wins, and
// both have what it wrote.
func firstToken(path string) (secret string, made bool, err error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if made, err = writeOnce(path, access.NewSecret()+"\n"); err == nil {
			text, err = os.ReadFile(path)
		}
	}
	if err != nil {
		return "", false, fault.Invalidf("admin token: %w", err)
	}
	if secret = strings.TrimSpace(string(text)); len(secret) < 16 {
		return "", false, fault.Invalidf("admin token: %s holds no token", path).WithHint("remove the file; a new one is made at the next start")
	}
	return secret, made, closed(path)
}

// closed takes a file from everybody but its owner.
func closed(path string) error {
	info, err := os.Stat(path)
	if err == nil && info.Mode().Perm()&0o077 != 0 {
		err = os.Chmod(path, 0o600)
	}
	if err != nil {
		return fault.Invalidf("admin token: %w", err).WithHint("others may read %s: chmod 600 it as its owner", path)
	}
	return nil
}

// writeOnce makes a file that its owner alone can read, whole or not at all, unless there
// is one.
func writeOnce(path, text string) (made bool, err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*") // 0600
	if err != nil {
		return false, err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return false, err
	}
	err = os.Link(f.Name(), path)
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	return err == nil, err
}

// limits are the configuration's as the guard takes them.
func limits(l config.Limits) guard.Limits {
	return guard.Limits{PerAddress: l.PerAddress, PerCaller: l.PerCaller, Burst: 10 * time.Second, Wrong: l.Wrong, Longest: 15 * time.Minute}
}
