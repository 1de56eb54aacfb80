package main

import (
	"strings"
	"testing"

	"rackwright/api/apitest"
	"rackwright/fault"
)

func TestOnATerminalTheNameIsTypedBeforeAMachineIsErased(t *testing.T) {
	for _, c := range []struct {
		machines []string
		typed    string
		want     int
	}{{[]string{"m1"}, "m1\n", 0}, {[]string{"m1"}, "y\n", 4}, {[]string{"m1"}, "m2\n", 4}, {[]string{"m1"}, "", 4}, {[]string{"m1", "m2"}, "2\n", 0}, {[]string{"m1", "m2"}, "m1\n", 4}} {
		s := apitest.Rack(t)
		w := at(t, s)
		w.in, w.asks = strings.NewReader(c.typed), true
		if code := run(t.Context(), w, append([]string{"erase"}, c.machines...)); code != c.want {
			t.Errorf("%v, typed %q: status %d, want %d: %s", c.machines, c.typed, code, c.want, w.err.(*pen).text.String())
		}
		if said := w.err.(*pen).text.String(); !strings.Contains(said, "This destroys what is on the disks of m1") {
			t.Errorf("asked %q", said)
		}
	}
}

func TestAQuestionAboutManyNamesSome(t *testing.T) {
	w := &world{err: &pen{}}
	err := w.sure(false, "erases", strings.Split("a b c d e f g h i j", " ")...)
	if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "a, b, c, d, e, f, g, h and 2 more") {
		t.Error(err)
	}
}
