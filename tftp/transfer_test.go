package tftp

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var start = time.Unix(1_700_000_000, 0)

func request(t testing.TB, parts ...string) Request {
	t.Helper()
	r, err := ParseRequest([]byte("\x00\x01" + strings.Join(parts, "\x00") + "\x00"))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func ack(n int) Reply { return Reply{Ack: true, Block: uint16(n)} }

// of makes a transfer of so many bytes.
func of(t testing.TB, size, most int, parts ...string) *Transfer {
	content := bytes.Repeat([]byte("0123456789"), size/10+1)[:size]
	return NewTransfer(request(t, append([]string{"f", "octet"}, parts...)...), bytes.NewReader(content), int64(size), most)
}

func expect(t *testing.T, what string, got Turn, from, to int64) {
	t.Helper()
	if got.Options || got.From != from || got.To != to {
		t.Fatalf("%s: %+v, want blocks %d to %d", what, got, from, to)
	}
}

func nothing(t *testing.T, what string, got Turn) {
	t.Helper()
	if !got.Nothing() {
		t.Fatalf("%s: %+v, want nothing", what, got)
	}
}

func TestOnlyWhatIsAskedForIsAcknowledged(t *testing.T) {
	for _, c := range []struct {
		ask  string
		want string
	}{
		{"", ""},
		{"blksize 1468", "blksize 1468"},
		{"BLKSIZE 1468 windowsize 16 tsize 0", "blksize 1468 windowsize 16 tsize 3000"},
		{"tsize 0 blksize 65464", "tsize 3000 blksize 1468"},
		{"blksize 99999999", "blksize 1468"},
		{"windowsize 65535", "windowsize 64"},
		{"timeout 5", "timeout 5"},
		{"timeout 255", ""}, {"timeout 0", ""}, {"blksize 7", ""}, {"windowsize 0", ""}, {"blksize -5", ""}, {"blksize 1e3", ""},
		{"tsize 1000000000000000000000000000000", "tsize 3000"},
		{"blksize 512 blksize 1024", "blksize 512"},
		{"multicast  utimeout 500 blksize 600", "blksize 600"},
	} {
		var parts []string
		if c.ask != "" {
			parts = strings.Split(c.ask, " ")
		}
		want := ""
		if c.want != "" {
			want = "\x00\x06" + strings.ReplaceAll(c.want, " ", "\x00") + "\x00"
		}
		if got := string(of(t, 3000, 1468, parts...).Options()); got != want {
			t.Errorf("%s: %q, want %q", c.ask, got, want)
		}
	}
}

func TestWhatIsNoReadRequestIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"":                           "malformed",
		"\x00\x01":                   "malformed",
		"\x00\x01name":               "malformed",
		"\x00\x01name\x00octet":      "malformed",
		"\x00\x01\x00octet\x00":      "malformed",
		"\x00\x03name\x00octet\x00":  "malformed",
		"\x00\x01name\x00mail\x00":   "mode",
		"\x00\x01name\x00binary\x00": "mode",
		"\x00\x01" + strings.Repeat("x", 300) + "\x00octet\x00": "no-such-file",
		"\x00\x01name\x00octet\x00" + strings.Repeat("o", 600):  "malformed",
	} {
		_, err := ParseRequest([]byte(text))
		if r, ok := err.(*Refusal); !ok || r.Reason != want {
			t.Errorf("%.30q: %v, want %s", text, err, want)
		}
	}
	many := []string{"f", "OCTET"}
	for range maxOptions {
		many = append(many, "x", "1")
	}
	if r := request(t, append(many, "tsize", "0")...); r.Size {
		t.Error("an option behind sixteen others was looked at")
	}
}

func TestAFileOfWholeBlocksEndsWithAnEmptyOne(t *testing.T) {
	x := of(t, 1024, 1468)
	expect(t, "begin", x.Begin(start), 1, 1)
	expect(t, "ack 1", x.Heard(ack(1), start), 2, 2)
	expect(t, "ack 2", x.Heard(ack(2), start), 3, 3)
	b, err := x.Data(make([]byte, 0, 600), 3)
	if err != nil || string(b) != "\x00\x03\x00\x03" {
		t.Errorf("%q, %v", b, err)
	}
	nothing(t, "ack 3", x.Heard(ack(3), start))
	if x.State() != Sent || x.Acked() != 1024 {
		t.Errorf("state %d, %d bytes", x.State(), x.Acked())
	}
}

