package stream

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// book is a source of numbers; id n is message n.
type book struct {
	mu    sync.Mutex
	last  int64
	key   func(int64) string
	wakes map[chan struct{}]bool
	reads int
}

func (b *book) Last(context.Context) (int64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.last, nil
}

func (b *book) Next(_ context.Context, after int64) ([]Entry[int64], int64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reads++
	return b.pages(after, min(b.last, after+1000)), min(b.last, after+1000), nil
}

func (b *book) pages(after, until int64) (out []Entry[int64]) {
	for n := after + 1; n <= until; n++ {
		e := Entry[int64]{ID: n, Text: fmt.Appendf(nil, "id: %d\ndata: x\n\n", n), Facts: n}
		if b.key != nil {
			e.Key = b.key(n)
		}
		out = append(out, e)
	}
	return out
}

func (b *book) Wake() (<-chan struct{}, func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := make(chan struct{}, 1)
	if b.wakes == nil {
		b.wakes = map[chan struct{}]bool{}
	}
	b.wakes[c] = true
	return c, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.wakes, c)
	}
}

func (b *book) write(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last += n
	for c := range b.wakes {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

func (b *book) reader(after int64) Reader[int64] {
	return Reader[int64]{After: after, Wants: func(int64) bool { return true }, Behind: func(_ context.Context, after, until int64) ([]Entry[int64], int64, error) {
		until = min(until, after+100)
		return b.pages(after, until), until, nil
	}}
}

// eye reads what is sent, until it has seen the last message that it waits for.
type eye struct {
	seen []string
	till string
	done context.CancelFunc
	fail error
}

var dataID = regexp.MustCompile(`id: (\d+)\ndata`)

func (e *eye) Write(p []byte) error {
	for _, m := range dataID.FindAllStringSubmatch(string(p), -1) {
		e.seen = append(e.seen, m[1])
		if m[1] == e.till {
			e.done()
		}
	}
	return e.fail
}

func newFeed(b *book) *Feed[int64] {
	return New(Options[int64]{Source: b, Beat: time.Hour, Failed: func(error) {}})
}

// follow reads until a message came.
func follow(t testing.TB, f *Feed[int64], r Reader[int64], till int64) []string {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	e := &eye{till: fmt.Sprint(till), done: cancel}
	serve, err := f.Join(ctx, r)
	if err != nil {
		t.Fatal(err)
	}
	if err := serve(ctx, e); err != nil && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	return e.seen
}

func TestManyReadersCostOneReading(t *testing.T) {
	b := &book{last: 10}
	f := newFeed(b)
	var all, ready sync.WaitGroup
	for range 200 {
		ready.Add(1)
		all.Go(func() {
			serve, err := f.Join(t.Context(), b.reader(10))
			ready.Done()
			if err != nil {
				t.Error(err)
				return
			}
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			e := &eye{till: "15", done: cancel}
			if err := serve(ctx, e); err != nil || strings.Join(e.seen, " ") != "11 12 13 14 15" {
				t.Errorf("%v %v", e.seen, err)
			}
		})
	}
	ready.Wait()
	b.write(5)
	all.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.reads > 20 {
		t.Errorf("%d readings for 200 readers", b.reads)
	}
}

func TestAReaderThatComesBackMissesNothingAndReadsNothingTwice(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := &book{last: rapid.Int64Range(0, 9000).Draw(rt, "there before")}
		f := newFeed(b)
		after := rapid.Int64Range(0, b.last).Draw(rt, "seen")
		more := rapid.Int64Range(1, 6000).Draw(rt, "to come")
		till := b.last + more
		go b.write(more)
		for i, got := range follow(t, f, b.reader(after), till) {
			if got != fmt.Sprint(after+int64(i)+1) {
				rt.Fatalf("behind %d, message %d is %s", after, i, got)
			}
		}
	})
}

func TestWhoIsLateIsToldEachStateOnce(t *testing.T) {
	b := &book{last: 300, key: func(n int64) string { return fmt.Sprint(n % 3) }}
	got := follow(t, newFeed(b), b.reader(0), 300)
	if strings.Join(got, " ") != "298 299 300" {
		t.Errorf("%v", got)
	}
}

func TestAReaderThatTakesNothingIsLeftAlone(t *testing.T) {
	b := &book{last: 5}
	f := newFeed(b)
	serve, err := f.Join(t.Context(), b.reader(0))
	if err != nil {
		t.Fatal(err)
	}
	full := errors.New("its window is full")
	if err := serve(t.Context(), &eye{fail: full, done: func() {}}); !errors.Is(err, full) || f.Readers() != 0 {
		t.Errorf("%v, %d readers", err, f.Readers())
	}
}

func TestAFilterHidesAndTheCursorGoesOn(t *testing.T) {
	b := &book{last: 2000}
	r := b.reader(3)
	r.Wants = func(n int64) bool { return n%500 == 0 }
	if got := follow(t, newFeed(b), r, 2000); strings.Join(got, " ") != "500 1000 1500 2000" {
		t.Errorf("%v", got)
	}
}
