package scripted

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"rackwright/images"
	"rackwright/integration/lab"
)

// cacheAt is where the cache of the tests listens.
const cacheAt = "10.77.0.1:8088"

// cache starts a cache for rack r1 and waits until the server knows of it.
func (w *world) cache(dir string) *process {
	w.t.Helper()
	cmd := exec.Command(bin("rackwright"), "cache", "run", "--upstream", "http://"+lab.Server+":8080", "--dir", filepath.Join(w.dir, dir), "--rack", "r1",
		"--listen", cacheAt, "--name", "near", "--max", "1", "--server", w.api, "--token-file", w.tokenFile())
	p := launch(w.t, filepath.Join(w.dir, dir+".log"), cmd)
	w.cacheIs("alive", func(c images.Cache) bool { return c.Alive && c.Report.Held == 0 })
	return p
}

// cacheIs waits until the cache says so of itself.
func (w *world) cacheIs(what string, is func(images.Cache) bool) (got images.Cache) {
	w.t.Helper()
	until(w.t, w.ctx, "a cache that is "+what, func() bool {
		list, _ := w.client.Caches(w.ctx)
		for _, c := range list {
			if c.Name == "near" && is(c) {
				got = c
				return true
			}
		}
		return false
	}, func() string {
		return fmt.Sprintf("%s\n%s", w.command("cache", "list"), lab.Tail(filepath.Join(w.dir, "near.log"), 20))
	})
	return got
}

func TestMachinesFetchFromTheCacheOfTheirRackAndElsewhereWhenItDies(t *testing.T) {
	w := newWorld(t, nodes(4)).start()
	p := w.cache("near")
	for _, n := range w.nodes[:2] {
		w.succeeded(w.deploy(n.name).ID)
	}
	c := w.cacheIs("used", func(c images.Cache) bool { return c.Report.Hits > 0 && c.Report.Sending == 0 })
	if c.Site != "lab" || c.Report.Misses == 0 || c.Report.Hits < c.Report.Misses || c.Report.Sent < 2*c.Report.Fetched || c.Report.Fetched != c.Report.Held {
		t.Errorf("of two machines the second was to be served from what the first had it fetch: %+v", c)
	}
	saying(t, w.command("cache", "list"), "near", "http://"+cacheAt, "r1", "alive")

	p.end(syscall.SIGKILL)
	w.succeeded(w.deploy(w.nodes[2].name).ID) // the server sends it there for a while yet

	w.cache("empty")
	saying(t, w.command("cache", "warm", "small"), "near is to fetch small")
	warm := w.cacheIs("warm", func(c images.Cache) bool { return c.Report.Held > 0 && len(c.Want) == 0 })
	if warm.Report.Held != c.Report.Held || warm.Report.Hits != 0 {
		t.Errorf("warmed: %+v", warm)
	}
}
