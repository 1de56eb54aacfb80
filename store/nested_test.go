package store

import (
	"encoding/json"
	"reflect"
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
	for _, s := range []string{`[]`, `[["a", 1, null], ["b]\"", -2.5e3, {"x": ["]", "}"]}]]`, `[ [true,false,"\u00e9"],[0,1,"é"] ]`, `[[[[]],"",0]]`, `[["a",1,2],]`, `[[,,]]`, `[["a" "b",1,2]]`, `x`, `[}`, `["`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var want [][]any
		if json.Unmarshal([]byte(s), &want) != nil {
			rowsOf(s, 3) // what a database never writes ends, with or without an error
			return
		}
		for _, row := range want {
			if len(row) != 3 {
				return
			}
		}
		got, err := rowsOf(s, 3)
		if err != nil || len(got) != len(want) || len(want) > 0 && !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %v %v, encoding/json reads %v", s, got, err, want)
		}
	})
}

func TestAPartSpeaksTheWordsOfEitherDatabase(t *testing.T) {
	for _, text := range []string{`[["a\"b",1,1700000000123456,"{\"x\": 2}"]]`, `[["a\"b", true, "2023-11-14T22:13:20.123456+00:00", {"x": 2}]]`} {
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
