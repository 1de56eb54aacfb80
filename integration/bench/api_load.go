package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"time"

	"rackwright/fault"
)

// asker is a client with one connection. It reads answers and throws them away, with as
// little work as can be: it shares the processors with the server.
type asker struct {
	conn   net.Conn
	in     *bufio.Reader
	random *rand.Rand
	path   func(*rand.Rand) string
}

func newAsker(ctx context.Context, at string, i int, path func(*rand.Rand) string) (*asker, error) {
	c, err := new(net.Dialer).DialContext(ctx, "tcp", at)
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() { c.Close() })
	return &asker{conn: c, in: bufio.NewReader(c), random: rand.New(rand.NewPCG(uint64(i), 1)), path: path}, nil
}

// ask is one round trip.
func (a *asker) ask() error {
	if _, err := fmt.Fprintf(a.conn, "GET %s HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer %s\r\n\r\n", a.path(a.random), apiSecret); err != nil {
		return err
	}
	answer, err := http.ReadResponse(a.in, nil)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	n, err := io.Copy(io.Discard, answer.Body)
	if err == nil && (answer.StatusCode != http.StatusOK || n < 10) {
		err = fault.Internalf("the server answered %s with %d bytes", answer.Status, n)
	}
	return err
}

// askAll has all clients do something at once.
func askAll(ctx context.Context, at string, path func(*rand.Rand) string, do func(a *asker, i int) ([]time.Duration, error)) (all []time.Duration, err error) {
	var mu sync.Mutex
	var clients sync.WaitGroup
	for i := range apiClients {
		clients.Go(func() {
			a, failed := newAsker(ctx, at, i, path)
			var mine []time.Duration
			if failed == nil {
				mine, failed = do(a, i)
				a.conn.Close()
			}
			mu.Lock()
			defer mu.Unlock()
			if all = append(all, mine...); failed != nil {
				err = failed
			}
		})
	}
	clients.Wait()
	if err == nil && len(all) == 0 {
		err = fault.Internalf("nothing was answered")
	}
	return all, err
}

// quickness is how long answers took: half of them, and 99 of 100, at most so.
type quickness struct{ half, most time.Duration }

// askInTurns reads machines at a pace, from the bare server and from ours in turn, and returns
// how quick each was in its middle round.
func askInTurns(ctx context.Context, bare, at string) (floor, got quickness, err error) {
	var halves, mosts [2][]time.Duration
	for range apiRounds {
		for i, server := range []string{bare, at} {
			took, err := askPaced(ctx, server, apiEvery, apiRound, oneMachine)
			if err != nil {
				return floor, got, err
			}
			halves[i], mosts[i] = append(halves[i], within(took, 50)), append(mosts[i], within(took, 99))
		}
	}
	return quickness{middle(halves[0]), middle(mosts[0])}, quickness{middle(halves[1]), middle(mosts[1])}, nil
}

// askPaced returns what answers took to requests that are due at random times, one in each
// stretch of a length, for a while. What is due while the answer before it is waited for counts from
// when it was due.
func askPaced(ctx context.Context, at string, every, long time.Duration, path func(*rand.Rand) string) ([]time.Duration, error) {
	began := time.Now()
	return askAll(ctx, at, path, func(a *asker, i int) (took []time.Duration, err error) {
		for k := 0; ; k++ {
			due := began.Add(time.Duration(k)*every + rand.N(every))
			if due.Sub(began) > apiWarm+long {
				return took, nil
			}
			if wait := time.Until(due); wait > 0 {
				time.Sleep(wait)
				due = time.Now()
			}
			if err := a.ask(); err != nil {
				return took, err
			}
			if due.Sub(began) > apiWarm {
				took = append(took, time.Since(due))
			}
		}
	})
}

// askFull returns how many answers come in a second when each client asks again at once.
func askFull(ctx context.Context, at string, path func(*rand.Rand) string) (perSecond float64, err error) {
	began := time.Now()
	took, err := askAll(ctx, at, path, func(a *asker, i int) (took []time.Duration, err error) {
		for time.Since(began) < apiFull {
			asked := time.Now()
			if err := a.ask(); err != nil {
				return took, err
			}
			took = append(took, time.Since(asked))
		}
		return took, nil
	})
	return float64(len(took)) / time.Since(began).Seconds(), err
}
