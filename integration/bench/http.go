package main

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"rackwright/fault"
	"rackwright/integration/bench/load"
)

// What is asked of servers of files and scripts.
const (
	webImage    = 256 << 20 // bytes of what is fetched in one piece
	webMachines = 1000      // each with a script of its own
	webClients  = 16        // connections
	webCrowd    = 64        // of those that ask for scripts
	webTime     = 3 * time.Second
	webRounds   = 3
)

// webCase is one thing to fetch: from us, and as a file of the same size from nginx.
type webCase struct {
	figure      string
	unit        func(cpu float64, f load.Fetched) float64
	ours, peers load.Web
}

// perSecond is MiB for each second of the server's processor.
func perSecond(cpu float64, f load.Fetched) float64 { return float64(f.Bytes) / (1 << 20) / cpu }

// perRequest is microseconds of the server's processor for each request.
func perRequest(cpu float64, f load.Fetched) float64 { return cpu * 1e6 / float64(f.Requests) }

// measureHTTP fetches images and scripts from our server, all of it, and from nginx, over
// loopback in turn; each server has a processor to itself.
func measureHTTP(ctx context.Context, b *bench) error {
	dir, err := fresh(filepath.Join(b.out, "bench", "http"))
	if err != nil {
		return err
	}
	hall, err := webHall(ctx, dir)
	if err != nil {
		return err
	}
	ours, err := startWeb(ctx, b, dir, hall)
	if err != nil {
		return err
	}
	defer ours.end()
	peer, err := startNginx(ctx, dir, hall)
	if err != nil {
		return err
	}
	defer peer.end()
	for _, c := range webCases(hall) {
		if err := beside(ctx, b, c, ours, peer); err != nil {
			return err
		}
	}
	return nil
}

// beside measures both in turn, after a round to warm up.
func beside(ctx context.Context, b *bench, c webCase, ours, peer *process) error {
	var us, them []float64
	for i := range webRounds + 1 {
		for _, s := range []struct {
			at   *process
			load load.Web
			to   *[]float64
		}{{ours, c.ours, &us}, {peer, c.peers, &them}} {
			cpu, got, err := webRound(ctx, s.at, s.load)
			if err != nil {
				return fault.Internalf("%s: %w", c.figure, err)
			}
			if i > 0 {
				*s.to = append(*s.to, c.unit(cpu, got))
			}
			if i == webRounds {
				slices.Sort(*s.to)
				b.tell("%s: %.0f requests, %.0f MiB a second", c.figure, float64(got.Requests)/got.Took.Seconds(), float64(got.Bytes)/(1<<20)/got.Took.Seconds())
			}
		}
	}
	return b.report(c.figure, reading{value: us[len(us)/2], peer: them[len(them)/2]})
}

// webRound has the clients, a process of their own, ask a server, and looks what that cost
// the server.
func webRound(ctx context.Context, server *process, l load.Web) (cpu float64, got load.Fetched, err error) {
	if err := server.alive(); err != nil {
		return 0, got, err
	}
	before, err := cpuOf(server.cmd.Process.Pid)
	if err != nil {
		return 0, got, err
	}
	if got, err = webAsk(ctx, l); err != nil {
		return 0, got, err
	}
	after, err := cpuOf(server.cmd.Process.Pid)
	if err == nil && after <= before {
		err = fault.Internalf("the server took no time of the processor")
	}
	return after - before, got, err
}

func webAsk(ctx context.Context, l load.Web) (got load.Fetched, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	self, err := os.Executable()
	if err != nil {
		return got, err
	}
	ask, err := json.Marshal(l)
	if err != nil {
		return got, err
	}
	args := append(tasksetFor("0"), self, "-part", "http-clients")
	var said strings.Builder
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Stderr, cmd.Stdin = &said, strings.NewReader(string(ask))
	out, err := cmd.Output()
	if err != nil {
		return got, fault.Internalf("%s: %w", strings.TrimSpace(said.String()), err)
	}
	return got, json.Unmarshal(out, &got)
}

// webLoad is that process.
func webLoad() error {
	var l load.Web
	if err := json.NewDecoder(os.Stdin).Decode(&l); err != nil {
		return err
	}
	got, err := l.Run()
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(got)
}
