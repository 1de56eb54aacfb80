package main

import "testing"

func TestAMachinesTimesAreReadOffItsConsole(t *testing.T) {
	got := times{}
	got.figures("[  1.0] noise\r\nFIG write 13.898\r\nFIG memory 37648\r\nFIG failed\r\nsomething FIG write 9.5\nFIG write 11\n")
	if got.median("write") != 11 || len(got["write"]) != 3 || got.median("memory") != 37648 || got.median("zeros") != 0 {
		t.Errorf("%v", got)
	}
}
