package api

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestOnlyAWrittenNULIsOne(t *testing.T) {
	for text, want := range map[string]bool{
		`"a\u0000b"`: true, `"\\\u0000"`: true, `{"\u0000":1}`: true, `"\\u0000\u0000"`: true,
		`"\\u0000"`: false, `"\\\\u0000"`: false, `"u0000"`: false, `"\u0001"`: false, ``: false,
	} {
		if got := hasNUL([]byte(text)); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

// FuzzHasNUL compares with what a decoder finds.
func FuzzHasNUL(f *testing.F) {
	for _, seed := range []string{`"\u0000"`, `"\\u0000"`, `"\\\u0000\\u0000"`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var s string
		if json.Unmarshal([]byte(text), &s) != nil {
			t.Skip()
		}
		if got, want := hasNUL([]byte(text)), strings.ContainsRune(s, 0); got != want {
			t.Errorf("%q: %v, but it decodes to %q", text, got, s)
		}
	})
}
