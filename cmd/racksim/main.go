// Command racksim starts a rack of simulated machines, each behind its own Redfish BMC,
// to rehearse bare-metal work on. It is not part of the provisioning server.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"rackwright/fault"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends at once
	if err := command(os.Stdout, os.Stderr).ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "racksim:", err)
		if hint := fault.HintOf(err); hint != "" {
			fmt.Fprintln(os.Stderr, "  hint:", hint)
		}
		os.Exit(1)
	}
}
