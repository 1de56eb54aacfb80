package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"rackwright/access"
	"rackwright/fault"
	"rackwright/inventory"
)

// MachineFilter narrows a list of machines; empty fields do not.
type MachineFilter struct {
	Rack, MAC           string
	Phases              []string // any of these
	Tag, Project, Model string
	Vendor, Image       string
	Serial, AssetTag    string   // in any case
	Condition           string   // type of one that it has, waived or not
	Held                bool     // by somebody
	Labels              []string // KEY or KEY=VALUE; all must match
	Text                string   // words; each must begin one of the machine's, or one of its MACs
	Names               []string
	Sort                string // of a page: rack, phase, created_at or updated_at; "": by name
	After               string // what a page before gave as next: the name of the last one seen, or its place in another order
	Turned              bool   // a page from the end
	Limit               int    // 0: all
	Scope               access.Scope
	Brief               bool // a page without the machines' facts: they are most of what there is to read
}

// Machines lists machines by name, until there are as many as the limit or no more.
func (db *DB) Machines(ctx context.Context, f MachineFilter) ([]inventory.Machine, error) {
	out, limit := []inventory.Machine{}, f.Limit
	for {
		page, next, err := db.MachinePage(ctx, f)
		if err != nil {
			return nil, err
		}
		out = append(out, page...)
		if next == "" || len(out) >= limit {
			return out, nil
		}
		f.After, f.Limit = next, limit-len(out)
	}
}

// MachinePage lists machines by name, or as the filter sorts them, as far as one look goes,
// at no more of them than a bounded number. A page may be short, or empty, while there are
// more: next is what they are behind, and empty at the end.
func (db *DB) MachinePage(ctx context.Context, f MachineFilter) (page []inventory.Machine, next string, err error) {
	s, err := db.newSearch(f)
	if err != nil {
		return nil, "", err
	}
	s.within(db, f.Scope)
	page, next, err = s.run(ctx, db.sql)
	return page, next, db.fault(err)
}

// Few and many matches are found in different ways; see decision 0013.
const (
	few          = 4000 // no more matches than these are sorted
	stride       = 4000 // machines that are looked at for a page along their names
	mostSearched = 10   // words of one search
	mostWhole    = 8    // whole words that a beginning may stand for to be read side by side
)

// search is a list of conditions that a machine has to meet.
type search struct {
	db    *DB
	f     MachineFilter
	conds []cond
}

// cond is one condition. Each text has one %s for every argument.
type cond struct {
	ids   string // SELECT of machine ids, not in order
	probe string // whether machine m meets it
	args  []any
	whole bool     // args[0] is a whole word: its machines stand in order of their names
	lane  string   // probe with one argument: the machines of each of args stand in order of their names as well
	from  []string // beginning of a word and what is behind all words with it
}

func (db *DB) newSearch(f MachineFilter) (*search, error) {
	s := &search{db: db, f: f}
	if f.Rack != "" {
		s.add(cond{ids: `SELECT id FROM machine WHERE rack_id = (SELECT id FROM rack WHERE name = %s)`,
			probe: `m.rack_id = (SELECT id FROM rack WHERE name = %s)`, args: []any{f.Rack}})
	}
	if f.MAC != "" {
		mac, err := inventory.ParseMAC(f.MAC)
		if err != nil {
			return nil, err
		}
		s.add(cond{ids: `SELECT machine_id FROM nic WHERE mac = %s`,
			probe: `m.id IN (SELECT machine_id FROM nic WHERE mac = %s)`, args: []any{mac.String()}})
	}
	for _, l := range f.Labels {
		s.word(nounLabel, l)
	}
	s.word(nounTag, f.Tag)
	s.word(nounProject, f.Project)
	s.word(nounModel, f.Model)
	s.column("phase", f.Phases...)
	s.column("vendor", f.Vendor)
	s.column("image", f.Image)
	s.called("serial", f.Serial)
	s.called("asset_tag", f.AssetTag)
	if f.Condition != "" {
		s.add(cond{ids: `SELECT machine_id FROM condition WHERE type = %s`,
			probe: `EXISTS (SELECT 1 FROM condition c WHERE c.machine_id = m.id AND c.type = %s)`, args: []any{f.Condition}})
	}
	if f.Held {
		s.add(cond{ids: `SELECT id FROM machine WHERE hold_until IS NOT NULL`, probe: `m.hold_until IS NOT NULL`})
	}
	words := strings.Fields(strings.ToLower(f.Text))
	if len(words) > mostSearched {
		return nil, fault.Invalidf("a search of %d words is too long", len(words)).WithHint("give %d words at most", mostSearched)
	}
	for _, word := range words {
		s.text(cut(strings.ReplaceAll(strings.ToValidUTF8(word, "\uFFFD"), "\x00", "\uFFFD")))
	}
	return s, nil
}

