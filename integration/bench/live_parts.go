package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"rackwright/access"
	"rackwright/api"
	"rackwright/fault"
	"rackwright/heap"
	"rackwright/journal"
)

const liveSecret = "rw_bench"

// moreFiles raises the limit of open files as far as it goes.
func moreFiles(need uint64) error {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return err
	}
	if l.Max < need {
		return fault.Invalidf("this user may open %d files, and %d are needed", l.Max, need).WithHint("ulimit -Hn %d, or run as root", need)
	}
	l.Cur = l.Max
	return syscall.Setrlimit(syscall.RLIMIT_NOFILE, &l)
}

// liveServer is the interface as a process of its own. It writes an event for each line of
// its input, with the time.
func liveServer(ctx context.Context, b *bench) error {
	heap.Wait(heap.Floor) // as serve does
	if err := moreFiles(liveReaders + 200); err != nil {
		return err
	}
	db, err := openStore(ctx, filepath.Join(b.out, "rackwright.db"))
	if err != nil {
		return err
	}
	defer db.Close()
	if err := db.SetToken(ctx, "bench", access.Admin, liveSecret); err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s := &http.Server{Handler: api.New(api.Options{Store: db, Log: slog.New(slog.DiscardHandler)}), ReadHeaderTimeout: 30 * time.Second}
	context.AfterFunc(ctx, func() { s.Close() })
	go func() {
		lines := bufio.NewScanner(os.Stdin)
		for lines.Scan() {
			e := journal.Event{Kind: journal.ServerEvent, Summary: fmt.Sprintf("sent %d", time.Now().UnixNano())}
			if err := db.AppendEvents(ctx, []journal.Event{e}); err != nil {
				fmt.Fprintln(os.Stderr, err)
			}
		}
		s.Close()
	}()
	fmt.Println(l.Addr())
	if err := s.Serve(l); err != http.ErrServerClosed {
		return err
	}
	return nil
}

// liveClients follow until each has every event.
func liveClients(ctx context.Context, b *bench) error {
	if err := moreFiles(liveReaders + 200); err != nil {
		return err
	}
	var mu sync.Mutex
	var out liveResult
	took := make([]float64, 0, liveReaders*liveEvents)
	var ready, all sync.WaitGroup
	door := make(chan struct{}, 200) // that connect at a time
	for i := range liveReaders {
		ready.Add(1)
		all.Go(func() {
			door <- struct{}{}
			c, in, err := liveConnect(ctx, b.bin, i)
			<-door
			ready.Done()
			var mine []float64
			if err == nil {
				mine, err = liveRead(in)
				c.Close()
			}
			mu.Lock()
			defer mu.Unlock()
			took = append(took, mine...)
			if err != nil {
				out.Error = err.Error()
			}
		})
	}
	ready.Wait()
	fmt.Println("ready")
	all.Wait()
	slices.Sort(took)
	if out.Received = len(took); out.Received > 0 {
		out.P50, out.P99, out.Worst = took[len(took)/2], took[len(took)*99/100], took[len(took)-1]
	}
	return json.NewEncoder(os.Stdout).Encode(out)
}

// liveConnect opens a stream and reads until it follows. Sources are spread over the
// loopback network, each of which has ports of its own.
func liveConnect(ctx context.Context, at string, i int) (net.Conn, *bufio.Reader, error) {
	d := net.Dialer{Timeout: 30 * time.Second, LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(1+i/4000))}}
	c, err := d.DialContext(ctx, "tcp", at)
	if err != nil {
		return nil, nil, err
	}
	if _, err := fmt.Fprintf(c, "GET /api/v1/events/stream HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer %s\r\n\r\n", liveSecret); err != nil {
		return nil, nil, err
	}
	in := bufio.NewReaderSize(c, 1024)
	status, err := in.ReadString('\n')
	if err != nil || !strings.Contains(status, " 200 ") {
		return nil, nil, fault.Internalf("%s: %v", strings.TrimSpace(status), err)
	}
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return nil, nil, err
		}
		if strings.HasPrefix(line, ": follows") {
			return c, in, nil
		}
	}
}

// liveRead notes how late each event came, in milliseconds.
func liveRead(in *bufio.Reader) (took []float64, err error) {
	for len(took) < liveEvents {
		line, err := in.ReadSlice('\n')
		if err == io.EOF {
			return took, nil
		}
		if err != nil {
			return took, err
		}
		_, rest, ok := bytes.Cut(line, []byte(`"sent `))
		if !ok {
			continue
		}
		digits, _, _ := bytes.Cut(rest, []byte(`"`))
		at, err := strconv.ParseInt(string(digits), 10, 64)
		if err != nil {
			return took, err
		}
		took = append(took, float64(time.Now().UnixNano()-at)/1e6)
	}
	return took, nil
}
