package api

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"rackwright/api/wire"
	"rackwright/deploy"
	"rackwright/images"
	"rackwright/inventory"
	"rackwright/store"
)

// pageStore reads lists from behind a place in them.
type pageStore interface {
	RackPage(ctx context.Context, p store.Page) ([]inventory.Rack, error)
	// DevicePage is of one rack, "" for all.
	DevicePage(ctx context.Context, rack string, p store.Page) ([]inventory.Device, error)
	ImagePage(ctx context.Context, p store.Page) ([]images.Image, error)
	LeasePage(ctx context.Context, f store.LeaseFilter, p store.Page) ([]inventory.Lease, error)
	CertificatePage(ctx context.Context, f store.CertificateFilter, p store.Page) ([]deploy.SignedCertificate, error)
}

// PageIn is which part of a list is asked for. Exported because huma fills only exported
// embedded structs.
type PageIn struct {
	Limit int `query:"limit" default:"1000" minimum:"1" maximum:"1000" doc:"At most so many"`
	BehindIn
}

// BehindIn is where in a list to go on, and in which order.
type BehindIn struct {
	PageToken string `query:"page_token" maxLength:"4096" doc:"next_page_token of the page before"`
	Sort      string `query:"sort" maxLength:"64" doc:"What the list is sorted by; a minus before it turns it round. An unknown word is answered with those there are"`
}

// place is what a page token says: which list it is of, and the last one seen.
type place struct {
	List  string   `json:"l"`
	After []string `json:"a"`
}

// listDigest names the list that a request is of: its path, filters and order. A token
// for another is refused, because it would skip what nobody has seen.
func listDigest(ctx context.Context) string {
	a := replyOf(ctx)
	if a == nil || a.url == nil {
		return ""
	}
	q := a.url.Query()
	for _, beside := range []string{"page_token", "limit", "fields"} {
		q.Del(beside)
	}
	sum := sha256.Sum256([]byte(a.url.Path + "?" + q.Encode()))
	return hex.EncodeToString(sum[:6])
}

// tokenOf makes the token of what comes behind a place.
func tokenOf(ctx context.Context, after ...string) string {
	text, _ := json.Marshal(place{listDigest(ctx), after}) // texts only
	return base64.RawURLEncoding.EncodeToString(text)
}

// after reads a token of this list; nil is its beginning.
func (in BehindIn) after(ctx context.Context, columns int) ([]string, error) {
	if in.PageToken == "" {
		return nil, nil
	}
	var p place
	text, err := base64.RawURLEncoding.DecodeString(in.PageToken)
	if err == nil {
		err = json.Unmarshal(text, &p)
	}
	if err != nil || len(p.After) != columns || slices.ContainsFunc(p.After, unstorable) {
		return nil, badToken(ctx, "page_token is not one this server gave out")
	}
	if p.List != listDigest(ctx) {
		return nil, badToken(ctx, "page_token is of another list, filter or order")
	}
	return p.After, nil
}

func unstorable(s string) bool {
	return strings.ContainsRune(s, 0) || strings.ToValidUTF8(s, "") != s || len(s) > 512
}

func badToken(ctx context.Context, detail string) error {
	p := coded(ctx, "bad-page-token", detail, "")
	p.Errors = []wire.ProblemField{{Location: "query.page_token", Message: detail}}
	return p
}

// sorted checks the order against those a list has; the first of them is its usual one.
func (in BehindIn) sorted(ctx context.Context, words ...string) (string, error) {
	word := strings.TrimPrefix(in.Sort, "-")
	if in.Sort == "" {
		return words[0], nil
	}
	for _, w := range words {
		if strings.TrimPrefix(w, "-") == word {
			return in.Sort, nil
		}
	}
	for i := range words {
		words[i] = strings.TrimPrefix(words[i], "-")
	}
	p := coded(ctx, "unknown-sort", fmt.Sprintf("the list cannot be sorted by %q: it can by %s", word, strings.Join(words, ", ")), suggestion(word, words))
	p.Errors = []wire.ProblemField{{Location: "query.sort", Message: "is none of " + strings.Join(words, ", ")}}
	return "", p
}

// order is a way to sort a list: its word and the values that place a thing in it.
type order[T any] struct {
	word string // with a minus where it is usually turned round
	key  func(*T) []string
}

// keyset answers a part of a list that the store reads from behind a place.
func keyset[T any](ctx context.Context, in BehindIn, limit int, orders []order[T], read func(store.Page) ([]T, error)) (*body[wire.List[T]], error) {
	words := make([]string, len(orders))
	for i, o := range orders {
		words[i] = o.word
	}
	sort, err := in.sorted(ctx, words...)
	if err != nil {
		return nil, err
	}
	the := orderOf(orders, sort)
	after, err := in.after(ctx, len(the.key(new(T))))
	if err != nil {
		return nil, err
	}
	items, err := read(store.Page{Sort: sort, After: after, Limit: limit + 1, Scope: scopeOf(ctx)})
	if err != nil || len(items) <= limit {
		return listOf(items, err)
	}
	out, err := listOf(items[:limit], nil)
	out.Body.Next = tokenOf(ctx, the.key(&items[limit-1])...)
	return out, err
}

// orderOf is the order that a word names.
func orderOf[T any](orders []order[T], word string) order[T] {
	return orders[slices.IndexFunc(orders, func(o order[T]) bool { return strings.TrimPrefix(o.word, "-") == strings.TrimPrefix(word, "-") })]
}

// byName is the order of what has unique names.
func byName[T any](name func(*T) string) []order[T] {
	return []order[T]{{"name", func(v *T) []string { return []string{name(v)} }}}
}

// byTime is the order of what is told apart by a time, as exact as a database keeps it, and
// an id.
func byTime[T any](word string, at func(*T) (time.Time, string)) []order[T] {
	return []order[T]{{word, func(v *T) []string {
		t, id := at(v)
		return []string{timeKey(t), id}
	}}}
}

// timeKey is a time as a text that sorts as the time does.
func timeKey(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }

// byNumber is the order of what has numbers that grow.
func byNumber[T any](word string, number func(*T) int64) []order[T] {
	return []order[T]{{word, func(v *T) []string { return []string{strconv.FormatInt(number(v), 10)} }}}
}

// number is the place of a page in an order of numbers; 0 is the beginning.
func number(ctx context.Context, p store.Page) (int64, error) {
	if p.After == nil {
		return 0, nil
	}
	n, err := strconv.ParseInt(p.After[0], 10, 64)
	if err != nil || n < 1 {
		return 0, badToken(ctx, "page_token is not one this server gave out")
	}
	return n, nil
}

// pageOf answers a part of a short list that the store gives whole. Its keys sort as texts.
func pageOf[T any](ctx context.Context, in PageIn, orders []order[T], items []T, err error) (*body[wire.List[T]], error) {
	if err != nil {
		return nil, err
	}
	return keyset(ctx, in.BehindIn, in.Limit, orders, func(p store.Page) ([]T, error) {
		key, way := orderOf(orders, p.Sort).key, 1
		if strings.HasPrefix(p.Sort, "-") {
			way = -1
		}
		slices.SortStableFunc(items, func(a, b T) int { return way * slices.Compare(key(&a), key(&b)) })
		for p.After != nil && len(items) > 0 && way*slices.Compare(key(&items[0]), p.After) <= 0 {
			items = items[1:]
		}
		return items[:min(len(items), p.Limit)], nil
	})
}
