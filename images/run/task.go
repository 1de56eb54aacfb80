package run

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"rackwright/fault"
	"rackwright/images"
	"rackwright/images/source/oci"
	"rackwright/images/source/web"
)

// Store is what the task asks of the database.
type Store interface {
	ClaimImageImport(ctx context.Context, owner string, ttl time.Duration) (*images.Import, error)
	NoteImageImport(ctx context.Context, i *images.Import, owner string, ttl time.Duration) error
	EndImageImport(ctx context.Context, i *images.Import, owner string) error
	ImageImport(ctx context.Context, id string) (*images.Import, error)
	ExpireImageImports(ctx context.Context, idle time.Time) error
	// ClaimImageJob is nil, nil when there is none of these kinds to be done.
	ClaimImageJob(ctx context.Context, owner string, ttl time.Duration, kinds ...images.JobKind) (*images.Job, error)
	// NoteImageJob, EndImageJob and AskCaches are Conflict when the job is owner's no more.
	NoteImageJob(ctx context.Context, j *images.Job, owner string, ttl time.Duration) error
	EndImageJob(ctx context.Context, j *images.Job, owner string) error
	AskCaches(ctx context.Context, j *images.Job, owner string) error
	ExpireImageJobs(ctx context.Context) error
	Caches(ctx context.Context) ([]images.Cache, error)
	// ImportDue wakes for imports and jobs.
	ImportDue() (<-chan struct{}, func())
	AddImage(ctx context.Context, img *images.Image, actor string) error
}

// Task does the imports and jobs that were asked for. Several, in one process or many, may
// share a database: each piece of work is in the hands of one, and taken over when that one
// is silent.
type Task struct {
	Door     *Door
	Store    Store
	Log      *slog.Logger
	Now      func() time.Time
	Owner    string   // unique to this process
	Dirs     []string // below which files of this host may be imported
	Registry string   // docker config.json for registries, "" for none

	Client  *http.Client                                  // nil: web.Client()
	Backoff func(ctx context.Context, failures int) error // nil: source.Backoff
	Look    time.Duration                                 // how often what a job waits for is looked at; 0: 2 s
}

// Times of the task.
const (
	lease     = 20 * time.Second // an import is lent
	renew     = 5 * time.Second  // and renewed while it is done
	poll      = 5 * time.Second  // for imports another process was asked for
	tidyEvery = time.Hour
	idle      = 24 * time.Hour // after which an upload is given up
)

// How many of a sort one process does at a time. Imports keep all processors busy, jobs that
// read or remove bytes the disk; one that warms caches only looks on.
const (
	importsAtOnce = 2
	bytesAtOnce   = 1
	warmsAtOnce   = 20
)

// String names the task.
func (t *Task) String() string { return "image imports and jobs" }

// hand is a sort of work with room for so many at a time.
type hand struct {
	free  chan struct{}
	claim func(ctx context.Context) (do func(ctx context.Context), err error) // nil: there is none
}

func (t *Task) hands() []hand {
	return []hand{
		{make(chan struct{}, importsAtOnce), func(ctx context.Context) (func(context.Context), error) {
			i, err := t.Store.ClaimImageImport(ctx, t.Owner, lease)
			if err != nil || i == nil {
				return nil, err
			}
			return func(ctx context.Context) { t.do(ctx, i) }, nil
		}},
		{make(chan struct{}, bytesAtOnce), t.claimJob(images.JobVerify, images.JobGC)},
		{make(chan struct{}, warmsAtOnce), t.claimJob(images.JobWarm)},
	}
}

// Run does what is asked for until ctx ends; what it leaves is begun again by whoever claims it.
func (t *Task) Run(ctx context.Context) error {
	due, stop := t.Store.ImportDue()
	defer stop()
	tick, tidy := time.NewTicker(poll), time.NewTicker(tidyEvery)
	defer tick.Stop()
	defer tidy.Stop()
	var busy sync.WaitGroup
	defer busy.Wait()
	hands := t.hands()
	for t.Tidy(ctx); ; {
		for _, h := range hands {
			t.begin(ctx, h, &busy)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-due:
		case <-tick.C:
		case <-tidy.C:
			t.Tidy(ctx)
		}
	}
}

// begin claims work as long as there is room for it.
func (t *Task) begin(ctx context.Context, h hand, busy *sync.WaitGroup) {
	for {
		select {
		case h.free <- struct{}{}:
		default:
			return
		}
		do, err := h.claim(ctx)
		if err != nil || do == nil {
			<-h.free
			if err != nil && ctx.Err() == nil {
				t.Log.Warn("no work of the catalogue was begun; it is tried again", "error", err)
			}
			return
		}
		busy.Go(func() {
			defer func() { <-h.free }()
			do(ctx)
		})
	}
}

