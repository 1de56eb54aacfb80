package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// hit is a machine that was found, and its place in the order of the page.
type hit struct{ id, at string }

func readHit(scan func(...any) error) (h hit, err error) {
	err = scan(asText{&h.id}, &h.at)
	return h, err
}

// lane is machines in order of their names: those of a word, those in a phase, or all.
type lane struct {
	from, name, id string // a table, and the columns of the machine's name and id
	where          string
	args           []any
}

func wordLane(word string) lane {
	return lane{from: "machine_word k", name: "k.name", id: "k.machine_id", where: "k.word = %s", args: []any{word}}
}

func machineLane(where string, args ...any) lane {
	return lane{from: "machine m", name: "m.name", id: "m.id", where: where, args: args}
}

// page finds a page of machines by name: along the rarest condition whose machines stand in
// order, else along any such, else along all machines. until is the name to which it
// looked; empty, to the end.
func (s *search) page(ctx context.Context, q queryer, best int) (found []hit, until string, err error) {
	for k := range s.conds {
		i := (best + k) % len(s.conds)
		switch c := s.conds[i]; {
		case c.whole:
			return s.along(ctx, q, i, wordLane(c.args[0].(string)))
		case c.lane != "":
			lanes := make([]lane, len(c.args))
			for k, v := range c.args {
				lanes[k] = machineLane(c.lane, v)
			}
			return s.along(ctx, q, i, lanes...)
		}
	}
	for i, c := range s.conds {
		if c.from == nil {
			continue
		}
		words, err := wholeWords(ctx, q, c.from[0], c.from[1])
		if err != nil {
			return nil, "", err
		}
		if len(words) <= mostWhole {
			lanes := make([]lane, len(words))
			for k, word := range words {
				lanes[k] = wordLane(word)
			}
			return s.along(ctx, q, i, lanes...)
		}
	}
	return s.along(ctx, q, -1, machineLane("1 = 1"))
}

// along reads a page from lanes side by side and tests the conditions but one. It looks at
// no more than stride machines.
func (s *search) along(ctx context.Context, q queryer, skip int, lanes ...lane) (found []hit, until string, err error) {
	if len(s.conds) > 1 || skip < 0 {
		if until, err = s.reach(ctx, q, lanes); err != nil {
			return nil, "", err
		}
	}
	var by query
	parts := make([]string, len(lanes))
	for i, l := range lanes {
		text := by.fill("SELECT "+l.id+" AS id, "+l.name+" AS name FROM "+l.from+" WHERE "+l.where, l.args...) + s.rest(&by, skip, l.name)
		if until != "" {
			text += by.fill(" AND "+l.name+s.upTo()+"%s", until)
		}
		parts[i] = fmt.Sprintf("SELECT * FROM (%s ORDER BY %s%s LIMIT %d) p%d", besideWord(text), l.name, s.way(), s.most(), i)
	}
	found, err = collect(ctx, q, readHit, "SELECT id, name FROM ("+strings.Join(parts, " UNION ")+fmt.Sprintf(") u ORDER BY name%s LIMIT %d", s.way(), s.most()), s.weighed(by.args)...)
	return found, until, err
}

// weighed is the arguments of a statement that is planned for them: machines in a phase may be
// nearly all, found along all names, or so few that their own index is to be taken.
func (s *search) weighed(args []any) []any {
	return append(slices.Clone(s.db.dialect.weighed), args...)
}

// reach is the name up to which lanes are looked along; empty, to their ends.
func (s *search) reach(ctx context.Context, q queryer, lanes []lane) (until string, err error) {
	for _, l := range lanes {
		var by query
		text := by.fill("SELECT "+l.name+" FROM "+l.from+" WHERE "+l.where, l.args...) + s.behind(&by, l.name)
		at, err := collect(ctx, q, readText, text+fmt.Sprintf(" ORDER BY %s%s LIMIT 1 OFFSET %d", l.name, s.way(), stride/len(lanes)), s.weighed(by.args)...)
		if err != nil {
			return "", err
		}
		if len(at) > 0 && (until == "" || at[0] < until != s.f.Turned) {
			until = at[0]
		}
	}
	return until, nil
}

// rest is the other conditions, and that the name comes behind the last one seen.
func (s *search) rest(by *query, skip int, name string) string {
	return s.behind(by, name) + s.probes(by, skip)
}

// probes is the conditions but one.
func (s *search) probes(by *query, skip int) (text string) {
	for i, c := range s.conds {
		if i != skip {
			text += " AND " + by.fill(c.probe, c.args...)
		}
	}
	return text
}

// behind is that a name comes behind the last one seen.
func (s *search) behind(by *query, name string) string {
	if s.f.Turned && s.f.After == "" {
		return ""
	}
	if s.f.Turned {
		return by.fill(" AND "+name+" < %s", s.f.After)
	}
	return by.fill(" AND "+name+" > %s", s.f.After)
}

// upTo and way turn a page round.
func (s *search) upTo() string {
	if s.f.Turned {
		return " >= "
	}
	return " <= "
}

func (s *search) way() string {
	if s.f.Turned {
		return " DESC"
	}
	return ""
}

// besideWord lets conditions on machine m stand in a statement about its word k; only
// those on more than its id need its row.
func besideWord(text string) string {
	if !strings.Contains(text, "FROM machine_word k") {
		return text
	}
	text = strings.ReplaceAll(text, "m.id", "k.machine_id")
	if strings.Contains(text, " m.") || strings.Contains(text, "(m.") {
		text = strings.Replace(text, "machine_word k", "machine_word k JOIN machine m ON m.id = k.machine_id", 1)
	}
	return text
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
