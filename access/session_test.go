package access_test

import (
	"strings"
	"testing"

	"rackwright/access"
)

func TestACodeIsReadHoweverItWasTypedOrScanned(t *testing.T) {
	code := access.NewCode()
	want := strings.ReplaceAll(code, "-", "")
	for _, text := range []string{code, strings.ToLower(code), " " + want + " ", access.CodeText(code), strings.ToUpper(access.CodeText(code))} {
		if got, ok := access.ReadCode(text); !ok || got != want {
			t.Errorf("%q is read as %q", text, got)
		}
	}
	for _, text := range []string{"", "rw:door:", code[:10], code + "A", strings.Repeat("A", 1000), "ÄÄÄÄ-AAAA-AAAA-AAAA"} {
		if _, ok := access.ReadCode(text); ok {
			t.Errorf("%q is a code", text)
		}
	}
}

func FuzzReadCode(f *testing.F) {
	f.Add("rw:door:ABCD-EFGH-IJKL-MNOP")
	f.Fuzz(func(t *testing.T, text string) {
		if code, ok := access.ReadCode(text); ok && len(code) != 16 {
			t.Errorf("%q is read as %q", text, code)
		}
	})
}
