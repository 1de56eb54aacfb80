package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"rackwright/fault"
)

// What is asked of event streams.
const (
	liveReaders = 10_000
	liveEvents  = 20                     // one after the other
	liveEvery   = 500 * time.Millisecond // between them
	liveLimit   = 4 * time.Minute
)

// liveResult is what the readers say.
type liveResult struct {
	Received int     `json:"received"`
	P50      float64 `json:"p50"` // ms
	P99      float64 `json:"p99"`
	Worst    float64 `json:"worst"`
	Error    string  `json:"error,omitempty"`
}

// measureLive has ten thousand clients follow the events of one server, all of them at once.
func measureLive(ctx context.Context, b *bench) error {
	ctx, cancel := context.WithTimeout(ctx, liveLimit)
	defer cancel()
	dir, err := emptyFolder(b.out, "live")
	if err != nil {
		return err
	}
	server, err := startPart(ctx, b, "live-server", dir, "")
	if err != nil {
		return err
	}
	defer server.end()
	at, err := server.out.ReadString('\n')
	if err != nil {
		return fault.Internalf("the server did not begin: %w", err)
	}
	readers, err := startPart(ctx, b, "live-readers", dir, strings.TrimSpace(at))
	if err != nil {
		return err
	}
	defer readers.end()
	if _, err := readers.out.ReadString('\n'); err != nil { // all of them follow
		return fault.Internalf("the readers did not begin: %w", err)
	}
	for range liveEvents {
		if _, err := fmt.Fprintln(server.in, "event"); err != nil {
			return err
		}
		select {
		case <-time.After(liveEvery):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	most, err := residentKiB(server.cmd.Process.Pid, "VmHWM")
	if err != nil {
		return err
	}
	var r liveResult
	if err := json.NewDecoder(readers.out).Decode(&r); err != nil || r.Error != "" {
		return fault.Internalf("readers: %s %v", r.Error, err)
	}
	b.tell("%d readers, %d messages: %.0f ms in the middle, %.0f ms p99, %.0f ms at worst; %d MiB", liveReaders, r.Received, r.P50, r.P99, r.Worst, most>>10)
	if r.Received != liveReaders*liveEvents {
		return fault.Internalf("%d of %d messages came", r.Received, liveReaders*liveEvents)
	}
	if err := b.report("live.memory", reading{value: float64(most) / 1024}); err != nil {
		return err
	}
	return b.report("live.p99", reading{value: r.P99})
}

// part is a process of a measurement that is spoken to.
type part struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func startPart(ctx context.Context, b *bench, name, dir, at string) (*part, error) {
	return startPartIn(ctx, b, name, dir, at, 0)
}

// startPartIn starts a part in namespaces of its own, by the flags of clone(2).
func startPartIn(ctx context.Context, b *bench, name, dir, at string, namespaces uintptr) (*part, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &part{cmd: exec.CommandContext(ctx, self, "-part", name, "-out", dir, "-bin", at)}
	p.cmd.Stderr, p.cmd.SysProcAttr = b.say, &syscall.SysProcAttr{Cloneflags: namespaces}
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		return nil, err
	}
	p.out = bufio.NewReader(out)
	return p, nil
}

func (p *part) end() { p.in.Close(); _ = p.cmd.Process.Kill(); _ = p.cmd.Wait() }
