package main

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	bootserve "rackwright/boot/serve"
	"rackwright/fault"
	"rackwright/images/serve"
	"rackwright/images/ticket"
)

// folder is a store of chunks for the bench.
type folder string

func (f folder) Chunk(blob string) (*os.File, error) { return os.Open(filepath.Join(string(f), blob)) }

func (f folder) Manifest(string) ([]byte, error) { return nil, fault.NotFoundf("no manifest") }

// serveChunks is our server of chunks as a process of its own.
func serveChunks(ctx context.Context, b *bench) error {
	key, err := os.ReadFile(filepath.Join(b.out, "key"))
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	log := slog.New(slog.DiscardHandler)
	s := bootserve.NewHTTP("", &serve.Server{Shelf: serve.Shelves{Store: folder(b.out)}, Door: ticket.NewDoor(ed25519.PublicKey(key), time.Now), Meter: &serve.Meter{}, Log: log}, log)
	fmt.Println(l.Addr())
	context.AfterFunc(ctx, func() { s.Close() })
	return s.Serve(l)
}

// serveBare is the least that gives out files: it reads a request's path, says how long the
// file is and has the kernel send it.
func serveBare(ctx context.Context, b *bench) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	context.AfterFunc(ctx, func() { l.Close() })
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		go bareTalk(c, b.out)
	}
}

func bareTalk(c net.Conn, dir string) {
	defer c.Close()
	in := bufio.NewReaderSize(c, 1<<10)
	for {
		path := ""
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				return
			}
			if line == "\r\n" {
				break
			}
			if p, ok := strings.CutPrefix(line, "GET "); ok {
				path, _, _ = strings.Cut(p, " ")
			}
		}
		f, err := os.Open(filepath.Join(dir, filepath.Base(path)))
		if err != nil {
			return
		}
		st, err := f.Stat()
		if err == nil {
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", st.Size())
			_, err = io.Copy(c, f)
		}
		f.Close()
		if err != nil {
			return
		}
	}
}

// fetchers are half of the agents. They connect, say so, wait for the end of their input
// and begin together.
func fetchers(ctx context.Context, b *bench) error {
	text, err := os.ReadFile(filepath.Join(b.out, "names"))
	if err != nil {
		return err
	}
	ticket, err := os.ReadFile(filepath.Join(b.out, "ticket"))
	if err != nil {
		return err
	}
	names, n := strings.Split(string(text), "\n"), agents/agentGroups
	out := fetched{Seconds: make([]float64, n)}
	go1, ready, all := make(chan struct{}), sync.WaitGroup{}, sync.WaitGroup{}
	var mu sync.Mutex
	var start time.Time
	for i := range n {
		ready.Add(1)
		all.Go(func() {
			a := &fetcher{base: "http://" + b.bin + "/chunks/", ticket: string(ticket), web: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1, DisableCompression: true}}}
			err := a.get(ctx, names[i%len(names)])
			ready.Done()
			<-go1
			for k := 0; k < agentChunks && err == nil; k++ {
				err = a.get(ctx, names[(i*7+k)%len(names)])
			}
			out.Seconds[i] = time.Since(start).Seconds()
			if err != nil {
				mu.Lock()
				out.Error = err.Error()
				mu.Unlock()
			}
		})
	}
	ready.Wait()
	fmt.Println("ready")
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	before, err := cpuOf(os.Getpid())
	if err != nil {
		return err
	}
	start = time.Now()
	close(go1)
	all.Wait()
	after, err := cpuOf(os.Getpid())
	if err != nil {
		return err
	}
	out.CPU = after - before
	return json.NewEncoder(os.Stdout).Encode(out)
}

// fetcher is an agent that fetches and keeps nothing.
type fetcher struct {
	base, ticket string
	web          *http.Client
}

func (a *fetcher) get(ctx context.Context, name string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, a.base+name, nil)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+a.ticket)
	answer, err := a.web.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	n, err := io.Copy(io.Discard, answer.Body)
	if err == nil && (n != chunkBytes || answer.StatusCode != http.StatusOK) {
		err = fault.Internalf("%s, %d bytes", answer.Status, n)
	}
	return err
}
