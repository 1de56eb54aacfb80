package redfish

import (
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Limits of a log.
const (
	maxEntries  = 1000 // the oldest give way
	entriesPage = 50
)

// logbook is one log of what happened. Safe for concurrent use.
type logbook struct {
	path string // of the LogService

	mu   sync.Mutex
	next int
	all  []logged
}

type logged struct {
	id int
	happening
}

// add returns the entry's path.
func (b *logbook) add(h happening) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.next++
	b.all = append(b.all, logged{b.next, h})
	if len(b.all) > maxEntries {
		b.all = slices.Delete(b.all, 0, len(b.all)-maxEntries)
	}
	return b.entryPath(b.next)
}

func (b *logbook) entryPath(id int) string { return b.path + "/Entries/" + strconv.Itoa(id) }

func (b *logbook) list() []logged {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.all)
}

func (b *logbook) clear() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.all = nil
}

func (b *logbook) body(e logged) body {
	r := resource(b.entryPath(e.id), "LogEntry.v1_15_1.LogEntry", "Log Entry "+strconv.Itoa(e.id))
	for k, v := range e.message() {
		r[k] = v
	}
	r["EntryType"], r["Created"] = "Event", e.at.UTC().Format(time.RFC3339)
	if b.path == selPath {
		r["EntryType"] = "SEL"
	}
	r["Links"] = body{"OriginOfCondition": link(e.origin)}
	return r
}

const (
	selPath    = systemPath + "/LogServices/SEL"
	bmcLogPath = managerPath + "/LogServices/Log"
)

// routeLogs serves the system's and the BMC's own log.
func (s *Service) routeLogs() {
	s.routeLog(systemPath+"/LogServices", s.sel)
	s.routeLog(managerPath+"/LogServices", s.bmcLog)
}

func (s *Service) routeLog(services string, b *logbook) {
	const clear = "/Actions/LogService.ClearLog"
	s.collection(services, "LogServiceCollection", "Log Services", func() []body {
		r := resource(b.path, "LogService.v1_5_1.LogService", "Event Log")
		r["ServiceEnabled"], r["MaxNumberOfRecords"], r["OverWritePolicy"], r["LogEntryType"] = true, maxEntries, "WrapsWhenFull", "Event"
		if b.path == selPath {
			r["LogEntryType"] = "SEL"
		}
		r["DateTime"], r["DateTimeLocalOffset"], r["Status"] = s.now().UTC().Format(time.RFC3339), "+00:00", status(true)
		r["Entries"] = link(b.path + "/Entries")
		r["Actions"] = body{"#LogService.ClearLog": body{"target": b.path + clear}}
		return []body{r}
	})
	s.mux.HandleFunc("GET "+b.path+"/Entries", func(w http.ResponseWriter, r *http.Request) { writePage(w, r, b) })
	s.mux.HandleFunc("GET "+b.path+"/Entries/{id}", func(w http.ResponseWriter, r *http.Request) {
		for _, e := range b.list() {
			if strconv.Itoa(e.id) == r.PathValue("id") {
				writeResource(w, r, b.body(e))
				return
			}
		}
		refuse(http.StatusNotFound, msgURINotFound, r.URL.Path).write(w)
	})
	s.action(b.path+clear, configureManager, func(c *changes) *problem {
		if p := c.done(); p != nil {
			return p
		}
		b.clear()
		s.note(b, b.path, hapCleared)
		return nil
	})
}

// writePage serves a part of the entries, oldest first (DSP0266 7.3.2: $skip and $top).
func writePage(w http.ResponseWriter, r *http.Request, b *logbook) {
	skip, top, p := paging(r)
	if p != nil {
		p.write(w)
		return
	}
	all := b.list()
	from := min(skip, len(all))
	to := min(from+top, len(all))
	members := []body{}
	for _, e := range all[from:to] {
		members = append(members, b.body(e)) // whole, as most BMCs do
	}
	c := resource(b.path+"/Entries", "LogEntryCollection.LogEntryCollection", "Log Entries")
	delete(c, "Id")
	c["Members"], c["Members@odata.count"] = members, len(all)
	if to < len(all) && to > from {
		c["Members@odata.nextLink"] = b.path + "/Entries?$skip=" + strconv.Itoa(to) + "&$top=" + strconv.Itoa(top)
	}
	writeResource(w, r, c)
}

func paging(r *http.Request) (skip, top int, p *problem) {
	top = entriesPage
	for name, to := range map[string]*int{"$skip": &skip, "$top": &top} {
		text := r.URL.Query().Get(name)
		if text == "" {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return 0, 0, refuse(http.StatusBadRequest, msgQueryValue, text, name)
		}
		*to = n
	}
	return skip, min(top, entriesPage), nil
}
