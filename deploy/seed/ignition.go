package seed

import (
	"encoding/base64"
	"encoding/json"
	"strings"

	"rackwright/agent/wire"
	"rackwright/deploy"
	judge "rackwright/deploy/ignition"
	"rackwright/deploy/network"
	"rackwright/fault"
)

// brandVar is the order's value that says whose Ignition it is.
const brandVar = "ignition"

// place is where a brand of system looks for its configuration, and how its network is told.
type place struct{ label, path, network string }

func places() map[string]place {
	return map[string]place{
		"coreos":  {"boot", "ignition/config.ign", "networkmanager"},
		"flatcar": {"OEM", "config.ign", "networkd"},
	}
}

// brand is the order's own word, else what the image's name says.
func brand(o deploy.Order) (string, error) {
	name := o.Vars[brandVar]
	if name == "" {
		name = "coreos"
		if strings.Contains(strings.ToLower(o.Image), "flatcar") {
			name = "flatcar"
		}
	}
	if _, ok := places()[name]; !ok {
		return "", fault.Invalidf("%s %q is none that is known", brandVar, name).WithHint("say %s=coreos or %s=flatcar", brandVar, brandVar)
	}
	return name, nil
}

// oldest is the version of what we write: nothing of it is newer, so that every system
// that reads version 3 reads it.
const oldest = "3.0.0"

// userVersion is the version of the user's configuration, which must be sound.
func userVersion(text string) (string, error) {
	if strings.TrimSpace(text) == "" {
		return oldest, nil
	}
	if err := judge.Check("the user-data", text); err != nil {
		return "", err
	}
	var head struct{ Ignition struct{ Version string } }
	if err := json.Unmarshal([]byte(text), &head); err != nil {
		return "", fault.Invalidf("the user-data is no Ignition configuration: %w", err)
	}
	return head.Ignition.Version, nil
}

// ignition is our configuration with the user's merged over it by Ignition itself, which
// knows how (specification 3.0, ignition.config.merge): so the user's may be of any
// version that the image reads.
func ignition(s Subject, links []network.Link) (wire.Seed, error) {
	version, err := userVersion(s.Order.UserData)
	if err != nil {
		return wire.Seed{}, err
	}
	name, err := brand(s.Order)
	if err != nil {
		return wire.Seed{}, err
	}
	at := places()[name]
	head := map[string]any{"version": version}
	if s.Order.UserData != "" {
		head["config"] = map[string]any{"merge": []any{map[string]any{"source": dataURL(s.Order.UserData)}}}
	}
	out := map[string]any{"ignition": head, "storage": map[string]any{"files": files(s, links, at.network)},
		"systemd": map[string]any{"units": []any{map[string]any{"name": "rackwright-phone-home.service", "enabled": true, "contents": unit(s)}}}}
	if len(s.Order.SSHKeys) > 0 {
		out["passwd"] = map[string]any{"users": []any{map[string]any{"name": "core", "sshAuthorizedKeys": s.Order.SSHKeys}}}
	}
	text := render(out)
	if err := judge.Check("what we made", text); err != nil {
		return wire.Seed{}, fault.Internalf("%w", err)
	}
	return wire.Seed{Placed: []wire.PlacedFile{{Label: at.label, Path: at.path, Content: text}}}, nil
}

// files are the host name, the network and, where the network does not name them, the time
// servers: CoreOS asks chrony.
func files(s Subject, links []network.Link, reader string) []any {
	list := []any{file("/etc/hostname", s.Machine.Name+"\n", 0o644)}
	folder, units, mode := "/etc/systemd/network/", network.Networkd(links), 0o644
	if reader == "networkmanager" {
		folder, units, mode = "/etc/NetworkManager/system-connections/", network.Keyfiles(links), 0o600
	}
	if servers := network.TimeServers(links); reader == "networkmanager" && len(servers) > 0 {
		list = append(list, file("/etc/chrony.conf", network.Chrony(servers), 0o644))
	}
	for _, u := range units {
		list = append(list, file(folder+u.Name, u.Content, mode))
	}
	return list
}

func file(path, content string, mode int) any {
	return map[string]any{"path": path, "overwrite": true, "mode": mode, "contents": map[string]any{"source": dataURL(content)}}
}

// dataURL is a text as a URL (RFC 2397).
func dataURL(text string) string {
	return "data:;base64," + base64.StdEncoding.EncodeToString([]byte(text))
}

// unit phones home once, as soon as the network is up, until it is answered. A percent
// sign begins a specifier in a unit, see systemd.unit(5).
func unit(s Subject) string {
	plain := strings.NewReplacer("%", "%%", "$", "$$", `"`, "").Replace
	return `[Unit]
Description=Tell the provisioning service that this system runs
Wants=network-online.target
After=network-online.target
ConditionPathExists=!/var/lib/rackwright-phoned-home

[Service]
Type=oneshot
ExecStart=/usr/bin/curl --fail --silent --show-error --max-time 30 --data-urlencode "hostname=%H" --data-urlencode "instance_id=` + plain(s.ID) + `" "` + plain(s.PhoneHome) + `"
ExecStartPost=/usr/bin/touch /var/lib/rackwright-phoned-home
Restart=on-failure
RestartSec=10

[Install]
WantedBy=multi-user.target
`
}
