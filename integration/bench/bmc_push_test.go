package main

import (
	"io"
	"testing"
)

func TestAPushIsMeasured(t *testing.T) {
	got := map[string]float64{}
	b := &bench{say: io.Discard, report: func(name string, m reading) error { got[name] = m.value; return nil }}
	if err := measurePush(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if rss, reported := got["bmc.push.rss"]; !reported || rss > 32 {
		t.Errorf("reported %v", got)
	}
}
