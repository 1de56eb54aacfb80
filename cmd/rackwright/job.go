package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"rackwright/api/client"
	"rackwright/fault"
	"rackwright/images"
)

func jobCommand(w *world) *cobra.Command {
	return group("job", "Look at long work of the catalogue: checks, removals, warming of caches", []string{"jobs"}, jobList(w), jobShow(w),
		jobTurn(w, "cancel", "End a job wherever it is", (*client.Client).CancelJob),
		jobTurn(w, "retry", "Begin a job again that failed or was cancelled", (*client.Client).RetryJob))
}

func jobList(w *world) *cobra.Command {
	var q client.JobQuery
	c := &cobra.Command{Use: "list", Aliases: []string{"ls"}, Short: "List jobs of the last weeks, newest first", Args: names(0, 0), Example: "  rackwright job list --open\n  rackwright job list --kind verify",
		RunE: func(c *cobra.Command, _ []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			list, err := cl.Jobs(c.Context(), q)
			if err != nil {
				return err
			}
			return w.show(list, func(out io.Writer) {
				var rows [][]string
				for _, j := range list {
					rows = append(rows, []string{j.ID, string(j.Kind), oneLine(j.Subject()), string(j.State), jobShare(j), timeText(j.Created), oneLine(j.Actor), cut(oneLine(j.Error), 60)})
				}
				table(out, []string{"ID", "KIND", "OF", "STATE", "DONE", "CREATED", "BY", "ERROR"}, rows)
			})
		}}
	c.Flags().StringVar(&q.Kind, "kind", "", "only jobs of this `kind`: verify, gc or warm")
	c.Flags().BoolVar(&q.Open, "open", false, "only those that have not ended")
	return w.watchable(w.pages(c, mostListed), byEvents, nil)
}

// jobShare is how far a job is, in words.
func jobShare(j images.Job) string {
	p := j.Progress
	switch {
	case p.AllBytes > 0:
		return fmt.Sprintf("%d %%", min(p.Bytes, p.AllBytes)*100/p.AllBytes)
	case p.AllChunks > 0:
		return fmt.Sprintf("%d %%", min(p.Chunks, p.AllChunks)*100/p.AllChunks)
	case p.Bytes > 0:
		return bytesText(p.Bytes)
	}
	return ""
}

func jobShow(w *world) *cobra.Command {
	c := &cobra.Command{Use: "show JOB", Short: "Show how far a job is, what came of it, and its log", Args: names(1, 1), Example: "  rackwright job show 0199c7a0-7d2b-7cc3-98c4-5d0c3a1e6f00 --watch",
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			j, err := cl.Job(c.Context(), args[0])
			if err != nil {
				return err
			}
			w.over = j.State.Ended()
			return w.show(j, func(out io.Writer) { printJob(out, j) })
		}}
	return w.watchable(c, polled, nil)
}

func printJob(out io.Writer, j images.Job) {
	chunks, rate := "", ""
	if p := j.Progress; p.Chunks > 0 || p.AllChunks > 0 {
		chunks = fmt.Sprintf("%d", p.Chunks)
		if p.AllChunks > 0 {
			chunks = fmt.Sprintf("%d of %d", p.Chunks, p.AllChunks)
		}
	}
	switch {
	case j.Rate > 0 && j.Kind == images.JobWarm:
		rate = fmt.Sprintf("%.1f chunks/s", j.Rate)
	case j.Rate > 0:
		rate = bytesText(int64(j.Rate)) + "/s"
	}
	pairs(out, "Id", j.ID, "Kind", string(j.Kind), "Of", oneLine(j.Subject()), "State", string(j.State), "Step", oneLine(j.Step), "Done", jobShare(j), "Chunks", chunks, "Rate", rate, "May end", timeText(j.ETA),
		"Error", oneLine(j.Error), "Hint", oneLine(j.Hint), "By", oneLine(j.Actor), "Created", timeText(j.Created), "Started", timeText(j.Started), "Ended", timeText(j.Ended))
	switch r := j.Result; {
	case r.Found != nil:
		showHealth(out, *r.Found)
	case r.Removed != nil:
		fmt.Fprintf(out, "%s removed: %d images, %d files, %d chunks\n", bytesText(r.Removed.Bytes), r.Removed.Images, r.Removed.Files, r.Removed.Chunks)
	case len(r.Fills) > 0:
		printFills(out, j)
	}
	for _, l := range j.Log {
		fmt.Fprintf(out, "%s  %s\n", timeText(l.At), oneLine(l.Text))
	}
}

