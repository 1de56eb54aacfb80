package store

import (
	"cmp"
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// rowsOf reads rows of any columns, as encoding/json does.
func rowsOf(text string, columns int) (out [][]any, err error) {
	err = eachRow(text, func(scan func(...any) error) error {
		row, dest := make([]any, columns), make([]any, columns)
		for i := range row {
			dest[i] = &row[i]
		}
		err := scan(dest...)
		out = append(out, row)
		return err
	})
	return out, err
}

func FuzzRowsOfAPartAreReadAsJSONIs(f *testing.F) {
	for _, s := range []string{`[]`, `[[0, "a", 1, null], [0,"b]\"", -2.5e3, {"x": ["]", "}"]}]]`, `[ [2,true,false,"\u00e9"],[ 1 ,0,1,"é"] ]`, `[[0,[[]],"",0]]`, `[[0,"a",1,2],]`, `[[,,]]`, `[[0 "a" "b",1,2]]`, `x`, `[}`, `["`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := rowsOf(s, 3) // what a database never writes ends as well, with or without an error
		var want [][]any
		if json.Unmarshal([]byte(s), &want) != nil {
			return
		}
		for _, row := range want {
			if len(row) != 4 || row[0] != math.Trunc(number(row[0])) || math.Abs(number(row[0])) > 1e15 {
				return
			}
		}
		if strings.ContainsAny(s, ".eE") { // 1e3 is a whole number too, and no place
			return
		}
		slices.SortStableFunc(want, func(a, b []any) int { return cmp.Compare(number(a[0]), number(b[0])) })
		for i := range want {
			want[i] = want[i][1:]
		}
		if err != nil || len(got) != len(want) || len(want) > 0 && !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %v %v, encoding/json reads %v", s, got, err, want)
		}
	})
}

// number is NaN of what is none.
func number(v any) float64 {
	if n, ok := v.(float64); ok {
		return n
	}
	return math.NaN()
}

func TestAPartSpeaksTheWordsOfEitherDatabase(t *testing.T) {
	for _, text := range []string{`[[0,"a\"b",1,1700000000123456,"{\"x\": 2}"]]`, `[[0, "a\"b", true, "2023-11-14T22:13:20.123456+00:00", {"x": 2}]]`} {
		var name string
		var yes bool
		var at time.Time
		var inner struct{ X int }
		err := eachRow(text, func(scan func(...any) error) error {
			return scan(&name, &asBool{&yes}, &asTime{&at}, &asJSON{&inner})
		})
		if err != nil || name != `a"b` || !yes || !at.Equal(time.UnixMicro(1700000000123456)) || at.Location() != time.UTC || inner.X != 2 {
			t.Errorf("%s: %q %v %s %+v %v", text, name, yes, at, inner, err)
		}
	}
}