func (s *search) add(c cond) { s.conds = append(s.conds, c) }

// word wants a word as it is.
func (s *search) word(noun, name string) {
	if name == "" {
		return
	}
	s.add(cond{ids: `SELECT machine_id FROM machine_word WHERE word = %s`,
		probe: `EXISTS (SELECT 1 FROM machine_word w WHERE w.machine_id = m.id AND w.word = %s)`, args: []any{noun + name}, whole: true})
}

// column wants one of some values, of a column that an index has before the name.
func (s *search) column(name string, values ...string) {
	args := []any{}
	for _, v := range values {
		if v != "" {
			args = append(args, v)
		}
	}
	if len(args) > 0 {
		marks := strings.Repeat(", %s", len(args))[2:]
		s.add(cond{ids: `SELECT id FROM machine WHERE ` + name + ` IN (` + marks + `)`, probe: `m.` + name + ` IN (` + marks + `)`, args: args, lane: `m.` + name + ` = %s`})
	}
}

// called wants a text, in any case, that is one of a machine's words.
func (s *search) called(column, text string) {
	words := strings.Fields(strings.ToLower(text))
	if len(words) == 0 {
		return
	}
	whole := strings.ToLower(strings.TrimSpace(text))
	s.add(cond{ids: `SELECT w.machine_id FROM machine_word w JOIN machine x ON x.id = w.machine_id WHERE w.word = %s AND lower(x.` + column + `) = %s`,
		probe: `EXISTS (SELECT 1 FROM machine_word w WHERE w.machine_id = m.id AND w.word = %s AND lower(m.` + column + `) = %s)`, args: []any{cut(words[0]), whole}})
}

// text wants a word that begins so, or a MAC where it looks like one.
func (s *search) text(word string) {
	if first, last, ok := macRange(word); ok {
		s.add(cond{ids: `SELECT machine_id FROM nic WHERE mac >= %s AND mac <= %s UNION ALL SELECT machine_id FROM bmc WHERE mac >= %s AND mac <= %s`,
			probe: `(EXISTS (SELECT 1 FROM nic n WHERE n.machine_id = m.id AND n.mac >= %s AND n.mac <= %s)
				OR EXISTS (SELECT 1 FROM bmc b WHERE b.machine_id = m.id AND b.mac >= %s AND b.mac <= %s))`, args: []any{first, last, first, last}})
		return
	}
	s.add(cond{ids: `SELECT machine_id FROM machine_word WHERE word >= %s AND word < %s`,
		probe: `EXISTS (SELECT 1 FROM machine_word w WHERE w.machine_id = m.id AND w.word >= %s AND w.word < %s)`,
		args:  []any{word, behind(word)}, from: []string{word, behind(word)}})
}

// behind is greater than every text that begins with a prefix and smaller than the
// others that are greater.
func behind(prefix string) string { return prefix + "\U0010FFFF" }

// macRange reads a whole MAC in any notation, or the first two to five octets with colons,
// as the range of MACs it stands for.
func macRange(word string) (first, last string, ok bool) {
	if mac, err := inventory.ParseMAC(word); err == nil {
		return mac.String(), mac.String(), true
	}
	octets := strings.Split(strings.TrimSuffix(word, ":"), ":")
	if len(octets) < 2 || len(octets) > 5 {
		return "", "", false
	}
	for _, o := range octets {
		if len(o) != 2 || strings.Trim(o, "0123456789abcdef") != "" {
			return "", "", false
		}
	}
	given := strings.Join(octets, ":")
	return given + strings.Repeat(":00", 6-len(octets)), given + strings.Repeat(":ff", 6-len(octets)), true
}

// query builds the text of one statement and its arguments.
type query struct{ args []any }

// fill puts the placeholders of more arguments into a text.
func (q *query) fill(text string, args ...any) string {
	marks := make([]any, len(args))
	for i, a := range args {
		q.args = append(q.args, a)
		marks[i] = fmt.Sprintf("$%d", len(q.args))
	}
	return fmt.Sprintf(text, marks...)
}

// most is how many machines a statement finds: with one more than a page has, it is known
// that another follows.
func (s *search) most() int { return s.f.Limit + 1 }

