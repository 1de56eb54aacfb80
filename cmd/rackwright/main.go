// BMCs of the 2010s have certificates with negative serial numbers, which Go refuses
// otherwise. They are told by their pin, not by what is written in them.
//
//go:debug x509negativeserial=1

// Command rackwright is the operators' command and the server: every command but serve
// and ramdisk is a client of a server's REST interface.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, fromOS(), os.Args[1:])
	stop()
	os.Exit(code)
}
