package main

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"rackwright/fault"
	"rackwright/images/ticket"
)

// What is asked of whoever gives out chunks.
const (
	agents      = 1000 // at once, each with one connection, half of them in either of two processes
	agentGroups = 2
	imageChunks = 64      // of the image, which the page cache holds
	chunkBytes  = 1 << 20 // about what chunks have
	agentChunks = 16      // that each agent fetches, one after the other, beginning elsewhere
	agentsLimit = 5 * time.Minute
)

// fetched is what a group of agents says.
type fetched struct {
	Seconds []float64 `json:"seconds"` // from the common start until each had all
	CPU     float64   `json:"cpu"`     // seconds of the processor
	Error   string    `json:"error,omitempty"`
}

// round1000 is what one round came to.
type round1000 struct {
	rate, cores, slowest, memory float64 // MiB/s, cores, times the median, KiB a client
}

// measureAgents has a thousand agents fetch an image at once: from our server of chunks,
// and from a bare loop of accept and sendfile, each in a process of its own.
func measureAgents(ctx context.Context, b *bench) error {
	dir, err := emptyFolder(b.out, "agents")
	if err != nil {
		return err
	}
	if err := writeChunks(dir); err != nil {
		return err
	}
	var ours, bare []round1000
	for i := range 3 {
		b.tell("%d agents at once, round %d", agents, i+1)
		one, err := agentsRound(ctx, b, dir, "chunks")
		if err != nil {
			return err
		}
		other, err := agentsRound(ctx, b, dir, "sendfile")
		if err != nil {
			return err
		}
		ours, bare = append(ours, one), append(bare, other)
	}
	mid := func(list []round1000, of func(round1000) float64) float64 {
		all := make([]float64, len(list))
		for i, r := range list {
			all[i] = of(r)
		}
		slices.Sort(all)
		return all[len(all)/2]
	}
	rate := func(r round1000) float64 { return r.rate }
	for name, m := range map[string]reading{
		"agents.rate":    {value: mid(ours, rate), peer: mid(bare, rate)},
		"agents.cores":   {value: mid(ours, func(r round1000) float64 { return r.cores })},
		"agents.slowest": {value: mid(ours, func(r round1000) float64 { return r.slowest })},
		"agents.memory":  {value: mid(ours, func(r round1000) float64 { return r.memory })},
	} {
		if err := b.report(name, m); err != nil {
			return err
		}
	}
	return nil
}

// writeChunks makes the files that are fetched, their list, and a key with a ticket.
func writeChunks(dir string) error {
	var names []string
	for range imageChunks {
		body := make([]byte, chunkBytes)
		rand.Read(body)
		sum := sha256.Sum256(body)
		name := hex.EncodeToString(sum[:])
		if err := os.WriteFile(filepath.Join(dir, name), body, 0o644); err != nil {
			return err
		}
		names = append(names, name)
	}
	public, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		return err
	}
	text := ticket.New(key, ticket.Ticket{Holder: "bench", Until: time.Now().Add(time.Hour)})
	for name, content := range map[string]string{"names": strings.Join(names, "\n"), "ticket": text, "key": string(public)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// agentsRound runs a server and the agents, and looks at both.
func agentsRound(ctx context.Context, b *bench, dir, server string) (r round1000, err error) {
	ctx, cancel := context.WithTimeout(ctx, agentsLimit)
	defer cancel()
	self, err := os.Executable()
	if err != nil {
		return r, err
	}
	cmd := exec.CommandContext(ctx, self, "-part", server, "-out", dir)
	cmd.Stderr = b.say
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return r, err
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	at, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return r, fault.Internalf("the server of chunks did not begin: %w", err)
	}
	idle, err := residentKiB(cmd.Process.Pid, "VmRSS")
	if err != nil {
		return r, err
	}
	before, err := cpuOf(cmd.Process.Pid)
	if err != nil {
		return r, err
	}
	groups, wall, err := runAgents(ctx, b, self, dir, strings.TrimSpace(at))
	if err != nil {
		return r, err
	}
	after, err := cpuOf(cmd.Process.Pid)
	if err != nil {
		return r, err
	}
	most, err := residentKiB(cmd.Process.Pid, "VmHWM")
	if err != nil {
		return r, err
	}
	var seconds []float64
	cpu := after - before
	for _, g := range groups {
		seconds, cpu = append(seconds, g.Seconds...), cpu+g.CPU
	}
	slices.Sort(seconds)
	r = round1000{rate: agents * agentChunks * chunkBytes / float64(1<<20) / seconds[len(seconds)-1], cores: cpu / wall,
		slowest: seconds[len(seconds)-1] / seconds[len(seconds)/2], memory: float64(most-idle) / agents}
	b.tell("%s: %.0f MiB/s, %.2f cores, slowest %.2f times the median, %.0f KiB a client", server, r.rate, r.cores, r.slowest, r.memory)
	return r, nil
}

// runAgents starts the groups, lets them go together and waits for all.
func runAgents(ctx context.Context, b *bench, self, dir, at string) ([]fetched, float64, error) {
	type group struct {
		cmd *exec.Cmd
		in  interface{ Close() error }
		out *bufio.Reader
	}
	var all []group
	for range agentGroups {
		cmd := exec.CommandContext(ctx, self, "-part", "fetchers", "-out", dir, "-bin", at)
		cmd.Stderr = b.say
		in, err := cmd.StdinPipe()
		if err != nil {
			return nil, 0, err
		}
		out, err := cmd.StdoutPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			return nil, 0, err
		}
		defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
		g := group{cmd, in, bufio.NewReader(out)}
		if _, err := g.out.ReadString('\n'); err != nil { // all its connections are there
			return nil, 0, fault.Internalf("agents did not begin: %w", err)
		}
		all = append(all, g)
	}
	start := time.Now()
	for _, g := range all {
		g.in.Close()
	}
	var out []fetched
	wall := 0.0
	for _, g := range all {
		var f fetched
		if err := json.NewDecoder(g.out).Decode(&f); err != nil || f.Error != "" {
			return nil, 0, fault.Internalf("agents: %s %v", f.Error, err)
		}
		wall = max(wall, slices.Max(f.Seconds), 0)
		out = append(out, f)
	}
	return out, min(wall, time.Since(start).Seconds()), nil
}

// cpuOf is the processor time of a process so far, in seconds (proc(5), stat; the clock
// ticks a hundred times a second on Linux).
func cpuOf(pid int) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, fault.Internalf("/proc/%d/stat has %d fields", pid, len(fields))
	}
	user, err := strconv.Atoi(fields[11])
	if err != nil {
		return 0, err
	}
	system, err := strconv.Atoi(fields[12])
	return float64(user+system) / 100, err
}
