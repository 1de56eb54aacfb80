package scripted

import (
	"context"
	"errors"
	"fmt"
	"io"
	nethttp "net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"rackwright/agent/wire"
	"rackwright/fault"
	"rackwright/racksim"
)

// system is what was installed on a disk: as much of it as its first boot needs. The
// machine's life owns it.
type system struct {
	instance, hostname string
	phone              *phoneHome // nil: it phones nobody, or did
	reports            string     // URL that its cloud-init tells how it goes; "": it tells nobody
	err                error      // of a seed that cannot be read
	operation          string     // that wrote it
}

// phoneHome is cloud-init's module of that name.
type phoneHome struct {
	URL   string   `yaml:"url"`
	Post  postList `yaml:"post"`
	Tries int      `yaml:"tries"`
}

// postList is a list of what to post, or the word "all".
type postList []string

// UnmarshalYAML takes both forms.
func (p *postList) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*p = postList{"hostname", "instance_id"}
		return nil
	}
	return n.Decode((*[]string)(p))
}

// wiped makes a disk one that nothing boots from.
func (m *Machine) wiped(i int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.disks, m.Machine.Disks[i].Name)
	m.emptied[i] = true
}

// install makes a disk bootable.
func (m *Machine) install(i int, s wire.Seed, order string) {
	installed := newSystem(s)
	installed.operation, _, _ = strings.Cut(order, "/")
	m.mu.Lock()
	defer m.mu.Unlock()
	m.disks[m.Machine.Disks[i].Name] = installed
}

func (m *Machine) onDisk(name string) *system {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.disks[name]
}

// runSystem is the machine with its own system up, until the power button is pressed.
func (m *Machine) runSystem(ctx context.Context, l *life, s *system) after {
	m.stage(ctx)
	m.say("%s login:", s.hostname)
	m.mu.Lock()
	m.listens = true
	m.mu.Unlock()
	if s.err != nil {
		m.say("cloud-init: the seed cannot be read: %v", s.err)
	}
	if s.phone != nil {
		for _, e := range bootTale() {
			s.tell(ctx, e[0], e[1])
		}
	}
	if m.Machine.Fault == racksim.FaultNoPhoneHome {
		m.say("cloud-init: waits for a command of the user that does not end")
	}
	if s.phone != nil && m.Machine.Fault != racksim.FaultNoPhoneHome {
		if err := s.call(ctx); err != nil {
			m.say("cloud-init: phone home: %v", err)
		} else {
			m.say("cloud-init: phoned home")
			s.phone = nil // once for an instance
		}
	}
	select {
	case <-l.pressed:
		return powerOff
	case <-ctx.Done():
		return restart
	}
}

// phoneTries bounds the seed's own number.
const phoneTries = 100

// call posts what the seed asks for until the server takes it.
func (s *system) call(ctx context.Context) error {
	form := url.Values{}
	for name, value := range map[string]string{"instance_id": s.instance, "hostname": s.hostname} {
		if slices.Contains(s.phone.Post, name) {
			form.Set(name, value)
		}
	}
	web := port{}.web(nil)
	defer web.CloseIdleConnections()
	var err error
	for try := 1; try <= min(max(s.phone.Tries, 1), phoneTries) && ctx.Err() == nil; try++ {
		if err = post(ctx, web, s.phone.URL, form); err == nil {
			return nil
		}
		backoff(ctx, try)
	}
	return errors.Join(err, ctx.Err())
}

func post(ctx context.Context, web *nethttp.Client, to string, form url.Values) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	request, err := nethttp.NewRequestWithContext(ctx, nethttp.MethodPost, to, strings.NewReader(form.Encode()))
	if err != nil {
		return errors.New("not a URL")
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := web.Do(request)
	if err != nil {
		return cause(err)
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 64<<10))
	if response.StatusCode >= 300 {
		return fmt.Errorf("the server answers %s", response.Status)
	}
	return nil
}

func hintOf(err error) string { return fault.HintOf(err) }
