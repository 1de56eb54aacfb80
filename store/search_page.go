package store

import (
	"context"
	"fmt"
	"strings"
)

// page finds the ids of a page of machines by name: along the rarest condition whose
// machines stand in order, else along any such, else among all.
func (s *search) page(ctx context.Context, q queryer, best int) ([]string, error) {
	for k := range s.conds {
		i := (best + k) % len(s.conds)
		switch c := s.conds[i]; {
		case c.whole:
			return s.alongWords(ctx, q, i, c.args[0].(string))
		case c.phase:
			return s.along(ctx, q, i, `SELECT m.id FROM machine m WHERE `+c.probe, c.args)
		}
	}
	for i, c := range s.conds {
		if c.from == nil {
			continue
		}
		words, err := wholeWords(ctx, q, c.from[0], c.from[1])
		if err != nil {
			return nil, err
		}
		if len(words) <= mostWhole {
			return s.alongWords(ctx, q, i, words...)
		}
	}
	return s.walk(ctx, q)
}

// along reads a page from a statement about machine m.
func (s *search) along(ctx context.Context, q queryer, skip int, from string, args []any) ([]string, error) {
	var by query
	text := by.fill(from, args...) + s.rest(&by, skip, "m.name")
	return collect(ctx, q, readText, text+fmt.Sprintf(" ORDER BY m.name LIMIT %d", s.f.Limit), by.args...)
}

// rest is the other conditions, and that the name comes behind the last one seen.
func (s *search) rest(by *query, skip int, name string) string {
	text := by.fill(" AND "+name+" > %s", s.f.After)
	for i, c := range s.conds {
		if i != skip {
			text += " AND " + by.fill(c.probe, c.args...)
		}
	}
	return text
}

// alongWords reads a page of the machines of a few whole words, each of whose machines
// stand in order.
func (s *search) alongWords(ctx context.Context, q queryer, skip int, words ...string) ([]string, error) {
	var by query
	parts := make([]string, len(words))
	for i, word := range words {
		from := `SELECT k.name, k.machine_id FROM machine_word k` + by.fill(` WHERE k.word = %s`, word) + s.rest(&by, skip, "k.name")
		parts[i] = `SELECT * FROM (` + besideWord(from) + fmt.Sprintf(` ORDER BY k.name, k.machine_id LIMIT %d) p%d`, s.f.Limit, i)
	}
	return collect(ctx, q, readText, `SELECT machine_id FROM (`+strings.Join(parts, " UNION ")+fmt.Sprintf(`) u ORDER BY name LIMIT %d`, s.f.Limit), by.args...)
}

// wholeWords lists the words in a range, one more than mostWhole at most, by stepping from
// one to the next.
func wholeWords(ctx context.Context, q queryer, first, behind string) ([]string, error) {
	return collect(ctx, q, readText, `WITH RECURSIVE step (word, n) AS (
			SELECT (SELECT min(word) FROM machine_word WHERE word >= $1 AND word < $2), 1
			UNION ALL SELECT (SELECT min(w.word) FROM machine_word w WHERE w.word > step.word AND w.word < $2), step.n + 1
				FROM step WHERE step.word IS NOT NULL AND step.n <= $3)
		SELECT word FROM step WHERE word IS NOT NULL`, first, behind, mostWhole)
}

// walk goes through the machines by name and keeps those that meet the conditions. When
// a bounded number of names does not fill the page, all that match a word are sorted
// instead; MACs, which have no names beside them, are looked for to the end.
func (s *search) walk(ctx context.Context, q queryer) ([]string, error) {
	var by query
	until, err := collect(ctx, q, readText, by.fill(`SELECT name FROM machine WHERE name > %s`, s.f.After)+fmt.Sprintf(` ORDER BY name LIMIT 1 OFFSET %d`, stride), by.args...)
	if err != nil {
		return nil, err
	}
	found, err := s.stroll(ctx, q, until)
	if err != nil || len(found) == s.f.Limit || len(until) == 0 {
		return found, err
	}
	for i, c := range s.conds {
		if c.from != nil {
			return s.ranged(ctx, q, i)
		}
	}
	return s.stroll(ctx, q, nil)
}

// stroll reads a page in order of the names, until the one given or to the end.
func (s *search) stroll(ctx context.Context, q queryer, until []string) ([]string, error) {
	var by query
	text := `SELECT m.id FROM machine m WHERE 1 = 1`
	if len(until) > 0 {
		text += by.fill(` AND m.name <= %s`, until[0])
	}
	return collect(ctx, q, readText, text+s.rest(&by, -1, "m.name")+fmt.Sprintf(" ORDER BY m.name LIMIT %d", s.f.Limit), by.args...)
}

// ranged reads a page by sorting all machines that have a word in a range.
func (s *search) ranged(ctx context.Context, q queryer, drive int) ([]string, error) {
	var by query
	text := `SELECT DISTINCT k.name, k.machine_id FROM machine_word k` + by.fill(` WHERE k.word >= %s AND k.word < %s`, s.conds[drive].args...) + s.rest(&by, drive, "k.name")
	return collect(ctx, q, readText, `SELECT machine_id FROM (`+besideWord(text)+fmt.Sprintf(` ORDER BY k.name, k.machine_id LIMIT %d) u ORDER BY name`, s.f.Limit), by.args...)
}

// besideWord lets conditions on machine m stand in a statement about its word k; only
// those on more than its id need its row.
func besideWord(text string) string {
	text = strings.ReplaceAll(text, "m.id", "k.machine_id")
	if strings.Contains(text, " m.") {
		text = strings.Replace(text, "machine_word k", "machine_word k JOIN machine m ON m.id = k.machine_id", 1)
	}
	return text
}
