package bmc

import (
	"strings"

	"rackwright/fault"
)

// WrongPassword is the Denied that every driver returns when a BMC refuses the
// credentials. Nobody may retry it: BMCs lock accounts.
func WrongPassword(a Access) *fault.Error {
	return fault.Deniedf("BMC %s refuses user %q: wrong user name or password", a.Address, a.Username).
		WithHint("check bmc.username and bmc.password in the plan; nothing is retried, so that the account is not locked")
}

// WrongCertificate is the Denied for a BMC that shows another certificate than the
// pinned one, both as hexadecimal SHA-256. No credentials were sent.
func WrongCertificate(a Access, pinned, shown string) *fault.Error {
	return fault.Deniedf("BMC %s shows certificate %s, but %s is pinned; no password was sent", a.Address, shown, pinned).
		WithHint("if the BMC or its certificate was replaced on purpose set bmc.certificate_sha256 to %s in the plan; otherwise somebody else answers at this address", shown)
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
