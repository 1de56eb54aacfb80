package deploy

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"testing"
)

// The examples of RFC 8785, sections 3.2.2 and 3.2.3.
func TestTextsAreCanonicalAsTheStandardShowsThem(t *testing.T) {
	for in, want := range map[string]string{
		`{"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
		  "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/", "literals": [null, true, false]}`: `{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`,
		`{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One",
		  "\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"}`: "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u0080\":\"Control\",\"ö\":\"Latin Small Letter O With Diaeresis\"," +
			"\"€\":\"Euro Sign\",\"😀\":\"Emoji: Grinning Face\",\"\ufb33\":\"Hebrew Letter Dalet With Dagesh\"}",
		`{"a":"\u2028\u2029<>&\u007f\b\t\f"}`: "{\"a\":\"\u2028\u2029<>&\x7f\\b\\t\\f\"}",
		` [ ] `:                               "[]", `{}`: "{}",
	} {
		if got, err := canonical([]byte(in)); err != nil || string(got) != want {
			t.Errorf("%s\nbecame %s\nnot    %s, %v", in, got, want, err)
		}
	}
}

// The doubles of RFC 8785, appendix B.
func TestNumbersAreCanonicalAsTheStandardShowsThem(t *testing.T) {
	for bits, want := range map[uint64]string{
		0x0000000000000000: "0", 0x8000000000000000: "0", 0x0000000000000001: "5e-324", 0x8000000000000001: "-5e-324",
		0x7fefffffffffffff: "1.7976931348623157e+308", 0xffefffffffffffff: "-1.7976931348623157e+308",
		0x4340000000000000: "9007199254740992", 0xc340000000000000: "-9007199254740992", 0x4430000000000000: "295147905179352830000",
		0x44b52d02c7e14af5: "9.999999999999997e+22", 0x44b52d02c7e14af6: "1e+23", 0x44b52d02c7e14af7: "1.0000000000000001e+23",
		0x444b1ae4d6e2ef4e: "999999999999999700000", 0x444b1ae4d6e2ef4f: "999999999999999900000", 0x444b1ae4d6e2ef50: "1e+21",
		0x3eb0c6f7a0b5ed8c: "9.999999999999997e-7", 0x3eb0c6f7a0b5ed8d: "0.000001",
		0x41b3de4355555553: "333333333.3333332", 0x41b3de4355555554: "333333333.33333325", 0x41b3de4355555555: "333333333.3333333",
		0x41b3de4355555556: "333333333.3333334", 0x41b3de4355555557: "333333333.33333343",
		0xbecbf647612f3696: "-0.0000033333333333333333", 0x43143ff3c1cb0959: "1424953923781206.2",
	} {
		text := strconv.FormatFloat(math.Float64frombits(bits), 'e', -1, 64)
		if got, err := canonical([]byte(text)); err != nil || string(got) != want {
			t.Errorf("%x: %s, not %s, %v", bits, got, want, err)
		}
	}
	for _, text := range []string{"9007199254740993", "-9223372036854775808", "1e400", "NaN"} {
		if got, err := canonical([]byte(text)); err == nil {
			t.Errorf("%s became %s", text, got)
		}
	}
}

// FuzzCanonical: what is canonical means the same, and stays as it is.
func FuzzCanonical(f *testing.F) {
	f.Add([]byte(`{"b":[1,2.5e-7],"a":"\u2028"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		once, err := canonical(text)
		if err != nil {
			return
		}
		twice, err := canonical(once)
		if err != nil || !bytes.Equal(once, twice) || !json.Valid(once) {
			t.Fatalf("%q became %q, then %q, %v", text, once, twice, err)
		}
	})
}
