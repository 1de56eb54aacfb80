package api

import (
	"cmp"
	"encoding/base64"
	"slices"

	"rackwright/api/wire"
)

// PageIn is which part of a list is asked for. Exported because huma fills only exported
// embedded structs.
type PageIn struct {
	Limit     int    `query:"limit" default:"1000" minimum:"1" maximum:"1000" doc:"The first so many"`
	PageToken string `query:"page_token" maxLength:"256" doc:"next_page_token of the page before"`
}

// pageOf answers a part of a list that the store gives whole, in the order of a key that no
// two of it share.
func pageOf[T any](in PageIn, key func(*T) string, items []T, err error) (*body[wire.List[T]], error) {
	if err != nil {
		return nil, err
	}
	after, err := base64.RawURLEncoding.DecodeString(in.PageToken)
	if err != nil {
		return nil, badQuery("page_token", "is not one this server gave out")
	}
	slices.SortStableFunc(items, func(a, b T) int { return cmp.Compare(key(&a), key(&b)) })
	if len(after) > 0 {
		from := slices.IndexFunc(items, func(t T) bool { return key(&t) > string(after) })
		if from < 0 {
			from = len(items)
		}
		items = items[from:]
	}
	if len(items) <= in.Limit {
		return listOf(items, nil)
	}
	out, err := listOf(items[:in.Limit], nil)
	out.Body.Next = base64.RawURLEncoding.EncodeToString([]byte(key(&items[in.Limit-1])))
	return out, err
}
