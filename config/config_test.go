package config

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"

	"rackwright/fault"
)

func TestTheReferenceHoldsEveryKeyWithItsDefault(t *testing.T) {
	got, err := Parse([]byte(Reference()))
	want := defaults("/var/lib/rackwright")
	want.fillPaths()
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v\n%v\nwant\n%v", err, got, want)
	}
	var doc map[string]any
	if err := toml.Unmarshal([]byte(Reference()), &doc); err != nil {
		t.Fatal(err)
	}
	for key := range keys() {
		at, ok := any(doc), true
		for part := range strings.SplitSeq(key, ".") {
			if at, ok = at.(map[string]any)[part]; !ok {
				t.Errorf("the reference lacks %s", key)
				break
			}
		}
	}
}

func TestAnEmptyFileIsTheDefault(t *testing.T) {
	got, err := Parse(nil)
	if err != nil || !reflect.DeepEqual(got, Default()) {
		t.Errorf("got %v, %v", got, err)
	}
	if got.SealKeyFile != filepath.Join(got.StateDir, "seal.key") || got.Images.Dir == "" || got.Boot.RamdiskDir == "" {
		t.Errorf("paths are not filled in: %v", got)
	}
}

func TestStateDirectoryFollowsTheUser(t *testing.T) {
	env := func(pairs ...string) func(string) string {
		return func(k string) string {
			if i := slices.Index(pairs, k); i >= 0 {
				return pairs[i+1]
			}
			return ""
		}
	}
	for _, c := range []struct {
		uid  int
		env  func(string) string
		want string
	}{
		{0, env("HOME", "/root"), "/var/lib/rackwright"},
		{1000, env("XDG_STATE_HOME", "/s", "HOME", "/home/a"), "/s/rackwright"},
		{1000, env("XDG_STATE_HOME", "relative", "HOME", "/home/a"), "/home/a/.local/state/rackwright"},
		{1000, env(), "/var/lib/rackwright"},
	} {
		if got := stateDir(c.uid, c.env); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}

func TestWhatIsWrongIsNamedWithItsLine(t *testing.T) {
	for _, c := range []struct{ text, path, want string }{
		{"[api]\nlisen = \"x\"", "api.lisen", "line 2: unknown key; did you mean api.listen?"},
		{"[htpp]\nlisten = \":1\"", "htpp", "line 1: unknown key; did you mean http?"},
		{"kernel_args = \"quiet\"", "kernel_args", "line 1: unknown key; did you mean boot.kernel_args?"},
		{"\n\nfrobnicate = 1", "frobnicate", "line 3: unknown key"},
		{"[api]\nenabled = \"yes\"", "api.enabled", "line 2: must be true or false"},
		{"[worker]\nconcurrency = 1.5", "worker.concurrency", "line 2: must be a whole number"},
		{"public_host = 1", "public_host", "line 1: must be text in double quotes"},
		{"[dhcp]\ninterfaces = \"eth0\"", "dhcp.interfaces", "line 2: must be a list"},
		{"api = 3", "api", "is a table"},
		{"state_dir =", "syntax", "line 1"},
		{"state_dir = \"here\"", "state_dir", "line 1: must be an absolute path"},
		{"database = \"mysql://h/d\"", "database", "line 1: must be postgres://"},
		{"database_password_file = \"/p\"", "database_password_file", "is for PostgreSQL"},
		{"database_password_file = \"/p\"\ndatabase = \"postgres://u:pw@h/d\"", "database", "line 2: has a password"},
		{"public_host = \"http://x\"", "public_host", "without scheme"},
		{"[log]\nlevel = \"loud\"", "log.level", "line 2: must be debug"},
		{"[log]\nformat = \"xml\"", "log.format", "must be text or json"},
		{"[api]\nclient_ca = \"/c.pem\"", "api.client_ca", "needs TLS"},
		{"[[oidc.groups]]\ngroup = \"a\"", "oidc.groups", "no use"},
		{"[oidc]\nissuer = \"http://idp.example\"\nclient_id = \"x\"\n[[oidc.groups]]\ngroup = \"a\"\nrole = \"admin\"", "oidc.issuer", "must be https"},
		{"[oidc]\nissuer = \"https://idp.example\"\nclient_id = \"x\"\n[[oidc.groups]]\ngroup = \"a\"\nrole = \"king\"", "oidc.groups", "role must be"},
		{"[oidc]\nissuer = \"https://idp.example\"\nclient_id = \"x\"", "oidc.groups", "lets nobody in"},
		{"[api]\nlisten = \"8480\"", "api.listen", "must be host:port"},
		{"[api]\nlisten = \"unix:api.sock\"", "api.listen", "absolute path"},
		{"[api]\ntls_cert = \"/c.pem\"", "api.tls_cert", "belong together"},
		{"[tftp]\nlisten = \":99999\"", "tftp.listen", "must be host:port"},
		{"[agent]\nlisten = \":8080\"", "agent.listen", "same port as http.listen"},
		{"[http]\nlisten = \":8480\"", "http.listen", "same port as api.listen"},
		{"[dhcp]\ninterfaces = [\"a/b\"]", "dhcp.interfaces", "no interface name"},
		{"[dhcp]\ninterfaces = [\"eth0\", \"eth0\"]", "dhcp.interfaces", "twice"},
		{"[worker]\nconcurrency = 0", "worker.concurrency", "1 to 1000"},
		{"[boot]\nkernel_args = \"a\\nb\"", "boot.kernel_args", "one line"},
	} {
		_, err := Parse([]byte(c.text))
		e, ok := err.(*fault.Error)
		if !ok || e.Kind != fault.Invalid || e.Hint == "" || len(e.Fields) != 1 || e.Fields[0].Path != c.path || !strings.Contains(e.Fields[0].Message, c.want) {
			t.Errorf("%q: got %v", c.text, err)
		}
	}
}

func TestEverythingWrongIsNamedAtOnce(t *testing.T) {
	for text, n := range map[string]int{
		"a = 1\nb = 2\n[api]\nc = 3\n[zz]\nd = 4":                               4,
		"state_dir = \"x\"\n[log]\nlevel = \"x\"\n[worker]\nconcurrency = 9999": 3,
	} {
		_, err := Parse([]byte(text))
		if e, ok := err.(*fault.Error); !ok || len(e.Fields) != n {
			t.Errorf("%q: got %v", text, err)
		}
	}
}

func TestWhatWorksIsAccepted(t *testing.T) {
	for _, text := range []string{
		"[api]\nlisten = \"unix:/run/rackwright/api.sock\"",
		"[api]\nlisten = \"[::1]:8480\"",
		"[api]\nlisten = \":8480\"\nclient_ca = \"/c.pem\"",
		"[oidc]\nissuer = \"https://idp.example/realms/dc\"\nclient_id = \"rackwright\"\n[[oidc.groups]]\ngroup = \"dc\"\nrole = \"technician\"\nracks = [\"r1\"]",
		"[api]\nlisten = \"localhost:0\"",
		"[api]\nlisten = \":443\"\ntls_cert = \"/c\"\ntls_key = \"/k\"",
		"[api]\nenabled = false\nlisten = \":8080\"",
		"database = \"postgres://u@h:5432/d?sslmode=disable\"\npublic_host = \"boot.example.net\"",
	} {
		if _, err := Parse([]byte(text)); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestAPasswordIsNeverPrinted(t *testing.T) {
	for _, dsn := range []string{
		"postgres://u:hunter2@h/d", "postgres://u@h/d?password=hunter2", "postgres://u:hunter2@h:bad/d", "mysql://u:hunter2@h/d", "host=h password=hunter2",
	} {
		c := Default()
		c.Database = Database(dsn)
		var log strings.Builder
		slog.New(slog.NewTextHandler(&log, nil)).Info("start", "config", c, "database", c.Database)
		slog.New(slog.NewJSONHandler(&log, nil)).Info("start", "config", c, "database", c.Database)
		j, _ := json.Marshal(c)
		printed := fmt.Sprintf("%v %+v %#v %s %q %x %d", c, c, c, c, c, c.Database, c.Database) + c.String() + log.String() + string(j)
		_, err := Parse([]byte("bogus = 1\ndatabase = \"" + dsn + "\""))
		_, bad := Parse([]byte("database = " + dsn))
		_, rule := Parse([]byte("state_dir = \"x\"\ndatabase = \"" + dsn + "\""))
		printed += err.Error() + bad.Error() + rule.Error()
		if strings.Contains(printed, "hunter2") || strings.Contains(printed, "68756e74657232") {
			t.Errorf("%s: printed %s", dsn, printed)
		}
	}
}

func TestThePasswordComesFromItsFile(t *testing.T) {
	c := Default()
	if dsn, err := c.DSN(); err != nil || dsn != filepath.Join(c.StateDir, "rackwright.db") {
		t.Errorf("embedded: %s, %v", dsn, err)
	}
	c.Database, c.DatabasePasswordFile = "postgres://u@h/d", filepath.Join(t.TempDir(), "pw")
	if _, err := c.DSN(); !fault.Is(err, fault.Invalid) {
		t.Errorf("without the file: %v", err)
	}
	if err := os.WriteFile(c.DatabasePasswordFile, []byte("p@ss/word\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if dsn, err := c.DSN(); err != nil || dsn != "postgres://u:p%40ss%2Fword@h/d" {
		t.Errorf("%s, %v", dsn, err)
	}
}

func TestLoadNamesTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rackwright.toml")
	if _, err := Load(path); !fault.Is(err, fault.Invalid) || fault.HintOf(err) == "" {
		t.Errorf("missing file: %v", err)
	}
	if err := os.WriteFile(path, []byte("oops = 1"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); err == nil || !strings.HasPrefix(err.Error(), path+": ") {
		t.Errorf("got %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(Reference())
	f.Add("[api]\nlisten = 1\n[[api]]\nx.y = 2")
	f.Add("database = \"postgres://u:p@h/d\"\nstate_dir = \"/x\"")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Parse([]byte(text))
		if err != nil && !fault.Is(err, fault.Invalid) {
			t.Fatal(err)
		}
		_ = c.String()
	})
}
