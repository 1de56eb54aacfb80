// Command writer writes an image to a disk as the agent does and says how long that took.
// It is what the bench runs inside a machine, beside other ways to do the same.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"rackwright/agent/disk"
	"rackwright/agent/fetch"
	"rackwright/images"
)

func main() {
	source := flag.String("source", "", "`URL` of the server: manifest at /manifest, chunks below /chunks/")
	digest := flag.String("digest", "", "`digest` of the manifest")
	path := flag.String("disk", "", "`device` to write to; all its data is lost")
	hands := flag.Int("hands", 0, "`chunks` under way at a time; 0: as the agent has it")
	flag.Parse()
	debug.SetMemoryLimit(128 << 20) // as the agent does
	if err := write(*source, *digest, *path, *hands); err != nil {
		fmt.Fprintln(os.Stderr, "writer: "+err.Error())
		os.Exit(1)
	}
}

func write(source, digest, path string, hands int) error {
	plain := fetch.Plain()
	defer plain.CloseIdleConnections()
	m, err := manifest(plain, source, digest)
	if err != nil {
		return err
	}
	d, err := disk.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	began := time.Now()
	var spent [2]time.Duration // by pass
	mark := began
	impatient := func(context.Context, int) error { return io.ErrUnexpectedEOF }
	w := disk.Write{Manifest: m, Owner: disk.Owner{Operation: "bench", Image: digest}, Medium: d, Hands: hands, Deep: disk.QuickSHA256(),
		Chunks: fetch.New([]fetch.Source{fetch.HTTP{URL: source + "/chunks", Client: plain}}, impatient, time.Now),
		Progress: func(p disk.Pass, _, _ int64) {
			now := time.Now()
			spent[p] += now.Sub(mark)
			mark = now
		}}
	tally, err := w.Run(context.Background())
	if err != nil {
		return err
	}
	fmt.Printf("FIG whole %.3f\nFIG write %.3f\nFIG proof %.3f\n", time.Since(began).Seconds(), spent[disk.Writing].Seconds(), spent[disk.Verifying].Seconds())
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return err
	}
	fmt.Printf("FIG user %.3f\nFIG system %.3f\n", float64(used.Utime.Nano())/1e9, float64(used.Stime.Nano())/1e9)
	fmt.Printf("FIG fetched %d\nFIG kept %d\nFIG memory %d\n", tally.Fetched, tally.Kept, peak())
	return nil
}

func manifest(c *http.Client, source, digest string) (*images.Manifest, error) {
	response, err := c.Get(source + "/manifest/" + digest)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	b, err := io.ReadAll(io.LimitReader(response.Body, 64<<20))
	if err != nil {
		return nil, err
	}
	return images.DecodeManifest(b, digest)
}

// peak is the most memory this program ever had, in KiB.
func peak() (kib int) {
	b, _ := os.ReadFile("/proc/self/status")
	_, rest, _ := strings.Cut(string(b), "VmHWM:")
	_, _ = fmt.Sscan(rest, &kib)
	return kib
}
