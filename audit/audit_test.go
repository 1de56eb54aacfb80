package audit_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rackwright/audit"
	"rackwright/fault"
)

// TestTheCanonicalFormIsThatOfRFC8785 has the samples of its sections 3.2.2 and 3.2.3, and
// numbers of its appendix B.
func TestTheCanonicalFormIsThatOfRFC8785(t *testing.T) {
	for in, want := range map[string]string{
		`{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],"string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}`:                                                                           `{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`,
		"{\"\\u20ac\":\"Euro Sign\",\"\\r\":\"Carriage Return\",\"\\ufb33\":\"Hebrew Letter Dalet With Dagesh\",\"1\":\"One\",\"\\ud83d\\ude00\":\"Emoji: Grinning Face\",\"\\u0080\":\"Control\",\"\\u00f6\":\"Latin Small Letter O With Diaeresis\"}": "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u0080\":\"Control\",\"ö\":\"Latin Small Letter O With Diaeresis\",\"€\":\"Euro Sign\",\"😀\":\"Emoji: Grinning Face\",\"\ufb33\":\"Hebrew Letter Dalet With Dagesh\"}",
		`[56,{"d":true,"10":null,"1":[]}]`: `[56,{"1":[],"10":null,"d":true}]`,
		`"<&>\u2028\u007f\b\f\t"`:          "\"<&>\u2028\u007f\\b\\f\\t\"",
		` -0 `:                             `0`,
		`{}`:                               `{}`,
	} {
		got, err := audit.CanonicalText([]byte(in))
		if err != nil || string(got) != want {
			t.Errorf("%s\n got %s, %v\nwant %s", in, got, err, want)
		}
	}
	for bits, want := range map[uint64]string{0: "0", 0x8000000000000000: "0", 1: "5e-324", 0x7fefffffffffffff: "1.7976931348623157e+308", 0x4340000000000000: "9007199254740992",
		0x4430000000000000: "295147905179352830000", 0x44b52d02c7e14af5: "9.999999999999997e+22", 0x44b52d02c7e14af6: "1e+23", 0x444b1ae4d6e2ef4e: "999999999999999700000", 0x444b1ae4d6e2ef50: "1e+21",
		0x3eb0c6f7a0b5ed8c: "9.999999999999997e-7", 0x3eb0c6f7a0b5ed8d: "0.000001", 0x41b3de4355555553: "333333333.3333332", 0xbecbf647612f3696: "-0.0000033333333333333333"} {
		got, err := audit.Canonical(math.Float64frombits(bits))
		if err != nil || string(got) != want {
			t.Errorf("%016x is %s, want %s (%v)", bits, got, want, err)
		}
	}
	for _, bad := range []string{`{"a":1,"a":2}`, `1e400`, `1 2`, `[1`, `{`, ``, "\"\xff\"", strings.Repeat("[", 100) + strings.Repeat("]", 100), `{"a"}`, `[1,]`} {
		if got, err := audit.CanonicalText([]byte(bad)); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q became %s, %v", bad, got, err)
		}
	}
}

