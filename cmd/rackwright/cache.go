package main

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"rackwright/api/client"
	"rackwright/api/wire"
	bootserve "rackwright/boot/serve"
	"rackwright/config"
	"rackwright/fault"
	"rackwright/images"
	"rackwright/images/cache"
	chunkserve "rackwright/images/serve"
	"rackwright/images/ticket"
)

func cacheCommand(w *world) *cobra.Command {
	return group("cache", "Caches of image chunks near the machines", []string{"caches"}, cacheRun(w), cacheList(w), cacheShow(w), cacheWarm(w), cacheForget(w))
}

const cacheRunLong = `Runs a read-through cache of image chunks for the machines of a rack. Agents of that rack
fetch from it first, then those of the same site; it fetches a chunk they ask for once
from --upstream, however many wait, and keeps it. Wrong bytes are never kept. While the
upstream is away it gives out what it has, and agents fetch the rest elsewhere by
themselves.

It tells the server (--server, with a token of role service) every few seconds
where it is and how it stands. When it falls silent, agents are sent to it no more.`

// cacheFlags are those of 'cache run'.
type cacheFlags struct {
	upstream, dir, listen, public, name, rack, site string
	max                                             int
}

func cacheRun(w *world) *cobra.Command {
	var f cacheFlags
	host, _ := os.Hostname()
	c := &cobra.Command{Use: "run --upstream URL --dir DIR", Short: "Run a cache for a rack", Long: cacheRunLong, Args: names(0, 0),
		Example: "  rackwright cache run --upstream http://10.0.0.1:8080 --dir /var/cache/rackwright --rack r1 --server https://boot.example.net:8480\n" +
			"  rackwright cache run --upstream http://10.0.0.1:8080 --dir /srv/chunks --max 500 --rack r7 --public http://10.0.7.2:8088",
		RunE: func(c *cobra.Command, _ []string) error { return w.runCache(c.Context(), f) }}
	flags := c.Flags()
	flags.StringVar(&f.upstream, "upstream", "", "`URL` of the server's plain HTTP ([http] listen), http://host:port")
	flags.StringVar(&f.dir, "dir", "", "`folder` of the cache")
	flags.IntVar(&f.max, "max", 200, "how much it keeps, `GiB`")
	flags.StringVar(&f.listen, "listen", ":8088", "`address` to listen on")
	flags.StringVar(&f.public, "public", "", "`URL` that machines reach it by; default: this host's address on the way to the upstream")
	flags.StringVar(&f.name, "name", cacheName(host), "unique `name`")
	flags.StringVar(&f.rack, "rack", "", "`rack` of the plan in which it stands")
	flags.StringVar(&f.site, "site", "", "`site` in which it stands, where it is in no rack of the plan")
	return c
}

// cacheName makes a name of a host's.
func cacheName(host string) string {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '.' {
			return r
		}
		return '-'
	}, strings.ToLower(host))
	return cmp.Or(strings.Trim(name[:min(len(name), 63)], "-."), "cache")
}

func (w *world) runCache(ctx context.Context, f cacheFlags) error {
	if f.upstream == "" || f.dir == "" {
		return fault.Invalidf("the cache needs --upstream and --dir").WithHint("e.g. --upstream http://10.0.0.1:8080 --dir /var/cache/rackwright")
	}
	cl, err := w.connect()
	if err != nil {
		return err
	}
	public, err := cacheURL(f.public, f.upstream, f.listen)
	if err != nil {
		return err
	}
	self := images.Cache{Name: f.name, URL: public, Rack: f.rack, Site: f.site, Report: images.CacheReport{Version: version()}}
	if err := self.Check(); err != nil {
		return err
	}
	log := logger(w, config.Log{Level: "info", Format: "text"})
	s, err := openCache(cache.Options{Dir: f.dir, Max: int64(f.max) << 30, Upstream: f.upstream, Log: log, Now: time.Now}, self, log)
	if err != nil {
		return err
	}
	defer s.cache.Close()
	s.keeper.Tell = tellServer(cl)
	h := &chunkserve.Server{Shelf: s.cache, Door: s.door, Meter: s.meter, Log: log}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.keeper.Run(ctx) })
	g.Go(func() error {
		return (&web{name: "chunk cache", log: log, most: mostMachines, each: mostOfOne, srv: bootserve.NewHTTP(f.listen, h, log)}).Run(ctx)
	})
	log.Info("the cache serves chunks", "at", public, "name", f.name, "rack", f.rack, "upstream", f.upstream, "held", bytesText(s.cache.Counts().Held))
	return g.Wait()
}

// cacheURL is where machines reach a cache.
func cacheURL(public, upstream, listen string) (string, error) {
	if public != "" {
		return public, nil
	}
	port, err := portOf(listen)
	if err != nil {
		return "", err
	}
	if host, _, _ := net.SplitHostPort(listen); host != "" {
		if a, err := netip.ParseAddr(host); err == nil && !a.IsUnspecified() {
			return "http://" + listen, nil
		}
	}
	host := towards(upstream, netip.Addr{})
	if host == "" {
		return "", fault.Invalidf("this host has no way to %s", upstream).WithHint("say with --public where machines reach the cache")
	}
	return "http://" + net.JoinHostPort(host, strconv.Itoa(int(port))), nil
}

// cacheParts are a cache with what serves and keeps it.
type cacheParts struct {
	cache  *cache.Cache
	door   *ticket.Door
	meter  *chunkserve.Meter
	keeper *cache.Keeper
}

