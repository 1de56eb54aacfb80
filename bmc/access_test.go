package bmc

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"rackwright/fault"
)

func TestAccessNeverPrintsThePassword(t *testing.T) {
	a := Access{Address: "https://192.0.2.9", Username: "root", Password: "hunter2"}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("dial", "access", a, "inside", struct{ A Access }{a})
	slog.New(slog.NewTextHandler(&log, nil)).Info("dial", "access", a, "pointer", &a)
	inJSON, err := json.Marshal([]Access{a})
	if err != nil {
		t.Fatal(err)
	}
	printed := []string{log.String(), string(inJSON), WrongPassword(a).Error(), WrongCertificate(a, "x", "y").Error()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		printed = append(printed, fmt.Sprintf(verb, a), fmt.Sprintf(verb, &a), fmt.Sprintf(verb, []Access{a}))
	}
	for _, p := range printed {
		if strings.Contains(p, "hunter2") || strings.Contains(p, fmt.Sprintf("%x", "hunter2")) {
			t.Errorf("the password stands in %s", p)
		}
	}
}

func TestParseFingerprint(t *testing.T) {
	digits := strings.Repeat("ab", 32)
	for in, want := range map[string]string{
		"":                      "",
		digits:                  digits,
		strings.ToUpper(digits): digits,
		strings.TrimSuffix(strings.Repeat("AB:", 32), ":"): digits,
	} {
		if got, err := ParseFingerprint(in); err != nil || got != want {
			t.Errorf("ParseFingerprint(%q) = %q, %v", in, got, err)
		}
	}
	for _, bad := range []string{"abc", digits + "00", strings.Repeat("zz", 32), "sha256/" + digits} {
		if _, err := ParseFingerprint(bad); !fault.Is(err, fault.Invalid) || fault.HintOf(err) == "" {
			t.Errorf("ParseFingerprint(%q) = %v, want Invalid with a hint", bad, err)
		}
	}
}

func FuzzParseFingerprint(f *testing.F) {
	f.Add("")
	f.Add("AB:cd")
	f.Add(strings.Repeat("AB:", 31) + "AB")
	f.Fuzz(func(t *testing.T, s string) {
		got, err := ParseFingerprint(s)
		if err == nil && got != "" && len(got) != 64 {
			t.Fatalf("ParseFingerprint(%q) = %q", s, got)
		}
	})
}
