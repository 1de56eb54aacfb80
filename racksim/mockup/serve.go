package mockup

import (
	"io"
	"net/http"
	"slices"
	"strings"
)

// call is one request, looked at.
type call struct {
	r    *http.Request
	uri  string
	body body   // of a write; never nil then
	bare bool   // a write without a body
	user string // URI of the account; empty for a login
}

func (b *BMC) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("OData-Version", "4.0")
	w.Header().Set("Cache-Control", "no-cache")
	uri := strings.TrimRight(r.URL.Path, "/") // a trailing slash names the same resource (DSP0266 6.4)
	c := &call{r: r, uri: uri}
	if b.gone() {
		panic(http.ErrAbortHandler) // restarting: the connection breaks
	}
	if b.pushed(w, c) || b.streamed(w, c) {
		return
	}
	var p *refusal
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		c.body, c.bare, p = readObject(w, r)
	}
	out, boots := b.decide(c, p)
	b.tell(boots)
	out.write(w)
}

// decide takes the lock.
func (b *BMC) decide(c *call, bad *refusal) (reply, []Boot) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tick()
	return b.answer(c, bad).encoded(), b.newBoots()
}

// answer decides with the lock held.
func (b *BMC) answer(c *call, bad *refusal) reply {
	if p := b.admit(c); p != nil {
		return p.reply()
	}
	if bad != nil {
		return bad.reply()
	}
	if b.habits.refuse != nil {
		if p := b.habits.refuse(b, c); p != nil {
			return p.reply()
		}
	}
	switch c.r.Method {
	case http.MethodGet, http.MethodHead:
		return b.read(c)
	case http.MethodPost:
		return b.post(c)
	case http.MethodPatch:
		return b.patch(c)
	case http.MethodDelete:
		return b.delete(c)
	}
	return b.notAllowed(c)
}

// readObject reads the JSON object of a write; without a body it is empty.
func readObject(w http.ResponseWriter, r *http.Request) (body, bool, *refusal) {
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	switch {
	case err != nil:
		return nil, false, refuse(http.StatusRequestEntityTooLarge, "PayloadTooLarge", "The request is larger than %d bytes.", maxBody)
	case len(strings.TrimSpace(string(text))) == 0:
		return body{}, true, nil
	}
	b, err := parse(text)
	if err != nil {
		return nil, false, refuse(http.StatusBadRequest, "MalformedJSON", "The request body submitted was malformed JSON and could not be parsed by the receiving service.")
	}
	return b, false, nil
}

// post is a login, a new member of a collection, or an action.
func (b *BMC) post(c *call) reply {
	collection := strings.TrimSuffix(c.uri, "/Members")
	switch {
	case collection == b.services.sessions && collection != "":
		return b.login(c)
	case collection == b.services.accounts && collection != "":
		return b.createAccount(c)
	case collection == b.services.subscriptions && collection != "":
		return b.subscribe(c)
	}
	if a, ok := b.actions[c.uri]; ok {
		return b.act(c, a)
	}
	return b.notAllowed(c)
}

// act does an action.
func (b *BMC) act(c *call, a action) reply {
	switch a.name {
	case "#ComputerSystem.Reset":
		return b.reset(c, a)
	case "#Manager.Reset":
		return b.resetManager(c, a)
	case "#VirtualMedia.InsertMedia":
		return b.insert(c, a)
	case "#VirtualMedia.EjectMedia":
		return b.eject(c, a)
	case "#UpdateService.SimpleUpdate":
		return b.simpleUpdate(c, a)
	case "#LogService.ClearLog":
		return b.clearLog(c, a)
	case "#EventService.SubmitTestEvent":
		return b.testEvent(c)
	case "#SecureBoot.ResetKeys", "#SecureBootDatabase.ResetKeys":
		return b.resetKeys(c, a)
	case "#CertificateService.GenerateCSR":
		return b.generateCSR(c, a)
	case "#CertificateService.ReplaceCertificate":
		return b.replaceCertificate(c, a)
	case "#Bios.ResetBios":
		return b.resetBios(c, a)
	}
	return refuse(http.StatusNotImplemented, "ActionNotSupported", "The action '%s' is not supported by the resource.", a.name).reply()
}

func (b *BMC) delete(c *call) reply {
	parent, _, _ := cutLast(c.uri)
	switch {
	case b.get(c.uri) == nil:
		return missing(c.uri).reply()
	case parent == b.services.sessions && parent != "":
		return b.logout(c)
	case parent == b.services.accounts && parent != "":
		return b.deleteAccount(c)
	case parent == b.services.subscriptions && parent != "", typeOf(b.get(c.uri)) == "Task":
		b.remove(c.uri)
		return none()
	}
	return b.notAllowed(c)
}

// notAllowed is 404 where nothing is, else 405 with what would work (RFC 9110 15.5.6).
func (b *BMC) notAllowed(c *call) reply {
	var allow []string
	if b.get(c.uri) != nil {
		allow = []string{"GET", "HEAD"}
		if _, ok := writable(typeOf(b.get(c.uri))); ok {
			allow = append(allow, "PATCH")
		}
	}
	if _, ok := b.actions[c.uri]; ok || slices.Contains([]string{b.services.sessions, b.services.accounts, b.services.subscriptions}, c.uri) && c.uri != "" {
		allow = append(allow, "POST")
	}
	if allow == nil {
		return missing(c.uri).reply()
	}
	p := refuse(http.StatusMethodNotAllowed, "OperationNotAllowed", "The HTTP method is not allowed on this resource.")
	p.header = [2]string{"Allow", strings.Join(allow, ", ")}
	return p.reply()
}

func cutLast(uri string) (parent, last string, ok bool) {
	i := strings.LastIndexByte(uri, '/')
	if i < 0 {
		return "", uri, false
	}
	return uri[:i], uri[i+1:], true
}
