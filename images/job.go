package images

import (
	"fmt"
	"time"

	"rackwright/fault"
	"rackwright/line"
)

// JobKind is what a job does.
type JobKind string

// The kinds.
const (
	JobVerify JobKind = "verify" // reads all bytes of an image, or of all, and names damage
	JobGC     JobKind = "gc"     // removes bytes that nobody needs
	JobWarm   JobKind = "warm"   // has caches fetch an image before anybody asks for it
)

// JobState is where a job stands.
type JobState string

// The states.
const (
	JobQueued    JobState = "queued"
	JobRunning   JobState = "running"
	JobDone      JobState = "done"
	JobFailed    JobState = "failed"
	JobCancelled JobState = "cancelled"
)

// Ended reports whether nothing more happens unless somebody asks for it.
func (s JobState) Ended() bool { return s == JobDone || s == JobFailed || s == JobCancelled }

// Job is long work of the catalogue. It is begun again from the start by another server when
// the one that does it stops: doing it twice is doing it once.
type Job struct {
	ID       string    `json:"id,omitempty" doc:"Absent of a dry run"`
	Kind     JobKind   `json:"kind" enum:"verify,gc,warm"`
	Image    string    `json:"image,omitempty" doc:"Name; of verify, none means every image"`
	Digest   string    `json:"digest,omitempty" doc:"Of the image that caches fetch"`
	State    JobState  `json:"state" enum:"queued,running,done,failed,cancelled"`
	Step     string    `json:"step,omitempty" doc:"What is being done, in words"`
	Progress Reach     `json:"progress"`
	Rate     float64   `json:"rate,omitempty" doc:"Bytes per second since it began; of warm, chunks"`
	ETA      time.Time `json:"eta,omitzero" doc:"When it may end"`
	Result   JobResult `json:"result" doc:"What came of it; not in lists"`
	Log      []JobLine `json:"log,omitempty" nullable:"false" doc:"The newest lines, oldest first; not in lists"`
	Error    string    `json:"error,omitempty"`
	Fault    string    `json:"fault,omitempty" enum:"internal,invalid,not-found,conflict,denied,unreachable" doc:"Kind of the error"`
	Hint     string    `json:"hint,omitempty"`
	Actor    string    `json:"actor"`
	Tries    int       `json:"tries" doc:"How often a server took it up"`
	Created  time.Time `json:"created_at"`
	Started  time.Time `json:"started_at,omitzero" doc:"When a server took it up last"`
	Ended    time.Time `json:"ended_at,omitzero"`
	Updated  time.Time `json:"updated_at"`
}

// Reach is how far work on bytes has come.
type Reach struct {
	Bytes     int64 `json:"bytes" doc:"Read, removed or to be fetched"`
	AllBytes  int64 `json:"all_bytes,omitempty" doc:"0: not known"`
	Chunks    int   `json:"chunks"`
	AllChunks int   `json:"all_chunks,omitempty" doc:"0: not known"`
}

// share is how much of the work is done, 0 to 1; 0 when that is not known.
func (r Reach) share() float64 {
	switch {
	case r.AllBytes > 0:
		return min(1, float64(r.Bytes)/float64(r.AllBytes))
	case r.AllChunks > 0:
		return min(1, float64(r.Chunks)/float64(r.AllChunks))
	}
	return 0
}

// JobResult is what came of a job so far: one of them, by its kind.
type JobResult struct {
	Found   *Health    `json:"found,omitempty" doc:"Of verify"`
	Removed *Collected `json:"removed,omitempty" doc:"Of gc; of a dry run, what would be"`
	Fills   []Fill     `json:"fills,omitempty" nullable:"false" doc:"Of warm: each cache that is to fetch"`
}

// Fill is how far one cache is with fetching an image.
type Fill struct {
	Cache  string `json:"cache" doc:"Name"`
	Done   int    `json:"done" doc:"Chunks"`
	Total  int    `json:"total,omitempty"`
	Bytes  int64  `json:"bytes,omitempty" doc:"Of a dry run: what it would fetch at most"`
	Loaded bool   `json:"loaded,omitempty" doc:"It has all of them"`
	Error  string `json:"error,omitempty" doc:"Why it ended without"`
}

// Ended reports whether the cache is done with it.
func (f Fill) Ended() bool { return f.Loaded || f.Error != "" }

// JobLine is a line of a job's log.
type JobLine struct {
	At   time.Time `json:"at"`
	Text string    `json:"text"`
}

// How much of a log is kept: lines, and bytes of each.
const (
	maxJobLines = 100
	maxJobLine  = 300
)

// Say adds a line to the log, in place of the oldest when it is full.
func (j *Job) Say(at time.Time, format string, args ...any) {
	text := line.Of(fmt.Sprintf(format, args...), maxJobLine)
	j.Log = append(j.Log[max(0, len(j.Log)-maxJobLines+1):], JobLine{at, text})
}

// Estimate fills in the rate and when the job may end.
func (j *Job) Estimate(now time.Time) {
	j.Rate, j.ETA = 0, time.Time{}
	past := now.Sub(j.Started)
	if j.State != JobRunning || j.Started.IsZero() || past <= 0 {
		return
	}
	done := float64(j.Progress.Bytes)
	if j.Progress.AllBytes == 0 {
		done = float64(j.Progress.Chunks)
	}
	j.Rate = done / past.Seconds()
	if share := j.Progress.share(); share > 0 {
		left := time.Duration(float64(past) * (1 - share) / share)
		j.ETA = now.Add(min(left, 365*24*time.Hour)).Truncate(time.Second)
	}
}

// Cancel ends a job that has not ended.
func (j *Job) Cancel(now time.Time, who string) error {
	if j.State.Ended() {
		return fault.Conflictf("job %s has ended: it is %s", j.ID, j.State).WithHint("'rackwright job show %s' says how", j.ID)
	}
	j.State, j.Step, j.Ended = JobCancelled, "", now
	j.Say(now, "cancelled by %s", who)
	return nil
}

// Retry begins a job again that failed or was cancelled.
func (j *Job) Retry(now time.Time, who string) error {
	if j.State != JobFailed && j.State != JobCancelled {
		return fault.Conflictf("job %s is %s: only one that failed or was cancelled is begun again", j.ID, j.State).WithHint("'rackwright job show %s' says how it stands", j.ID)
	}
	j.State, j.Step, j.Progress, j.Error, j.Fault, j.Hint, j.Ended = JobQueued, "", Reach{}, "", "", "", time.Time{}
	j.Result.Found, j.Result.Removed = nil, nil
	was := j.Result.Fills
	j.Result.Fills = nil
	for _, f := range was {
		j.Result.Fills = append(j.Result.Fills, Fill{Cache: f.Cache})
	}
	j.Say(now, "begun again by %s", who)
	return nil
}

// Fail ends a job with an error.
func (j *Job) Fail(err error) {
	j.State, j.Error, j.Fault, j.Hint = JobFailed, err.Error(), fault.KindOf(err).String(), fault.HintOf(err)
}

// Subject is what a job is about, in words.
func (j *Job) Subject() string {
	switch {
	case j.Kind == JobGC:
		return "what nobody needs"
	case j.Image == "":
		return "all images"
	}
	return "image " + j.Image
}
