// Package sheet reads a spreadsheet of machines, saved as CSV, into a plan: a row is a
// machine or device, a column one of its fields. It compares with no inventory and
// changes nothing; the plan goes the way of every plan.
package sheet

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"

	"rackwright/fault"
	"rackwright/inventory/plan"
)

// Bounds of what is read.
const (
	MaxBytes   = 32 << 20
	MaxRows    = 200_000
	maxColumns = 200
	maxCell    = 1024 // bytes
	maxFaults  = 500
)

// Options say how a sheet is read.
type Options struct {
	Site   string
	Map    map[string]string // column, as its header has it -> field; before what is known by itself
	Ignore []string          // columns left out; "*" for every one that is not known
	Have   plan.Plan         // what is there: whose networks and models rows may name
	// Username and Password are of every BMC the sheet gives an address.
	Username, Password string
}

// Sheet is a spreadsheet that was read.
type Sheet struct {
	Plan    plan.Plan
	Bad     []fault.Field // bad cells by line and column; their rows are not in the plan
	Ignored []string      // columns left out
	Rows    int           // that say something
	entries map[string]*entry
	cut     int // faults beyond maxFaults
}

// Read reads a sheet. Columns that are missing, unknown or there twice are its error; bad
// cells stand in Bad, all of them.
func Read(r io.Reader, o Options) (*Sheet, error) {
	text, err := decode(r)
	if err != nil {
		return nil, err
	}
	rows := &rows{Reader: reader(text)}
	header, err := rows.next()
	if err == io.EOF {
		return nil, fault.Invalidf("the sheet is empty").WithHint("its first line names the columns, e.g. Rack,U,Name,Serial,MAC")
	} else if err != nil {
		return nil, err
	}
	s := &Sheet{Plan: plan.Plan{Site: o.Site}, entries: map[string]*entry{}}
	columns, err := s.columns(header, o)
	if err != nil {
		return nil, err
	}
	b := builder{sheet: s, o: o}
	for {
		cells, err := rows.next()
		if err == io.EOF {
			break
		} else if err != nil {
			return nil, err
		}
		if s.Rows++; s.Rows > MaxRows {
			return nil, fault.Invalidf("the sheet has more than %d rows", MaxRows).WithHint("import it in parts")
		}
		b.add(rows.line, columns, cells)
	}
	b.finish()
	return s, nil
}

// rows yields the lines of a sheet that are not empty.
type rows struct {
	*csv.Reader
	line int // of the row last given
}

func (r *rows) next() ([]string, error) {
	for {
		cells, err := r.Read()
		if err == io.EOF {
			return nil, err
		}
		if bad, is := errors.AsType[*csv.ParseError](err); is {
			return nil, fault.Invalidf("line %d: %s", bad.Line, bad.Err).WithHint("quote a cell with \" at both ends and write a quote inside it twice")
		} else if err != nil {
			return nil, fault.Invalidf("read the sheet: %w", err)
		}
		said := false
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
			said = said || cells[i] != ""
		}
		if said {
			r.line, _ = r.FieldPos(0)
			return cells, nil
		}
	}
}

// fail notes a bad cell.
func (s *Sheet) fail(line int, column, format string, args ...any) {
	if len(s.Bad) == maxFaults {
		s.cut++
		return
	}
	s.Bad = append(s.Bad, fault.Field{Path: at(line, column), Message: fmt.Sprintf(format, args...)})
}

func at(line int, column string) string {
	if column == "" {
		return fmt.Sprintf("line %d", line)
	}
	return fmt.Sprintf("line %d, %s", line, column)
}

// Fault is the error of all bad cells, nil when there is none.
func (s *Sheet) Fault() error {
	if len(s.Bad) == 0 {
		return nil
	}
	f := &fault.Error{Kind: fault.Invalid, Message: fmt.Sprintf("the sheet has %d bad cells", len(s.Bad)+s.cut), Fields: s.Bad,
		Hint: "correct the named cells; nothing was changed"}
	if s.cut > 0 {
		f.Hint = fmt.Sprintf("correct the named cells; %d more are not shown; nothing was changed", s.cut)
	}
	return f
}