// do does one import to its end and writes down how it went.
func (t *Task) do(ctx context.Context, i *images.Import) {
	w := t.importing(i)
	err := w.do(ctx)
	if ctx.Err() != nil || w.lost() {
		return // the server stops, or the import was cancelled
	}
	i.State, i.Error, i.Fault, i.Hint = images.Done, "", "", ""
	if err != nil {
		i.State, i.Error, i.Fault, i.Hint = images.Failed, err.Error(), fault.KindOf(err).String(), fault.HintOf(err)
		t.Log.Warn("an image was not imported", "name", i.Name, "from", i.From, "error", err)
	}
	if err := t.Store.EndImageImport(ctx, i, t.Owner); err != nil && ctx.Err() == nil && !fault.Is(err, fault.Conflict) {
		t.Log.Warn("the end of an import was not written down; it is done again", "name", i.Name, "error", err)
		return
	}
	if i.From == "upload" {
		if err := t.Door.Blobs.RemoveUpload(i.ID); err != nil {
			t.Log.Warn("an upload was not removed", "name", i.Name, "error", err)
		}
	}
}

// Tidy gives abandoned uploads up and drops bytes that nobody needs.
func (t *Task) Tidy(ctx context.Context) {
	if err := t.tidy(ctx); err != nil && ctx.Err() == nil && !fault.Is(err, fault.Conflict) {
		t.Log.Warn("the image store was not tidied; it is tried again", "error", err)
	}
}

func (t *Task) tidy(ctx context.Context) error {
	if err := t.Store.ExpireImageImports(ctx, t.Now().Add(-idle)); err != nil {
		return err
	}
	if err := t.Store.ExpireImageJobs(ctx); err != nil {
		return err
	}
	there, err := t.Door.Blobs.Uploads()
	if err != nil {
		return err
	}
	for _, id := range there {
		i, err := t.Store.ImageImport(ctx, id)
		if err == nil && !i.State.Ended() {
			continue
		}
		if err == nil || fault.Is(err, fault.NotFound) {
			err = t.Door.Blobs.RemoveUpload(id)
		}
		if err != nil {
			return err
		}
	}
	gone, err := t.Door.Blobs.Collect(ctx, t.Door.Keep, nil)
	if gone.Bytes > 0 {
		t.Log.Info("bytes of images that nobody needs were removed", "images", gone.Images, "files", gone.Files, "chunks", gone.Chunks, "bytes", gone.Bytes)
	}
	return err
}

func (t *Task) client() *http.Client {
	if t.Client != nil {
		return t.Client
	}
	return web.Client()
}

func (t *Task) oci() *oci.Fetcher {
	return &oci.Fetcher{Client: t.client(), Credentials: t.Registry, Backoff: t.Backoff, Layout: t.layout}
}

// layout opens a directory below one of Dirs.
func (t *Task) layout(dir string) (fs.FS, error) {
	root, rel, err := t.below(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	sub, err := root.OpenRoot(rel)
	if err != nil {
		return nil, fault.NotFoundf("the directory %s cannot be opened: %w", dir, err).WithHint("let the server's user read it")
	}
	return sub.FS(), nil
}

// file opens a regular file below one of Dirs. Links do not lead out.
func (t *Task) file(path string) (*os.File, error) {
	root, rel, err := t.below(path)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	st, err := root.Stat(rel)
	if err == nil && st.IsDir() {
		return nil, fault.Invalidf("%s is a directory, not a regular file", path).WithHint("name the image file in it")
	}
	if err == nil && !st.Mode().IsRegular() {
		return nil, fault.Invalidf("%s is not a regular file", path).WithHint("name the image file itself")
	}
	var f *os.File
	if err == nil {
		f, err = root.Open(rel)
	}
	if err != nil {
		return nil, fault.NotFoundf("the file cannot be opened: %w", err).WithHint("%s", wayOut(root, rel, err))
	}
	return f, nil
}

// wayOut says what to do about a file that cannot be opened.
func wayOut(root *os.Root, rel string, err error) string {
	st, noEntry := root.Lstat(rel)
	switch {
	case noEntry == nil && st.Mode()&fs.ModeSymlink != 0:
		return "it is a link whose end is not there, or outside the directory of images.import_dirs: name the file itself, or copy it there"
	case errors.Is(err, fs.ErrNotExist):
		return "correct the path: the file is looked for on the server, not here; 'rackwright image add NAME FILE' sends one from here"
	case errors.Is(err, fs.ErrPermission):
		return "let the server's user read it"
	}
	return "name a file whose path leads through no link out of the directory of images.import_dirs"
}

// below finds the directory of Dirs that a path is in.
func (t *Task) below(path string) (*os.Root, string, error) {
	for _, dir := range t.Dirs {
		rel, err := filepath.Rel(dir, path)
		if err != nil || !filepath.IsAbs(path) || !filepath.IsLocal(rel) {
			continue
		}
		root, err := os.OpenRoot(dir)
		if err != nil {
			return nil, "", fault.NotFoundf("images.import_dirs: %w", err).WithHint("make the directory, or correct the configuration")
		}
		return root, rel, nil
	}
	return nil, "", fault.Deniedf("%s is below none of the directories that may be imported from", path).
		WithHint("name its directory in images.import_dirs of the server's configuration, or upload the file")
}