func TestADuplicateAcknowledgementDoublesNothing(t *testing.T) {
	x := of(t, 5000, 1468)
	x.Begin(start)
	expect(t, "ack 1", x.Heard(ack(1), start), 2, 2)
	for range 3 {
		nothing(t, "ack 1 again", x.Heard(ack(1), start))
	}
	nothing(t, "ack 0", x.Heard(ack(0), start))
	nothing(t, "an acknowledgement of what was never sent", x.Heard(ack(9), start))
	expect(t, "ack 2", x.Heard(ack(2), start), 3, 3)
}

func TestALostWindowIsTakenUpWhereTheClientLeftOff(t *testing.T) {
	x := of(t, 20_000, 1468, "windowsize", "8", "blksize", "500")
	if b := x.Begin(start); !b.Options {
		t.Fatal("no option acknowledgement")
	}
	expect(t, "ack 0", x.Heard(ack(0), start), 1, 8)
	expect(t, "block 4 was lost", x.Heard(ack(3), start), 4, 11)
	nothing(t, "the rest of the first window arrives", x.Heard(ack(3), start))
	expect(t, "ack 11", x.Heard(ack(11), start), 12, 19)
	expect(t, "the first of a window was lost", x.Heard(ack(11), start), 12, 19)
	nothing(t, "said once more", x.Heard(ack(11), start))
	late := start.Add(2 * time.Second)
	expect(t, "silence", x.Late(late), 12, 19)
	expect(t, "ack 19", x.Heard(ack(19), late), 20, 27)
	if x.Retries != 3 {
		t.Errorf("%d retries", x.Retries)
	}
}

func TestBlockNumbersRollOverToZero(t *testing.T) {
	x := of(t, 600_000, 1468, "windowsize", "64", "blksize", "8")
	x.Begin(start)
	turn := x.Heard(ack(0), start)
	for n := 0; x.State() == Running; n++ {
		if turn.Nothing() || n > 1200 {
			t.Fatalf("after %d windows: %+v", n, turn)
		}
		b, err := x.Data(make([]byte, 0, 100), turn.To)
		if err != nil || binary.BigEndian.Uint16(b[2:]) != uint16(turn.To) {
			t.Fatalf("%v, %v", b, err)
		}
		turn = x.Heard(ack(int(turn.To)), start)
	}
	if _, last := x.Blocks(); x.Acked() != 600_000 || last != 75_001 {
		t.Errorf("%d bytes, %d blocks", x.Acked(), last)
	}
}

func TestSilenceIsAnsweredLessAndLessOftenAndThenNotAtAll(t *testing.T) {
	for _, c := range []struct {
		name    string
		open    bool
		parts   []string
		repeats int
		least   time.Duration
	}{
		{"a client that never said a word", false, nil, 3, 15 * time.Second},
		{"one that did", true, nil, 7, 25 * time.Second},
		{"one that asked for its timeout", true, []string{"timeout", "2"}, 7, 16 * time.Second},
	} {
		x := of(t, 5000, 1468, append(c.parts, "tsize", "0")...)
		now := start
		x.Begin(now)
		if c.open {
			x.Heard(ack(0), now)
		}
		sent, last := 0, time.Duration(0)
		for now.Before(start.Add(time.Minute)) && x.State() == Running {
			now = now.Add(tickOf)
			if !x.Late(now).Nothing() {
				sent++
				if gap := now.Sub(start); gap < last {
					t.Errorf("%s: sooner than before", c.name)
				} else {
					last = gap
				}
			}
		}
		if x.State() != Stalled || sent != c.repeats || now.Sub(start) < c.least-3*time.Second {
			t.Errorf("%s: %d repeats, state %d after %s", c.name, sent, x.State(), now.Sub(start))
		}
	}
}

const tickOf = 100 * time.Millisecond

func TestAClientThatWantsTheSizeOnlyIsKnown(t *testing.T) {
	x := of(t, 5000, 1468, "tsize", "0")
	x.Begin(start)
	nothing(t, "error", x.Heard(Reply{Code: 8, Text: "User aborted"}, start))
	if !x.SizeOnly() || x.Refused != "User aborted" {
		t.Errorf("%+v", x)
	}
	y := of(t, 5000, 1468, "tsize", "0")
	y.Begin(start)
	y.Heard(ack(0), start)
	y.Heard(Reply{Text: "disk full"}, start)
	if y.SizeOnly() || y.State() != Aborted {
		t.Errorf("%+v", y)
	}
}