// run finds the machines and reads them.
func (s *search) run(ctx context.Context, q queryer) (list []inventory.Machine, next string, err error) {
	if s.f.Limit == 0 || len(s.f.Names) > 0 {
		list, err = s.all(ctx, q)
		return list, "", err
	}
	found, next, err := s.hits(ctx, q)
	if err != nil {
		return nil, "", err
	}
	if len(found) > s.f.Limit {
		found = found[:s.f.Limit]
		next = found[len(found)-1].at
	}
	ids, at := make([]string, len(found)), make(map[string]int, len(found))
	for i, h := range found {
		ids[i], at[h.id] = h.id, i
	}
	facts := "m.facts"
	if s.f.Brief {
		facts = "NULL"
	}
	list, err = gather(s.db, ids, "m.id", func(clause string, args []any) ([]inventory.Machine, error) {
		return s.db.machinesWith(ctx, q, facts, clause, args...)
	})
	slices.SortFunc(list, func(a, b inventory.Machine) int { return at[a.ID] - at[b.ID] })
	return list, next, err
}

// hits finds a page of machines, and how far it looked: see page.
func (s *search) hits(ctx context.Context, q queryer) (found []hit, until string, err error) {
	if o, ok := machineOrders()[s.f.Sort]; ok {
		return s.ordered(ctx, q, o)
	}
	if len(s.conds) == 0 {
		return s.along(ctx, q, 0, machineLane("1 = 1"))
	}
	best, n, err := s.rarest(ctx, q)
	if err != nil {
		return nil, "", err
	}
	if c := s.conds[best]; n > few || c.whole || c.lane != "" {
		return s.page(ctx, q, best)
	}
	found, err = s.sorted(ctx, q, best)
	return found, "", err
}

// rarest returns the condition that the fewest machines meet, and how many they are;
// those that more than few meet are not told apart.
func (s *search) rarest(ctx context.Context, q queryer) (best, n int, err error) {
	n = few + 2
	for i, c := range s.conds {
		var by query
		text := fmt.Sprintf(`SELECT count(*) FROM (SELECT 1 AS one FROM (%s) x LIMIT %d) y`, by.fill(c.ids, c.args...), few+1)
		var found int
		if err := q.QueryRowContext(ctx, text, storable(by.args)...).Scan(&found); err != nil {
			return 0, 0, err
		}
		if found < n {
			best, n = i, found
		}
		if n <= few/4 {
			break
		}
	}
	return best, n, nil
}

// sorted finds a page of those that meet one condition, which few do, and the others. The
// bound is for PostgreSQL, which does not know that they are few, and the cross join for
// SQLite, which begins with its left side: it would rather begin with a phase.
func (s *search) sorted(ctx context.Context, q queryer, drive int) ([]hit, error) {
	var by query
	text := s.rare(&by, drive) + `SELECT m.id, m.name FROM rare CROSS JOIN machine m WHERE m.id = rare.id`
	return collect(ctx, q, readHit, text+s.rest(&by, drive, "m.name")+fmt.Sprintf(" ORDER BY m.name%s LIMIT %d", s.way(), s.most()), by.args...)
}

// rare begins a statement with the machines that meet a condition which few do.
func (s *search) rare(by *query, drive int) string {
	c := s.conds[drive]
	return by.fill(`WITH rare AS MATERIALIZED (SELECT DISTINCT id FROM (SELECT * FROM (`+strings.Replace(c.ids, "machine_id", "machine_id AS id", 1)+`) x LIMIT `+fmt.Sprint(few+1)+`) y) `, c.args...)
}

// all reads all that meet the conditions, and have one of the names if any are given.
func (s *search) all(ctx context.Context, q queryer) ([]inventory.Machine, error) {
	var by query
	where := []string{by.fill("m.name > %s", s.f.After)}
	for _, c := range s.conds {
		where = append(where, "m.id IN ("+by.fill(c.ids, c.args...)+")")
	}
	if len(s.f.Names) > 0 {
		by.args = append(by.args, s.db.dialect.array(s.f.Names))
		where = append(where, "m.name"+fmt.Sprintf(s.db.dialect.oneOf, len(by.args)))
	}
	pick := strings.Join(where, " AND ") + " ORDER BY m.name"
	if s.f.Limit > 0 {
		pick += fmt.Sprintf(" LIMIT %d", s.f.Limit)
	}
	return s.db.machines(ctx, q, pick, by.args...)
}
