package guard

import "container/list"

// table keeps the entries that were asked for last.
type table[T any] struct {
	most int
	at   map[string]*list.Element
	last *list.List // of *row, the newest first
}

type row[T any] struct {
	key   string
	value *T
}

func newTable[T any](most int) table[T] {
	return table[T]{most: most, at: map[string]*list.Element{}, last: list.New()}
}

// get returns the entry of a key, a new one if there is none.
func (t *table[T]) get(key string, fresh func() *T) *T {
	if e, ok := t.at[key]; ok {
		t.last.MoveToFront(e)
		return e.Value.(*row[T]).value
	}
	if len(t.at) >= t.most {
		oldest := t.last.Back()
		delete(t.at, oldest.Value.(*row[T]).key)
		t.last.Remove(oldest)
	}
	r := &row[T]{key, fresh()}
	t.at[key] = t.last.PushFront(r)
	return r.value
}
