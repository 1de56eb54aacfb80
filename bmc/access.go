package bmc

import (
	"encoding/json"
	"fmt"
	"log/slog"
)

// hidden stands wherever a secret would be printed.
const hidden = "(hidden)"

// String prints where and as whom, never the password.
func (a Access) String() string {
	return fmt.Sprintf("%s as %q", a.Address, a.Username)
}

// GoString is String for %#v.
func (a Access) GoString() string {
	return fmt.Sprintf("bmc.Access{Address:%q, Username:%q, Password:%s, CertificateSHA256:%q}",
		a.Address, a.Username, hidden, a.CertificateSHA256)
}

// Format makes every verb print String or GoString; %d or %x of a struct would
// otherwise walk its fields.
func (a Access) Format(f fmt.State, verb rune) {
	if verb == 'v' && f.Flag('#') {
		fmt.Fprint(f, a.GoString())
		return
	}
	fmt.Fprint(f, a.String())
}

// LogValue is what log/slog writes.
func (a Access) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("address", a.Address),
		slog.String("username", a.Username),
		slog.Bool("pinned", a.CertificateSHA256 != ""),
	)
}

// MarshalJSON leaves the password out: slog's JSON handler reaches an Access inside
// another struct this way, past LogValue.
func (a Access) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]string{
		"address":            a.Address,
		"username":           a.Username,
		"certificate_sha256": a.CertificateSHA256,
	})
}