func FuzzCanonicalText(f *testing.F) {
	for _, seed := range []string{`{"b":[1,2.5e3,"\u00e9\n"],"a":{"":null}}`, `"\ud800"`, `[-0,1e-7]`, `{"a":1,"\u0061":2}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 4096 {
			return
		}
		once, err := audit.CanonicalText(text)
		if err != nil {
			return
		}
		twice, err := audit.CanonicalText(once)
		if err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("%q is %q and then %q, %v", text, once, twice, err)
		}
		var a, b any
		if json.Unmarshal(text, &a) != nil || json.Unmarshal(once, &b) != nil {
			t.Fatalf("%q and %q do not both read", text, once)
		}
		if x, y := fmt.Sprintf("%#v", a), fmt.Sprintf("%#v", b); x != y && !strings.Contains(x, "-0") {
			t.Fatalf("%q says %s, and %q says %s", text, x, once, y)
		}
	})
}

// TestAnEntryHasTheHashThatThePageSays is the example of docs/running/audit.md.
func TestAnEntryHasTheHashThatThePageSays(t *testing.T) {
	e, head, err := audit.Start().Follow(audit.Record{At: time.Date(2026, 1, 2, 3, 4, 5, 60000, time.UTC), Stage: audit.Asked, Actor: "ann", Role: "operator", Address: "192.0.2.7",
		Method: "POST", Route: "power-machine", Path: "/machines/m1/actions/power", Target: "machine/m1", Reason: "fan is loud", Before: map[string]any{"power": "on", "phase": "active"}})
	if err != nil {
		t.Fatal(err)
	}
	line, err := e.Line()
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"actor":"ann","address":"192.0.2.7","at":"2026-01-02T03:04:05.00006Z","before":{"phase":"active","power":"on"},"hash":"HASH","method":"POST","path":"/machines/m1/actions/power","prev":"` + audit.Genesis + `","reason":"fan is loud","role":"operator","route":"power-machine","seq":1,"stage":"asked","target":"machine/m1"}` + "\n"
	if got := strings.Replace(string(line), e.Hash, "HASH", 1); got != want {
		t.Errorf("got %s", got)
	}
	if head.String() != "1:"+vector {
		t.Errorf("the head is %s", head)
	}
}

// vector is the SHA-256 of the entry above without its hash.
const vector = "7f3fb6ec228c2037844da71a2fc12170d2792bc137684aaacf9b81eb0f87907c"

func export(t *testing.T, n int) []string {
	t.Helper()
	head, lines := audit.Start(), []string{}
	for i := range n {
		e, next, err := head.Follow(audit.Record{Stage: audit.Done, Route: fmt.Sprint("route-", i), At: time.Unix(int64(i), 0)})
		if err != nil {
			t.Fatal(err)
		}
		line, err := e.Line()
		if err != nil {
			t.Fatal(err)
		}
		head, lines = next, append(lines, string(line))
	}
	return lines
}

func TestWhatWasDoneToAnExportIsFound(t *testing.T) {
	lines := export(t, 6)
	other := export(t, 6) // the same, so that one may be changed
	last, err := audit.ParseLine([]byte(lines[5]))
	if err != nil {
		t.Fatal(err)
	}
	head := &audit.Head{Seq: last.Seq, Hash: last.Hash}
	join := func(parts ...[]string) string {
		var all strings.Builder
		for _, p := range parts {
			all.WriteString(strings.Join(p, ""))
		}
		return all.String()
	}
	other[2] = strings.Replace(other[2], "route-2", "route-9", 1)
	for name, c := range map[string]struct {
		text   string
		expect *audit.Head
		want   string // "" for nothing
	}{
		"whole":            {join(lines), head, ""},
		"empty lines":      {strings.ReplaceAll(join(lines), "\n", "\n\n"), head, ""},
		"from the middle":  {join(lines[2:]), head, ""},
		"nothing":          {"", nil, ""},
		"nothing expected": {"", head, "cut off"},
		"changed":          {join(other), nil, "entry 3 was changed"},
		"missing":          {join(lines[:2], lines[3:]), nil, "entry 3 is missing"},
		"two missing":      {join(lines[:2], lines[4:]), nil, "entries 3 to 4 are missing"},
		"reordered":        {join(lines[:2], lines[3:4], lines[2:3], lines[4:]), nil, "missing"},
		"twice":            {join(lines[:3], lines[2:]), nil, "another order, or twice"},
		"cut":              {join(lines[:4]), head, "its end was cut off"},
		"another head":     {join(lines), &audit.Head{Seq: 4, Hash: audit.Genesis}, "written anew"},
		"head before":      {join(lines[3:]), &audit.Head{Seq: 1, Hash: audit.Genesis}, "say nothing of it"},
		"spaces":           {strings.Replace(join(lines), `,"seq"`, `, "seq"`, 1), nil, "not as it was written"},
		"another member":   {strings.Replace(join(lines), `"seq"`, `"a":1,"seq"`, 1), nil, "no entry of an audit"},
		"no JSON":          {"hello\n", nil, "line 1"},
		"a long line":      {strings.Repeat("x", 1<<17), nil, "longer than"},
	} {
		c2 := audit.Check{Expect: c.expect}
		err := c2.Read(strings.NewReader(c.text))
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// TestNoChangeOfAnyMemberIsMissed changes one thing of one entry, whatever it is.
func TestNoChangeOfAnyMemberIsMissed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringN(0, 40, 600)
		e := audit.Record{At: time.UnixMicro(rapid.Int64Range(0, 4e15).Draw(t, "at")), Stage: audit.Answered, Asks: rapid.Int64Range(0, 99).Draw(t, "asks"),
			Actor: text.Draw(t, "actor"), Reason: text.Draw(t, "reason"), Target: text.Draw(t, "target"), Route: "r", Status: rapid.IntRange(0, 599).Draw(t, "status"),
			After: map[string]any{text.Draw(t, "key"): text.Draw(t, "value"), "n": rapid.Float64Range(-1e30, 1e30).Draw(t, "n")}}
		sealed, _, err := audit.Start().Follow(e)
		if err != nil {
			t.Fatal(err)
		}
		line, err := sealed.Line()
		if err != nil {
			t.Fatal(err)
		}
		back, err := audit.ParseLine(line)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if err := new(audit.Check).Next(back); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		at := rapid.IntRange(0, len(line)-2).Draw(t, "position")
		bit := byte(1) << rapid.IntRange(0, 7).Draw(t, "bit")
		line[at] ^= bit
		if forged, err := audit.ParseLine(line); err == nil && new(audit.Check).Next(forged) == nil {
			t.Fatalf("nobody noticed: %s", line)
		}
	})
}

