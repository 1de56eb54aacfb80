package main

import (
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"

	"rackwright/api/apitest"
	"rackwright/deploy"
)

// burnedIs keeps a burn-in whose disk read so fast: "burned MACHINE MiB/s [ERROR]".
func burnedIs(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 || len(args) > 3 {
		ts.Fatalf("usage: burned MACHINE MiB/s [ERROR]")
	}
	rate, err := strconv.ParseFloat(args[1], 64)
	ts.Check(err)
	b := deploy.BurnRecord{Operation: "op-1", State: deploy.BurnPassed, Order: deploy.BurnOrder{Seconds: 7200}, Latest: deploy.BurnWork{Seconds: 7200, Errors: args[2:],
		Figures: []deploy.BurnFigure{{Test: "disk", Part: "S1", Of: "HD4", Name: "read_linear", Value: rate, Unit: "MiB/s", Better: "more"},
			{Test: "disk", Part: "S1", Of: "HD4", Name: "slow_spots"}}}}
	if len(args) == 3 {
		b.State, b.Restarts = deploy.BurnFailed, 1
	}
	ts.Value(storeKey{}).(*apitest.Store).Burn(args[0], b)
}
