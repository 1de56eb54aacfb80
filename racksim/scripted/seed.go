package scripted

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	nethttp "net/http"
	"regexp"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"rackwright/agent/wire"
)

// cloudConfig is what cloud-init would do of our own vendor-data.
type cloudConfig struct {
	Phone     *phoneHome `yaml:"phone_home"`
	Reporting map[string]struct {
		Type     string `yaml:"type"`
		Endpoint string `yaml:"endpoint"`
	} `yaml:"reporting"`
}

// newSystem reads a seed as the system would that it is for: cloud-init from NoCloud or a
// config drive, Ignition from a file in the image.
func newSystem(s wire.Seed) *system {
	switch {
	case s.Label == "config-2":
		return ofConfigDrive(s)
	case len(s.Placed) > 0:
		return ofIgnition(s.Placed[0].Content)
	}
	var meta struct {
		ID   string `yaml:"instance-id"`
		Host string `yaml:"local-hostname"`
	}
	err := yaml.Unmarshal([]byte(s.File("meta-data")), &meta)
	return ofCloudInit(meta.ID, meta.Host, s.File("vendor-data"), err)
}

func ofConfigDrive(s wire.Seed) *system {
	const folder = "openstack/latest/"
	var meta struct{ UUID, Hostname string }
	var vendor struct {
		Config string `json:"cloud-init"`
	}
	err := json.Unmarshal([]byte(s.File(folder+"meta_data.json")), &meta)
	if err == nil {
		err = json.Unmarshal([]byte(s.File(folder+"vendor_data.json")), &vendor)
	}
	return ofCloudInit(meta.UUID, meta.Hostname, vendor.Config, err)
}

func ofCloudInit(instance, host, vendor string, err error) *system {
	out := &system{instance: instance, hostname: host, err: err}
	var config cloudConfig
	if err == nil && strings.HasPrefix(vendor, "#cloud-config") {
		out.err = yaml.Unmarshal([]byte(vendor), &config)
	}
	out.phone = config.Phone
	for _, r := range config.Reporting {
		if r.Type == "webhook" {
			out.reports = r.Endpoint
		}
	}
	return out
}

// The commands of the unit that phones home.
var (
	unitURL  = regexp.MustCompile(`"(http[^"]+)"`)
	unitData = regexp.MustCompile(`instance_id=([^"]*)"`)
)

// ofIgnition reads the host name and the unit that phones home.
func ofIgnition(text string) *system {
	var config struct {
		Storage struct {
			Files []struct {
				Path     string
				Contents struct{ Source string }
			}
		}
		Systemd struct {
			Units []struct{ Name, Contents string }
		}
	}
	out := &system{err: json.Unmarshal([]byte(text), &config)}
	for _, f := range config.Storage.Files {
		if data, ok := strings.CutPrefix(f.Contents.Source, "data:;base64,"); ok && f.Path == "/etc/hostname" {
			name, _ := base64.StdEncoding.DecodeString(data)
			out.hostname = strings.TrimSpace(string(name))
		}
	}
	for _, u := range config.Systemd.Units {
		if at := unitURL.FindStringSubmatch(u.Contents); at != nil {
			out.phone = &phoneHome{URL: strings.ReplaceAll(at[1], "%%", "%"), Post: postList{"hostname", "instance_id"}, Tries: phoneTries}
		}
		if id := unitData.FindStringSubmatch(u.Contents); id != nil {
			out.instance = id[1]
		}
	}
	return out
}

// bootTale is what cloud-init reports of a first boot up to the module that phones home.
func bootTale() [][2]string {
	return [][2]string{{"init-network", "start"}, {"init-network/config-ssh", "finish"}, {"init-network", "finish"},
		{"modules-config", "start"}, {"modules-config/config-runcmd", "start"}}
}

// tell posts a report of cloud-init's webhook, which goes on when it is not answered.
func (s *system) tell(ctx context.Context, name, kind string) {
	if s.reports == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	text, _ := json.Marshal(map[string]any{"name": name, "event_type": kind, "result": "SUCCESS", "description": "running " + name, "origin": "cloudinit"})
	request, err := nethttp.NewRequestWithContext(ctx, nethttp.MethodPost, s.reports, bytes.NewReader(text))
	if err != nil {
		return
	}
	web := port{}.web(nil)
	defer web.CloseIdleConnections()
	if response, err := web.Do(request); err == nil {
		response.Body.Close()
	}
}
