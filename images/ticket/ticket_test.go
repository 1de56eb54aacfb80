package ticket

import (
	"crypto/ed25519"
	"fmt"
	"strings"
	"testing"
	"time"

	"rackwright/fault"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

func keyOf(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed([]byte(strings.Repeat(string(rune(seed)), ed25519.SeedSize)))
}

func public(k ed25519.PrivateKey) ed25519.PublicKey { return k.Public().(ed25519.PublicKey) }

func TestATicketIsGoodUntilItsTimeAndForItsKeyOnly(t *testing.T) {
	key, other := keyOf('a'), keyOf('b')
	text := New(key, Ticket{Holder: "operation-1", Until: noon})
	got, err := Check(public(key), text, noon.Add(-time.Second))
	if err != nil || got.Holder != "operation-1" || !got.Until.Equal(noon) {
		t.Errorf("%+v, %v", got, err)
	}
	for name, err := range map[string]error{
		"over":        second(Check(public(key), text, noon)),
		"another key": second(Check(public(other), text, noon.Add(-time.Hour))),
		"no key":      second(Check(nil, text, noon.Add(-time.Hour))),
		"longer":      second(Check(public(key), text+"A", noon.Add(-time.Hour))),
		"no dot":      second(Check(public(key), strings.Replace(text, ".", "", 1), noon.Add(-time.Hour))),
		"empty":       second(Check(public(key), "", noon.Add(-time.Hour))),
	} {
		if !fault.Is(err, fault.Denied) || fault.HintOf(err) == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func second(_ Ticket, err error) error { return err }

func TestADoorKnowsTicketsBySightAndForgetsThemWhenTheyAreOver(t *testing.T) {
	key, now := keyOf('a'), noon
	d := NewDoor(public(key), func() time.Time { return now })
	text := New(key, Ticket{Holder: "x", Until: noon.Add(time.Minute)})
	for range 2 {
		if _, err := d.Admit(text); err != nil {
			t.Fatal(err)
		}
	}
	if len(d.known) != 1 {
		t.Errorf("%d tickets are known", len(d.known))
	}
	now = noon.Add(time.Minute)
	if _, err := d.Admit(text); !fault.Is(err, fault.Denied) {
		t.Errorf("a ticket that is over: %v", err)
	}
	now = noon
	d.Rekey(public(keyOf('b')))
	if _, err := d.Admit(text); !fault.Is(err, fault.Denied) {
		t.Errorf("a ticket of the key before: %v", err)
	}
}

func TestADoorRemembersABoundedNumber(t *testing.T) {
	key := keyOf('a')
	d := NewDoor(public(key), func() time.Time { return noon })
	for i := range remembered + 10 {
		d.keep(public(key), fmt.Sprint(i), Ticket{Until: noon.Add(time.Hour)}, noon)
	}
	if len(d.known) > remembered {
		t.Errorf("%d are known", len(d.known))
	}
}

func FuzzCheck(f *testing.F) {
	key := keyOf('a')
	f.Add(New(key, Ticket{Holder: "h", Until: noon}))
	f.Add("a.b")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := Check(public(key), text, noon.Add(-time.Hour))
		if err != nil && !fault.Is(err, fault.Denied) {
			t.Fatal(err)
		}
		if err == nil && New(key, got) != text {
			t.Fatalf("%q is also %q", text, New(key, got))
		}
	})
}
