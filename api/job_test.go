package api_test

import (
	"strings"
	"testing"
	"time"

	"rackwright/api"
	"rackwright/api/apitest"
	"rackwright/api/wire"
	"rackwright/images"
)

func TestWhatTakesLongIsAJobThatIsFollowed(t *testing.T) {
	s := apitest.Rack(t)
	s.Damage("debian")
	url := apitest.Serve(t, api.Options{Store: s, Depot: apitest.Depot{}}) + wire.Prefix
	begin := func(path, body string) images.Job {
		t.Helper()
		answer, text := ask(t, "POST", url+path, body)
		j := decode[images.Job](t, text)
		if answer.StatusCode != 202 || j.ID == "" || answer.Header.Get("Location") != wire.Prefix+"/jobs/"+j.ID {
			t.Fatalf("%s: %s %s", path, answer.Status, text)
		}
		_, text = ask(t, "GET", url+"/jobs/"+j.ID, "")
		return decode[images.Job](t, text)
	}
	if j := begin("/images/check", ""); j.Result.Found == nil || len(j.Result.Found.Damage) != 1 || j.Result.Found.Damage[0].Where != "partition 2 (root)" {
		t.Errorf("%+v", j)
	}
	if j := begin("/images/check?image=efi-only", ""); j.Image != "efi-only" || len(j.Result.Found.Damage) != 0 {
		t.Errorf("%+v", j)
	}
	if j := begin("/images/collect", ""); j.Result.Removed == nil || j.Result.Removed.Chunks != 3 {
		t.Errorf("%+v", j)
	}
	if answer, _ := ask(t, "POST", url+"/images/check?image=nothing", ""); answer.StatusCode != 404 {
		t.Error(answer.Status)
	}
	_, text := ask(t, "GET", url+"/jobs?kind=verify&limit=1", "")
	page := decode[wire.List[images.Job]](t, text)
	if len(page.Items) != 1 || page.Next == "" || page.Items[0].Result.Found != nil {
		t.Errorf("%s", text)
	}
}

func TestAJobTellsItsRateAndWhenItMayEnd(t *testing.T) {
	s := apitest.Rack(t)
	url := apitest.Serve(t, api.Options{Store: s, Depot: apitest.Depot{}}) + wire.Prefix
	_, text := ask(t, "POST", url+"/images/check", "")
	id := decode[images.Job](t, text).ID
	s.TurnJob(id, func(j *images.Job, now time.Time) {
		j.State, j.Ended, j.Started, j.Progress = images.JobRunning, time.Time{}, now.Add(-10*time.Second), images.Reach{Bytes: 1000, AllBytes: 4000}
	})
	_, text = ask(t, "GET", url+"/jobs/"+id, "")
	if j := decode[images.Job](t, text); j.Rate <= 0 || j.ETA.IsZero() {
		t.Errorf("%s", text)
	}
	if answer, text := ask(t, "POST", url+"/jobs/"+id+"/retry", ""); answer.StatusCode != 409 || !strings.Contains(text, "job show") {
		t.Errorf("%s %s", answer.Status, text)
	}
	if _, text := ask(t, "POST", url+"/jobs/"+id+"/cancel", ""); decode[images.Job](t, text).State != images.JobCancelled {
		t.Errorf("%s", text)
	}
	if _, text := ask(t, "POST", url+"/jobs/"+id+"/retry", ""); decode[images.Job](t, text).State != images.JobQueued {
		t.Errorf("%s", text)
	}
}

func TestWarmingIsAJobAndMayBeTried(t *testing.T) {
	s := apitest.Rack(t)
	url := apitest.Serve(t, api.Options{Store: s, Depot: apitest.Depot{}}) + wire.Prefix
	if answer, text := ask(t, "POST", url+"/caches/actions/warm", `{"image":"debian"}`); answer.StatusCode != 409 {
		t.Errorf("without a cache: %s %s", answer.Status, text)
	}
	if _, err := s.BeatCache(t.Context(), images.Cache{Name: "c1", URL: "http://10.0.0.1:80"}, "cache"); err != nil {
		t.Fatal(err)
	}
	for _, dry := range []bool{true, false} {
		path, status := url+"/caches/actions/warm", 202
		if dry {
			path, status = path+"?dry_run=true", 200
		}
		answer, text := ask(t, "POST", path, `{"image":"debian"}`)
		j := decode[images.Job](t, text)
		if answer.StatusCode != status || len(j.Result.Fills) != 1 || j.Result.Fills[0].Cache != "c1" || (j.ID == "") != dry {
			t.Errorf("%s %s", answer.Status, text)
		}
		if all, _ := s.Caches(t.Context()); (len(all[0].Want) == 0) != dry {
			t.Errorf("dry %v: wanted %v", dry, all[0].Want)
		}
	}
	if answer, text := ask(t, "POST", url+"/caches/actions/warm", `{"image":"debian","caches":["c1","nobody"]}`); answer.StatusCode != 404 {
		t.Errorf("%s %s", answer.Status, text)
	}
}
