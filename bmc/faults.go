package bmc

import (
	"errors"
	"strings"

	"rackwright/fault"
)

// errRefused is the cause of errors after which what was sent is not sent again.
var errRefused = errors.New("refused")

// Refused reports whether err says that a BMC did not let us in: with the same credentials
// it would not the next time, and it locks accounts. Other Denied are about one request.
func Refused(err error) bool { return errors.Is(err, errRefused) }

// AsRefused is the fault as one of which Refused is true.
func AsRefused(f *fault.Error) *fault.Error {
	f.Err = errRefused
	return f
}

// WrongPassword is the Denied that every driver returns when a BMC refuses the
// credentials. Nobody may retry it: BMCs lock accounts.
func WrongPassword(a Access) *fault.Error {
	return AsRefused(fault.Deniedf("BMC %s refuses user %q: wrong user name or password", a.Address, a.Username).
		WithHint("check bmc.username and bmc.password in the plan; nothing is retried, so that the account is not locked"))
}

// WrongCertificate is the Denied for a BMC that shows another certificate than the
// pinned one, both as hexadecimal SHA-256. No credentials were sent.
func WrongCertificate(a Access, pinned, shown string) *fault.Error {
	e := fault.Deniedf("BMC %s shows certificate %s, but %s is pinned; no password was sent", a.Address, shown, pinned).
		WithHint("if the BMC or its certificate was replaced on purpose: 'rackwright bmc claim MACHINE --confirm', or set bmc.certificate_sha256 to %s in the plan; otherwise somebody else answers at this address", shown)
	e.Err = otherCertificate(shown)
	return e
}

// otherCertificate is the cause of WrongCertificate: the one shown.
type otherCertificate string

func (c otherCertificate) Error() string { return "another certificate: " + string(c) }

// Unwrap makes Refused true of it.
func (c otherCertificate) Unwrap() error { return errRefused }

// ShownInstead returns the certificate that was shown in the place of the pinned one,
// when the error is that of WrongCertificate.
func ShownInstead(err error) (sha256 string, is bool) {
	c, is := errors.AsType[otherCertificate](err)
	return string(c), is
}

// NoAnswer is the Unreachable for a BMC that does not answer.
func NoAnswer(a Access, cause error) *fault.Error {
	return fault.Unreachablef("BMC %s does not answer: %w", a.Address, cause).
		WithHint("check bmc.address in the plan, the BMC's cable and standby power, and that a route and firewall let this host reach it")
}

// ParseFingerprint reads a SHA-256 as 64 hexadecimal digits in either case, with or
// without colons, and returns it in lower case without them. Empty stays empty.
func ParseFingerprint(s string) (string, error) {
	plain := strings.ToLower(strings.ReplaceAll(strings.TrimSpace(s), ":", ""))
	if plain == "" {
		return "", nil
	}
	if len(plain) != 64 || strings.Trim(plain, "0123456789abcdef") != "" {
		return "", fault.Invalidf("certificate_sha256 %.80q is not a SHA-256 fingerprint", s).
			WithHint("write 64 hexadecimal digits, as openssl x509 -noout -fingerprint -sha256 prints them")
	}
	return plain, nil
}
