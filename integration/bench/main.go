// Command bench takes the project's figures, beside its peers where there are any, and
// writes them down; it judges nothing but the goals in its table.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"rackwright/fault"
	"rackwright/integration/lab"
)

// Exit statuses. A run in which something could not be measured says nothing about the
// goals, so that comes first.
const (
	unmeasured  = 1
	wrongUsage  = 2
	goalMissed  = 3
	interrupted = 130
)

func main() {
	b := &bench{say: os.Stderr}
	only := flag.String("only", "", "`groups` to measure, parted by commas; empty: all")
	flag.StringVar(&b.cache, "cache", os.Getenv("RACKWRIGHT_CACHE"), "`folder` with images/ and ramdisk/")
	flag.StringVar(&b.bin, "bin", "out/bin", "`folder` with the programs")
	flag.StringVar(&b.out, "out", "out", "`folder` for bench.jsonl, state and logs")
	part := flag.String("part", "", "be a `part` of a measurement, which starts it: sweeper")
	flag.Parse()
	if *part != "" {
		os.Exit(partOf(b, *part))
	}
	os.Exit(run(b, *only))
}

func run(b *bench, only string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	r := &runner{table: table(), measures: measures()}
	groups, err := r.choose(only)
	if err != nil {
		return fail(wrongUsage, err)
	}
	if !lab.Inside() {
		code, err := lab.Enter(context.Background(), 20*time.Second)
		if err != nil {
			return fail(unmeasured, err)
		}
		return code
	}
	return inside(ctx, r, b, groups)
}

// partOf is a process of a measurement that has several.
func partOf(b *bench, name string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := fault.Invalidf("there is no part %q", name)
	parts := map[string]func() error{
		"sweeper":  func() error { return sweeper(ctx, b, os.Stdout) },
		"chunks":   func() error { return serveChunks(ctx, b) },
		"sendfile": func() error { return serveBare(ctx, b) },
		"fetchers": func() error { return fetchers(ctx, b) },

		"api-server":    func() error { return apiServer(ctx, b) },
		"live-server":   func() error { return liveServer(ctx, b) },
		"tftp-server":   func() error { return tftpServer(ctx, b) },
		"tftp-clients":  func() error { return tftpClients(b) },
		"storm-clients": func() error { return stormLoad(ctx) },

		"http-clients": func() error { return webLoad() },

		"live-readers": func() error { return liveClients(ctx, b) },
	}
	if parts[name] == nil {
		return fail(wrongUsage, err)
	}
	if err := parts[name](); err != nil {
		return fail(unmeasured, err)
	}
	return 0
}

// inside runs the bench in the lab's namespaces.
func inside(ctx context.Context, r *runner, b *bench, groups []string) int {
	if err := lab.Prepare(); err != nil {
		return fail(unmeasured, err)
	}
	if err := os.MkdirAll(b.out, 0o755); err != nil {
		return fail(unmeasured, err)
	}
	f, err := os.Create(filepath.Join(b.out, "bench.jsonl"))
	if err != nil {
		return fail(unmeasured, err)
	}
	defer f.Close()
	r.to = f
	o := r.run(ctx, b, groups)
	if ctx.Err() != nil {
		fmt.Fprintln(os.Stderr, "bench: interrupted; everything it started has ended")
		return interrupted
	}
	o.print(os.Stdout)
	return status(o)
}

func status(o outcome) int {
	switch {
	case len(o.missing) > 0:
		return unmeasured
	case len(o.missed()) > 0:
		return goalMissed
	}
	return 0
}

func fail(code int, err error) int {
	fmt.Fprintln(os.Stderr, "bench: "+err.Error())
	if h := fault.HintOf(err); h != "" {
		fmt.Fprintln(os.Stderr, "hint: "+h)
	}
	return code
}