// printFills shows how far caches are with an image.
func printFills(out io.Writer, j images.Job) {
	var rows [][]string
	for _, f := range j.Result.Fills {
		state, done := "fetches", ""
		switch {
		case f.Error != "":
			state = "failed: " + oneLine(f.Error)
		case f.Loaded:
			state = "has it"
		}
		if f.Total > 0 {
			done = fmt.Sprintf("%d of %d chunks", f.Done, f.Total)
		}
		rows = append(rows, []string{oneLine(f.Cache), done, state})
	}
	table(out, []string{"CACHE", "DONE", "STATE"}, rows)
}

func jobTurn(w *world, verb, short string, turn func(*client.Client, context.Context, string) (images.Job, error)) *cobra.Command {
	return w.tryable(&cobra.Command{Use: verb + " JOB", Short: short, Args: names(1, 1), Example: "  rackwright job " + verb + " 0199c7a0-7d2b-7cc3-98c4-5d0c3a1e6f00",
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := w.connect()
			if err != nil {
				return err
			}
			j, err := turn(cl, c.Context(), args[0])
			if err != nil {
				return err
			}
			return w.show(j, func(out io.Writer) { fmt.Fprintf(out, "%s of %s is %s.\n", j.Kind, oneLine(j.Subject()), j.State) })
		}})
}

// jobWait says whether, and for how long, a command waits for the job that it began.
type jobWait struct {
	wait    bool
	timeout time.Duration // 0: until it has ended
}

func (f *jobWait) add(c *cobra.Command, usual bool) {
	c.Flags().BoolVar(&f.wait, "wait", usual, "wait until the job has ended, and show the progress; the exit status tells how")
	c.Flags().DurationVar(&f.timeout, "timeout", 0, "with --wait: stop waiting after this `time` (the work goes on)")
}

// awaitJob waits for a job and shows what came of it; without --wait it says where to look.
func (w *world) awaitJob(ctx context.Context, cl *client.Client, j images.Job, f jobWait, show func(images.Job) error) error {
	if !f.wait {
		return w.show(j, func(out io.Writer) { printBegun(out, j) })
	}
	waiting := ctx
	if f.timeout > 0 {
		var cancel context.CancelFunc
		waiting, cancel = context.WithTimeout(ctx, f.timeout)
		defer cancel()
	}
	tell, end := w.jobBar()
	done, err := cl.AwaitJob(waiting, j.ID, tell)
	end()
	if err != nil && errors.Is(waiting.Err(), context.DeadlineExceeded) && ctx.Err() == nil {
		return fault.Unreachablef("not ended within %s", f.timeout).WithHint("the work goes on: 'rackwright job show %s'", j.ID)
	}
	if err != nil {
		return err
	}
	return show(done)
}

func printBegun(out io.Writer, j images.Job) {
	fmt.Fprintf(out, "%s of %s is job %s: 'rackwright job show %s' shows it\n", j.Kind, oneLine(j.Subject()), j.ID, j.ID)
}

// jobBar shows a bar on a terminal while a job is done; the second function ends it.
func (w *world) jobBar() (func(images.Job), func()) {
	return lineOf(w, func(j images.Job) (string, bool) {
		name := string(j.Kind) + " of " + oneLine(j.Subject())
		if j.Progress.AllBytes > 0 {
			return shareLine(name, min(j.Progress.Bytes, j.Progress.AllBytes), j.Progress.AllBytes), j.State.Ended()
		}
		return fmt.Sprintf("%s  %s  %s %s", name, j.State, jobShare(j), oneLine(j.Step)), j.State.Ended()
	})
}
