package console_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"rackwright/bmc/console"
)

func TestAConsoleIsReadAsPlainLines(t *testing.T) {
	for raw, want := range map[string]string{
		"Linux version 6.12\r\nlogin: ":                   "Linux version 6.12\nlogin:",
		"\x1b[2J\x1b[01;01H\x1b[=3hBdsDxe: loading Boot1": "BdsDxe: loading Boot1",
		"[\x1b[0;32m  OK  \x1b[0m] Started\x1b[K":         "[  OK  ] Started",
		"10%\r20%\r100%\n":                                "100%\n",
		"abc\b\bX":                                        "aXc",
		"\x1b]0;title\x07prompt\x1b]2;other\x1b\\$":       "prompt$",
		"\x1b(Bplain\x1b=":                                "plain",
		"a\x00b\x7fc\xffd\u202eevil\u0085":                "abcdevil",
		"cut in the middle of a sequence\x1b[3":           "cut in the middle of a sequence",
		"\x1b[31mred \x1b[\nnext line":                    "red\nnext line",
		"tab\tbed":                                        "tab bed",
	} {
		if got := console.Plain([]byte(raw)); got != want {
			t.Errorf("%q: got %q, want %q", raw, got, want)
		}
	}
}

func TestATailKeepsTheEnd(t *testing.T) {
	var tail console.Tail
	if raw, total := tail.Since(0); len(raw) != 0 || total != 0 {
		t.Errorf("an empty tail has %q, %d", raw, total)
	}
	for range 3 {
		_, _ = tail.Write([]byte(strings.Repeat("a", console.Kept-1)))
	}
	_, _ = tail.Write([]byte("\nlast line\n\n"))
	raw, total := tail.Since(0)
	if len(raw) != console.Kept || total != 3*(console.Kept-1)+12 {
		t.Errorf("%d bytes of %d", len(raw), total)
	}
	if raw, _ := tail.Since(total - 4); string(raw) != "ne\n\n" {
		t.Errorf("since then: %q", raw)
	}
	if raw, _ := tail.Since(total + 1); len(raw) != console.Kept {
		t.Errorf("a place that is not there gives %d bytes", len(raw))
	}
	if got := tail.Text(20); got != "last line\n\n" {
		t.Errorf("got %q", got)
	}
	if got := console.Line(tail.Text(1000)); got != "last line" {
		t.Errorf("got %q", got)
	}
	_, _ = tail.Write([]byte(strings.Repeat("b", 3*console.Kept)))
	if raw, _ := tail.Since(0); string(raw) != strings.Repeat("b", console.Kept) {
		t.Error("a long write is not kept by its end")
	}
}

// FuzzPlain: whatever a machine writes, its text moves nothing on a terminal.
func FuzzPlain(f *testing.F) {
	f.Add([]byte("\x1b[2Jhello\r\n\x1b]0;x\x07\x9b31m\b\b"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		got := console.Plain(raw)
		if !utf8.ValidString(got) || len(got) > 4*len(raw)+1 {
			t.Fatalf("%q became %q", raw, got)
		}
		for _, r := range got {
			if r < ' ' && r != '\n' || r >= 0x7f && r < 0xa0 {
				t.Fatalf("%q holds %q", got, r)
			}
		}
		if last := console.Last(got, 10); len(last) > 10 || !utf8.ValidString(last) {
			t.Fatalf("the last ten bytes are %q", last)
		}
	})
}