// A client that takes what is in order, on a wire that loses, doubles and delays, has the
// file in the end, and nobody sends without being asked or late.
func TestEveryFileArrivesOverAWireThatLoses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size, block, window := rapid.IntRange(0, 4000).Draw(t, "size"), rapid.IntRange(8, 200).Draw(t, "block"), rapid.IntRange(1, 9).Draw(t, "window")
		r := Request{Name: "f", Block: block, Window: window, asked: []string{"blksize", "windowsize"}}
		content := make([]byte, size)
		for i := range content {
			content[i] = byte(i * 7)
		}
		x := NewTransfer(r, bytes.NewReader(content), int64(size), 1468)
		var got []byte
		now, turn, next, finished := start, x.Begin(start), int64(1), false
		for step := 0; x.State() == Running; step++ {
			if step > 5000 {
				t.Fatalf("no end: %d of %d bytes", len(got), size)
			}
			var said []Reply
			if turn.Options {
				said = append(said, ack(0))
			}
			inWindow := 0
			for n := turn.From; n <= turn.To; n++ {
				if rapid.IntRange(0, 9).Draw(t, "lost") == 0 {
					continue
				}
				b, err := x.Data(make([]byte, 0, 300), n)
				if err != nil {
					t.Fatal(err)
				}
				if binary.BigEndian.Uint16(b[2:]) != uint16(next) {
					said = append(said, ack(int(next-1)))
					continue
				}
				if !finished {
					got = append(got, b[4:]...)
				}
				if next++; len(b)-4 < block {
					finished = true
				}
				if inWindow++; inWindow == window || finished {
					said, inWindow = append(said, ack(int(next-1))), 0
				}
			}
			turn = Turn{From: 1}
			for _, a := range said {
				if rapid.IntRange(0, 9).Draw(t, "answer lost") == 0 {
					continue
				}
				if more := x.Heard(a, now); !more.Nothing() {
					turn = more
				}
			}
			if turn.Nothing() {
				now = now.Add(10 * time.Second)
				turn = x.Late(now)
			}
		}
		if x.State() == Sent && !bytes.Equal(got, content) {
			t.Fatalf("%d bytes arrived of %d", len(got), size)
		}
	})
}

func FuzzRequestsAreBounded(f *testing.F) {
	f.Add([]byte("\x00\x01ipxe.efi\x00octet\x00tsize\x000\x00blksize\x001468\x00windowsize\x0016\x00"), int64(3000))
	f.Add([]byte("\x00\x02x\x00NetASCII\x00timeout\x00256\x00"), int64(0))
	f.Fuzz(func(t *testing.T, b []byte, size int64) {
		r, err := ParseRequest(b)
		if err != nil {
			if _, ok := err.(*Refusal); !ok {
				t.Fatalf("%T", err)
			}
			return
		}
		x := NewTransfer(r, bytes.NewReader(nil), max(0, size), 1468)
		if x.Block < minBlock || x.Block > 1468 || x.Window < 1 || x.Window > maxWindow || x.Window*x.Block > maxFlight || len(x.Options()) > MaxRequest || len(r.Name) > maxName {
			t.Errorf("%+v: %+v", r, x)
		}
	})
}

func FuzzRepliesNeverMakeATransferRunAway(f *testing.F) {
	f.Add([]byte("\x00\x04\x00\x00\x00\x04\x00\x01\x00\x05\x00\x08"), 3, uint8(4))
	f.Fuzz(func(t *testing.T, b []byte, blocks int, window uint8) {
		size := max(0, min(blocks, 1000)) * 512
		x := NewTransfer(Request{Window: int(window%80) + 1, asked: []string{"windowsize"}}, bytes.NewReader(make([]byte, size)), int64(size), 1468)
		x.Begin(start)
		sent, now := int64(0), start
		for ; len(b) >= 4; b = b[4:] {
			turn, asked := Turn{From: 1}, x.Acked()
			if r, ok := ParseReply(b[:4]); ok {
				turn = x.Heard(r, now)
			} else {
				now = now.Add(time.Duration(b[1]) * time.Second)
				turn = x.Late(now)
			}
			if next, last := x.Blocks(); turn.To > last || !turn.Nothing() && !turn.Options && (turn.From != next || turn.To-turn.From >= int64(x.Window)) || x.Acked() < asked {
				t.Fatalf("%+v of %d blocks, next %d", turn, last, next)
			}
			sent += turn.To - turn.From + 1
		}
		if x.Acked() > int64(size) {
			t.Errorf("%d of %d bytes, %d blocks sent", x.Acked(), size, sent)
		}
	})
}
