package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"rackwright/access/guard"
	"rackwright/api"
	"rackwright/api/client"
	"rackwright/api/wire"
	"rackwright/fault"
	"rackwright/heap"
	"rackwright/inventory"
	"rackwright/store"
)

// apiServer is the interface as a process of its own, on the database b.bin names, and
// beside it a server that answers everything with the same machine from memory.
func apiServer(ctx context.Context, b *bench) error {
	heap.Wait(heap.Floor) // as serve does
	db, err := openStore(ctx, b.bin)
	if err != nil {
		return err
	}
	defer db.Close()
	requests, err := os.Create(filepath.Join(b.out, "requests.log"))
	if err != nil {
		return err
	}
	defer requests.Close()
	ample := guard.Limits{PerAddress: 1e6, PerCaller: 1e6, Burst: time.Second, Wrong: 10, Longest: time.Minute}
	whole := api.New(api.Options{Store: db, Guard: guard.New(ample, time.Now), Log: slog.New(slog.NewJSONHandler(requests, nil))})
	bare, err := bareAnswer(ctx, db)
	if err != nil {
		return err
	}
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	for i, h := range []http.Handler{whole, bare} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		s := &http.Server{Handler: h, ReadHeaderTimeout: 30 * time.Second}
		context.AfterFunc(ctx, func() { s.Close() })
		go func() { end(s.Serve(l)) }()
		fmt.Print(l.Addr(), []string{" ", "\n"}[i])
	}
	go func() {
		bufio.NewReader(os.Stdin).ReadString('\n') // until the bench ends it
		end(nil)
	}()
	<-ctx.Done()
	return nil
}

// bareAnswer answers with one machine.
func bareAnswer(ctx context.Context, db *store.DB) (http.Handler, error) {
	m, err := db.Machine(ctx, "r0000-u02")
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(m)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Write(text)
	}), err
}

// clientCalls is how often each way of asking is timed.
const clientCalls = 4000

// measureClient measures what the Go client takes for a machine beside net/http, in turn,
// each on a connection of its own. Both decode the answer.
func measureClient(ctx context.Context, b *bench, at string) error {
	c, err := client.New("http://"+at, apiSecret)
	if err != nil {
		return err
	}
	defer c.Close()
	plain := &http.Client{Transport: &http.Transport{}}
	defer plain.CloseIdleConnections()
	random := rand.New(rand.NewPCG(3, 4))
	var ours, theirs []time.Duration
	for i := range clientCalls + 500 {
		name := anyMachine(random)
		for turn := range 2 {
			began := time.Now()
			if turn == i%2 {
				_, err = c.Machine(ctx, name)
			} else {
				err = plainMachine(ctx, plain, at, name)
			}
			if err != nil {
				return err
			}
			switch took := time.Since(began); {
			case i < 500: // to warm up
			case turn == i%2:
				ours = append(ours, took)
			default:
				theirs = append(theirs, took)
			}
		}
	}
	slices.Sort(ours)
	slices.Sort(theirs)
	a, p := ours[len(ours)/2], theirs[len(theirs)/2]
	b.tell("the client: %s in the middle, net/http %s", a, p)
	return b.report("api.client", reading{value: a.Seconds() * 1000, peer: p.Seconds() * 1000})
}

// plainMachine reads a machine with net/http.
func plainMachine(ctx context.Context, c *http.Client, at, name string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+at+wire.Prefix+"/machines/"+name, nil)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+apiSecret)
	answer, err := c.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	var m inventory.Machine
	if err := json.Unmarshal(text, &m); err != nil || m.Name != name {
		return fault.Internalf("%s: %s: %v", name, answer.Status, err)
	}
	return nil
}