func openCache(o cache.Options, self images.Cache, log *slog.Logger) (*cacheParts, error) {
	c, err := cache.Open(o)
	if err != nil {
		return nil, err
	}
	p := &cacheParts{cache: c, door: ticket.NewDoor(nil, time.Now), meter: &chunkserve.Meter{}}
	p.keeper = &cache.Keeper{Cache: c, Door: p.door, Self: self, Sent: func() (int64, int) { return p.meter.Bytes(), p.meter.Now() }, Log: log}
	return p, nil
}

// tellServer tells a server over its API.
func tellServer(cl *client.Client) func(context.Context, images.Cache) (cache.Orders, error) {
	return func(ctx context.Context, c images.Cache) (cache.Orders, error) {
		o, err := cl.BeatCache(ctx, c.Name, wire.CacheBeat{URL: c.URL, Rack: c.Rack, Site: c.Site, Report: c.Report})
		return cache.Orders{Key: o.Key, Ticket: o.Ticket, Want: o.Want}, err
	}
}

func cacheList(w *world) *cobra.Command {
	c := &cobra.Command{Use: "list", Aliases: []string{"ls"}, Short: "List caches, where they stand and what they do", Args: names(0, 0), Example: "  rackwright cache list",
		RunE: func(c *cobra.Command, _ []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			list, err := cl.Caches(c.Context())
			if err != nil {
				return err
			}
			return w.show(list, func(out io.Writer) { printCaches(out, list) })
		}}
	return w.watchable(w.pages(c, mostListed), polled, nil)
}

func printCaches(out io.Writer, list []images.Cache) {
	var rows [][]string
	for _, c := range list {
		state := "silent since " + timeText(c.Seen)
		if c.Alive {
			state = "alive"
		}
		r := c.Report
		hits := "-"
		if n := r.Hits + r.Misses; n > 0 {
			hits = fmt.Sprintf("%d %%", 100*r.Hits/n)
		}
		rows = append(rows, []string{c.Name, c.URL, c.Rack, c.Site, bytesText(r.Held) + " of " + bytesText(r.Max), hits, bytesText(int64(r.Rate)) + "/s", warmText(r.Warming), state})
	}
	table(out, []string{"NAME", "URL", "RACK", "SITE", "HOLDS", "HITS", "SENDS", "WARMING", "STATE"}, rows)
}

func warmText(list []images.Warm) string {
	for _, w := range list {
		if w.Error != "" {
			return "failed: " + w.Error
		}
		if !w.Ended() {
			return fmt.Sprintf("%d of %d chunks", w.Done, w.Total)
		}
	}
	return ""
}

func cacheWarm(w *world) *cobra.Command {
	var ask wire.CacheWarm
	f := jobWait{}
	c := &cobra.Command{Use: "warm IMAGE", Short: "Have caches fetch an image before anybody asks for it", Args: names(1, 1),
		Long: "Asks the caches named, or all that are alive, to fetch every chunk of an image, as a job: 'rackwright job show' tells how\n" +
			"far they are, and 'rackwright job cancel' takes it back. With --wait the command stays until all have it.",
		Example: "  rackwright cache warm debian-12\n  rackwright cache warm debian-12 --cache r1-cache --cache r2-cache --wait\n  rackwright cache warm debian-12 --dry-run",
		RunE: func(c *cobra.Command, args []string) error {
			ask.Image = args[0]
			cl, err := w.connect()
			if err != nil {
				return err
			}
			j, err := cl.WarmCaches(c.Context(), ask)
			if err != nil {
				return err
			}
			if w.tries || !f.wait {
				return w.show(j, func(out io.Writer) { printAsked(out, j) })
			}
			return w.awaitJob(c.Context(), cl, j, f, func(j images.Job) error { return w.show(j, func(out io.Writer) { printFills(out, j) }) })
		}}
	c.Flags().StringArrayVar(&ask.Caches, "cache", nil, "`name` of a cache; may be repeated")
	f.add(c, false)
	return w.tryable(c)
}

// printAsked names the caches that are to fetch an image.
func printAsked(out io.Writer, j images.Job) {
	for _, f := range j.Result.Fills {
		most := ""
		if f.Bytes > 0 {
			most = ", " + bytesText(f.Bytes) + " at most"
		}
		fmt.Fprintf(out, "%s is to fetch %s%s\n", oneLine(f.Cache), oneLine(j.Image), most)
	}
	if j.ID != "" {
		printBegun(out, j)
	}
}

func cacheForget(w *world) *cobra.Command {
	var yes bool
	c := &cobra.Command{Use: "forget NAME", Short: "Forget a cache that is no more", Args: names(1, 1), Example: "  rackwright cache forget r1-cache --yes",
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			if err := w.sure(yes, "forgets the cache", args[0]); err != nil {
				return err
			}
			if err := cl.ForgetCache(c.Context(), args[0]); err != nil {
				return err
			}
			return w.show(map[string]string{"forgotten": args[0]}, func(out io.Writer) { fmt.Fprintf(out, "cache %s forgotten\n", oneLine(args[0])) })
		}}
	yesFlag(c, &yes)
	return w.tryable(c)
}

// signer issues tickets for chunks.
type signer struct{ key ed25519.PrivateKey }

// Key is the public key.
func (s signer) Key() []byte { return s.key.Public().(ed25519.PublicKey) }

// Issue makes a ticket's text.
func (s signer) Issue(t ticket.Ticket) string { return ticket.New(s.key, t) }
