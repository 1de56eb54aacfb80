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

func TestAMemberThatIsThereTwiceIsFound(t *testing.T) {
	for text, want := range map[string]string{
		`{"a":1,"a":2}`: "a", `{"a":{"b":1,"c":[{"b":1}],"b":2}}`: "b", `[{"x":"a","a":"x","\u0061":1}]`: "a", `{"":1,"":2}`: "", `{"a\"":1,"a\"":2}`: `a"`,
		`{"a":{"a":{"a":"a"}}}`: "none", `[{"a":1},{"a":2}]`: "none", `{"a":["a","a"],"b":"a"}`: "none", `{"a":"{\"a\":","A":1}`: "none", `"a"`: "none", `1`: "none",
	} {
		name, twice := memberTwice([]byte(text))
		if twice != (want != "none") || twice && name != want {
			t.Errorf("%s: %q, %v", text, name, twice)
		}
	}
}

// FuzzMemberTwice compares with what a decoder's tokens say.
func FuzzMemberTwice(f *testing.F) {
	for _, seed := range []string{`{"a":1,"a":2}`, `{"a":{"b":[1,"b"]},"b":{}}`, `[{"\u0061":"\\"},"a"]`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var v any
		if json.Unmarshal([]byte(text), &v) != nil {
			t.Skip()
		}
		if _, got := memberTwice([]byte(text)); got != twiceByTokens(json.NewDecoder(strings.NewReader(text))) {
			t.Errorf("%q: %v", text, got)
		}
	})
}

// twiceByTokens reads one value.
func twiceByTokens(d *json.Decoder) (twice bool) {
	token, _ := d.Token()
	seen := map[any]bool{}
	for (token == json.Delim('{') || token == json.Delim('[')) && d.More() {
		if token == json.Delim('{') {
			name, _ := d.Token()
			twice, seen[name] = twice || seen[name], true
		}
		twice = twiceByTokens(d) || twice
	}
	if token == json.Delim('{') || token == json.Delim('[') {
		_, _ = d.Token()
	}
	return twice
}
