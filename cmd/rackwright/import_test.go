package main

import (
	"net/http/httptest"

	"github.com/rogpeppe/go-internal/testscript"

	"rackwright/inventory/netbox/netboxtest"
)

// netboxIs starts a NetBox: "netbox GENERATION" sets NETBOX to its address.
func netboxIs(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: netbox GENERATION")
	}
	server := httptest.NewServer(netboxtest.Handler(args[0]))
	ts.Defer(server.Close)
	ts.Setenv("NETBOX", server.URL)
}