func FuzzParseLine(f *testing.F) {
	e, _, _ := audit.Start().Follow(audit.Record{Stage: audit.Done, Route: "r", After: map[string]any{"a": 1}})
	line, _ := e.Line()
	f.Add(line)
	f.Add([]byte(`{"seq":1}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		e, err := audit.ParseLine(line)
		if err != nil {
			return
		}
		back, err := e.Line()
		if err != nil || !bytes.Equal(bytes.TrimSpace(line), bytes.TrimSpace(back)) {
			t.Fatalf("%q reads back as %q, %v", line, back, err)
		}
	})
}

func TestAHeadIsReadAsItIsPrinted(t *testing.T) {
	h, err := audit.ParseHead(" 7:" + strings.Repeat("aB", 32) + "\n")
	if err != nil || h.String() != "7:"+strings.Repeat("ab", 32) {
		t.Errorf("%v, %v", h, err)
	}
	for _, bad := range []string{"", "7", ":", "-1:" + audit.Genesis, "x:" + audit.Genesis, "7:" + audit.Genesis[2:], "7:zz" + audit.Genesis[2:]} {
		if _, err := audit.ParseHead(bad); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestASignedHeadIsGoodUntilItIsChanged(t *testing.T) {
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{3}, 32))
	a, err := audit.Sign(audit.Head{Seq: 7, Hash: audit.Genesis}, time.Unix(1, 0), key)
	if err != nil || a.Verify("") != nil || a.Verify(a.Key) != nil {
		t.Fatal(err, a.Verify(""))
	}
	for name, change := range map[string]func(*audit.Anchor){
		"seq": func(a *audit.Anchor) { a.Seq++ }, "hash": func(a *audit.Anchor) { a.Hash = strings.Repeat("1", 64) }, "time": func(a *audit.Anchor) { a.At = a.At.Add(time.Hour) },
		"signature": func(a *audit.Anchor) { a.Signature = "" }, "garbled": func(a *audit.Anchor) { a.Signature = "!" }, "key": func(a *audit.Anchor) { a.Key = a.Key[2:] },
	} {
		b := a
		change(&b)
		if b.Verify("") == nil {
			t.Errorf("%s: nobody noticed", name)
		}
	}
	if a.Verify(strings.Repeat("0", 64)) == nil {
		t.Error("another key was taken")
	}
}

func TestAStateIsShortAndPlain(t *testing.T) {
	if got := audit.State("no object"); got != nil {
		t.Errorf("%v", got)
	}
	if got := audit.State(map[string]any{"x": strings.Repeat("x", 1<<16)}); got["too_long"] == nil {
		t.Errorf("%v", got)
	}
	if got := audit.Text(strings.Repeat("é", 1000)); len(got) > 512 || strings.ContainsRune(got, '\uFFFD') {
		t.Errorf("%d bytes", len(got))
	}
}

func TestWhoAskedDoesNotApprove(t *testing.T) {
	a := audit.Approval{State: audit.Waiting, Actor: "Ann", CallerID: "t1"}
	for _, c := range []struct {
		name, id string
		approve  bool
		want     fault.Kind
		ok       bool
	}{{"ann", "t2", true, fault.Denied, false}, {"bob", "t1", true, fault.Denied, false}, {"bob", "t2", true, 0, true}, {"Ann", "t1", false, 0, true}} {
		if err := a.Decide(audit.Person{Name: c.name, CallerID: c.id}, c.approve); (err == nil) != c.ok || err != nil && fault.KindOf(err) != c.want {
			t.Errorf("%s with %s: %v", c.name, c.id, err)
		}
	}
}
