package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"rackwright/fault"
	"rackwright/images"
	"rackwright/images/blob"
)

// writeBench is an image in all forms that the ways to write a disk start from, and the
// server that has them.
type writeBench struct {
	*bench
	dir    string
	store  *blob.Store
	digest string
	data   float64 // MiB of the image that are not zero
	whole  float64 // MiB of it
	port   int
}

// times are seconds, by the way to write and the round.
type times map[string][]float64

// median is the middle of three.
func (t times) median(way string) float64 {
	all := slices.Sorted(slices.Values(t[way]))
	if len(all) == 0 {
		return 0
	}
	return all[len(all)/2]
}

// rounds that every way goes through, one way after the other in each.
const writeRounds = 3

// measureWrite writes the demo's image with the agent's code and in other ways, to the same
// disk of the same emulated machine, and to a file of this one.
func measureWrite(ctx context.Context, b *bench) error {
	w := &writeBench{bench: b, dir: filepath.Join(b.out, "bench-write")}
	if err := w.prepare(ctx); err != nil {
		return err
	}
	stop, err := w.serve()
	if err != nil {
		return err
	}
	defer stop()
	for _, place := range []struct {
		name string
		run  func(context.Context) (times, error)
	}{{"write.", w.guest}, {"write.native.", w.native}} {
		t, err := place.run(ctx)
		if err != nil {
			return err
		}
		if err := w.reportAll(place.name, t); err != nil {
			return err
		}
	}
	return w.again(ctx)
}

// reportAll turns times into rates of the image's data.
func (w *writeBench) reportAll(group string, t times) error {
	rate := func(way string) float64 { return w.data / t.median(way) }
	for _, peer := range []string{"pipeline", "qcow2", "raw", "zeros"} {
		if err := w.report(group+peer, reading{rate("write"), rate(peer)}); err != nil {
			return err
		}
	}
	if err := w.report(group+"whole", reading{rate("whole"), rate("pipeline")}); err != nil {
		return err
	}
	if group != "write." {
		return nil
	}
	if err := w.report(group+"direct", reading{rate("write"), rate("direct")}); err != nil {
		return err
	}
	if err := w.report(group+"proof", reading{value: t.median("proof")}); err != nil {
		return err
	}
	return w.report(group+"memory", reading{value: slices.Max(t["memory"]) / 1024})
}

// prepare makes the image's forms: in the store, as one zstd stream, and in a file system.
func (w *writeBench) prepare(ctx context.Context) error {
	if err := os.RemoveAll(w.dir); err != nil {
		return err
	}
	copied := filepath.Join(w.dir, "copy")
	if err := os.MkdirAll(copied, 0o755); err != nil {
		return err
	}
	image := filepath.Join(w.cache, "images", "debian.raw")
	if err := w.add(ctx, image); err != nil {
		return err
	}
	for _, argv := range [][]string{
		{"cp", "--sparse=always", image, filepath.Join(copied, "image.raw")},
		{"zstd", "-q", "-3", "-T2", "-f", image, "-o", filepath.Join(w.dir, "image.zst")},
		{"qemu-img", "convert", "-q", "-c", "-f", "raw", "-O", "qcow2", image, filepath.Join(copied, "image.qcow2")},
		{"mke2fs", "-q", "-t", "ext4", "-d", copied, filepath.Join(w.dir, "copy.ext4"), "900M"},
	} {
		if out, err := exec.CommandContext(ctx, argv[0], argv[1:]...).CombinedOutput(); err != nil {
			return fault.Internalf("%s: %w: %s", argv[0], err, out).WithHint("'scripts/need bench' and 'make images' bring what is missing")
		}
	}
	return nil
}

func (w *writeBench) add(ctx context.Context, image string) (err error) {
	if w.store, err = blob.Open(filepath.Join(w.dir, "store")); err != nil {
		return err
	}
	got, err := w.store.ImportFile(ctx, image, blob.Options{})
	if err != nil {
		return err
	}
	w.digest = got.Digest
	m, err := w.manifest()
	if err != nil {
		return err
	}
	w.data, w.whole = float64(m.Data())/(1<<20), float64(m.Bytes)/(1<<20)
	return nil
}

func (w *writeBench) manifest() (*images.Manifest, error) {
	b, err := w.store.Manifest(w.digest)
	if err != nil {
		return nil, err
	}
	return images.DecodeManifest(b, w.digest)
}

// changedShare and changedRun are how the changed image differs: so much of it, in runs.
const (
	changedShare = 0.05
	changedRun   = 4 << 20
)

// again deploys a changed image over the old one and reports which share of its bytes was
// fetched.
func (w *writeBench) again(ctx context.Context) error {
	disk := filepath.Join(w.dir, "again.raw")
	if err := emptyDisk(disk); err != nil {
		return err
	}
	if _, err := w.ours(ctx, disk); err != nil {
		return err
	}
	m, err := w.manifest()
	if err != nil {
		return err
	}
	image := filepath.Join(w.dir, "copy", "image.raw")
	if err := change(image, m); err != nil {
		return err
	}
	if err := w.add(ctx, image); err != nil {
		return err
	}
	t, err := w.ours(ctx, disk)
	if err != nil {
		return err
	}
	if m, err = w.manifest(); err != nil {
		return err
	}
	return w.report("write.again", reading{value: 100 * t.median("fetched") / float64(m.Packed())})
}

// change overwrites a share of an image's data, in runs, with other data of the image, moved by
// a byte: it compresses as well, and is new.
func change(path string, m *images.Manifest) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	run := make([]byte, changedRun)
	runs := int(changedShare*float64(m.Data())/changedRun + 0.5)
	for i := range runs {
		from, to := m.Chunks[2*i*len(m.Chunks)/(2*runs)].Offset, m.Chunks[(2*i+1)*len(m.Chunks)/(2*runs)].Offset
		if _, err := f.ReadAt(run, from+1); err != nil {
			return err
		}
		if _, err := f.WriteAt(run, min(to, m.Bytes-2*changedRun)); err != nil {
			return err
		}
	}
	return nil
}

// figures reads the "FIG name value" lines of an output.
func (t times) figures(out string) {
	for line := range strings.Lines(out) {
		var name string
		var value float64
		if _, figure, ok := strings.Cut(line, "FIG "); ok {
			if n, _ := fmt.Sscan(figure, &name, &value); n == 2 {
				t[name] = append(t[name], value)
			}
		}
	}
}
