package store

import (
	"context"
	"fmt"
	"strings"

	"rackwright/access"
)

// inList is "column is one of values" with one %s, and its argument, however many they are.
func (db *DB) inList(column string, values []string) (string, any) {
	return column + strings.Replace(db.dialect.oneOf, "$%d", "%s", 1), db.dialect.array(values)
}

// racksWithin selects the ids of the racks of a scope; each text has one %s for every
// argument. It says nothing when the scope names neither racks nor sites.
func (db *DB) racksWithin(s access.Scope) (text string, args []any) {
	var where []string
	for _, l := range []struct {
		column string
		names  []string
	}{{"wr.name", s.Racks}, {"ws.name", s.Sites}} {
		if len(l.names) > 0 {
			clause, arg := db.inList(l.column, l.names)
			where, args = append(where, clause), append(args, arg)
		}
	}
	if len(where) == 0 {
		return "", nil
	}
	return `SELECT wr.id FROM rack wr JOIN site ws ON ws.id = wr.site_id WHERE ` + strings.Join(where, " AND "), args
}

// within bounds a search to a scope.
func (s *search) within(db *DB, scope access.Scope) {
	if racks, args := db.racksWithin(scope); racks != "" {
		s.add(cond{ids: `SELECT id FROM machine WHERE rack_id IN (` + racks + `) UNION ALL SELECT id FROM machine WHERE left_rack_id IN (` + racks + `)`,
			probe: `(m.rack_id IN (` + racks + `) OR m.left_rack_id IN (` + racks + `))`, args: append(args[:len(args):len(args)], args...)})
	}
	switch n := len(scope.Projects); {
	case n == 1:
		s.word(nounProject, scope.Projects[0])
	case n > 1:
		words := make([]string, n)
		for i, name := range scope.Projects {
			words[i] = nounProject + name
		}
		ids, arg := db.inList("word", words)
		probe, _ := db.inList("w.word", words)
		s.add(cond{ids: `SELECT machine_id FROM machine_word WHERE ` + ids,
			probe: `EXISTS (SELECT 1 FROM machine_word w WHERE w.machine_id = m.id AND ` + probe + `)`, args: []any{arg}})
	}
}

// rackWithin bounds a statement to what stands in the racks of a scope, by the column that
// has the rack's id. A rack is in no project.
func (db *DB) rackWithin(scope access.Scope, column string, args []any) (string, []any) {
	if len(scope.Projects) > 0 {
		return " AND 1 = 0", args
	}
	racks, of := db.racksWithin(scope)
	if racks == "" {
		return "", args
	}
	by := query{args: args}
	text := by.fill(racks, of...)
	return " AND " + column + " IN (" + text + ")", by.args
}

// machinesWithin bounds a statement about machine m to a scope. It returns a clause that
// begins with AND, empty for the whole, and the arguments with those it had.
func (db *DB) machinesWithin(scope access.Scope, alias string, args []any) (string, []any) {
	var out strings.Builder
	by := query{args: args}
	if racks, of := db.racksWithin(scope); racks != "" {
		fmt.Fprintf(&out, " AND (%s.rack_id IN (%s) OR %s.left_rack_id IN (%s))", alias, by.fill(racks, of...), alias, by.fill(racks, of...))
	}
	if len(scope.Projects) > 0 {
		clause, arg := db.inList("name", scope.Projects)
		fmt.Fprintf(&out, " AND %s.project_id IN (SELECT id FROM project WHERE %s)", alias, by.fill(clause, arg))
	}
	return out.String(), by.args
}

// fewMachines is up to how many machines of a scope their operations are looked up by machine.
const fewMachines = 200

// operationsWithin bounds a statement about operation o of machine m to a scope, as
// machinesWithin does. What many machines did comes soon along the list, so their place is
// asked for in a way that no index answers: SQLite would gather and sort all of it.
func (db *DB) operationsWithin(ctx context.Context, scope access.Scope, args []any) (string, []any, error) {
	if scope.Whole() {
		return "", args, nil
	}
	within, own := db.machinesWithin(scope, "m", nil)
	ids, err := collect(ctx, db.sql, readText, fmt.Sprintf(`SELECT m.id FROM machine m WHERE true%s LIMIT %d`, within, fewMachines+1), own...)
	if err != nil {
		return "", nil, err
	}
	by := query{args: args}
	if len(ids) <= fewMachines {
		text, arg := db.inList("o.machine_id", ids)
		return " AND " + by.fill(text, arg), by.args, nil
	}
	text := ""
	if racks, of := db.racksWithin(scope); racks != "" {
		text = " AND COALESCE(m.rack_id, m.left_rack_id) IN (" + by.fill(racks, of...) + ")" // a machine has one of them
	}
	scope.Racks, scope.Sites = nil, nil
	within, args = db.machinesWithin(scope, "m", by.args)
	return text + within, args, nil
}
