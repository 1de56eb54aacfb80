package config

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"rackwright/fault"
)

// Database is a postgres URL, or empty for the embedded database. However it is printed,
// it shows no password; DSN returns what to connect with.
type Database string

// String redacts.
func (d Database) String() string {
	if d == "" {
		return ""
	}
	u, err := url.Parse(string(d))
	if err != nil || !isPostgres(u) {
		return "REDACTED" // a password may stand anywhere in it
	}
	if _, ok := u.User.Password(); ok {
		u.User = url.UserPassword(u.User.Username(), "REDACTED")
	}
	q := u.Query()
	for _, key := range []string{"password", "sslpassword"} {
		if q.Has(key) {
			q.Set(key, "REDACTED")
		}
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// MarshalText redacts in JSON.
func (d Database) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// Format makes every verb redact, %x and %d too.
func (d Database) Format(f fmt.State, verb rune) {
	if verb == 'q' || verb == 'v' && f.Flag('#') {
		fmt.Fprintf(f, "%q", d.String())
		return
	}
	fmt.Fprint(f, d.String())
}

func isPostgres(u *url.URL) bool { return u.Scheme == "postgres" || u.Scheme == "postgresql" }

// DSN is what to open: a postgres URL with the password of database_password_file, or the
// path of the SQLite file. It holds a secret.
func (c Config) DSN() (string, error) {
	if c.Database == "" {
		return filepath.Join(c.StateDir, "rackwright.db"), nil
	}
	if c.DatabasePasswordFile == "" {
		return string(c.Database), nil
	}
	b, err := os.ReadFile(c.DatabasePasswordFile)
	if err != nil {
		return "", fault.Invalidf("database_password_file cannot be read: %w", err).
			WithHint("write the password to the file and let the server's user read it")
	}
	u, err := url.Parse(string(c.Database))
	if err != nil { // the cause would print the URL
		return "", fault.Invalidf("database is not a URL")
	}
	u.User = url.UserPassword(u.User.Username(), strings.TrimRight(string(b), "\r\n"))
	return u.String(), nil
}
