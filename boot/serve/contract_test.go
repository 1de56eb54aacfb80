package serve

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"

	"rackwright/boot"
	"rackwright/dhcp"
	"rackwright/dhcp/v6"
	"rackwright/fault"
	"rackwright/integration/porttest"
	"rackwright/inventory"
	"rackwright/journal"
	"rackwright/tftp"
	tftplisten "rackwright/tftp/listen"
)

// The machines of a house; each has a port on every network, the network's number being the
// fifth byte of its MAC.
const (
	rests  = 1 // boots its own disk
	works  = 2 // an operation wants it, with the agent
	loads  = 3 // likewise, with a system of its own
	waits  = 4 // likewise, while the database is away
	nobody = 9 // in no plan
)

// house is a server's boot parts, real ones, on the addresses of the loopback, which are
// those of four networks.
type house struct {
	t      *testing.T
	view   *boot.View
	lender *dhcp.MemoryLender
	http   uint16
	tftp   uint16

	mu     sync.Mutex
	begun  map[string]*boot.Host
	events []journal.Event
}

func (h *house) Record(e journal.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.events = append(h.events, e)
}

func (h *house) Begin(_ context.Context, host *boot.Host) (string, error) {
	if strings.HasSuffix(host.Name, "waits") {
		return "", fault.Unreachablef("the database is away")
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	nonce := "nonce" + strings.ReplaceAll(host.MAC.String(), ":", "")
	h.begun[nonce] = host
	return nonce, nil
}

func (h *house) Check(_ context.Context, nonce string) (*boot.Host, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if host := h.begun[nonce]; host != nil {
		return host, nil
	}
	return nil, fault.Deniedf("the boot nonce is unknown")
}

func (h *house) Script(_ context.Context, s boot.Sighting) (*boot.Host, error) {
	return Passing{View: func() *boot.View { return h.view }}.Script(h.t.Context(), s)
}

// loft has a system for the machine that loads one.
type loft struct{ file string }

func (l loft) System(_ context.Context, host *boot.Host, _ string) (*boot.System, bool, error) {
	if host.Operation != "loads" {
		return nil, false, nil
	}
	return &boot.System{Name: "live", Kernel: "kernel", Initrds: []string{"initrd", "initrd.firmware"}, Args: "quiet"}, false, nil
}

func (l loft) Part(_ context.Context, operation, name string) (*os.File, error) {
	if operation != "loads" || name != "kernel" && name != "initrd" && name != "initrd.firmware" {
		return nil, fault.NotFoundf("no such part")
	}
	return os.Open(l.file)
}

func (loft) Sent(context.Context, string, string) error { return nil }

func machineMAC(network, machine byte) inventory.MAC {
	return inventory.MAC{0x52, 0x54, 0, 0, network, machine}
}

func addressOn(network, last byte) netip.Addr { return netip.AddrFrom4([4]byte{127, 9, network, last}) }

func contractView() *boot.View {
	var networks []*inventory.Network
	var hosts []*boot.Host
	for i, mode := range []inventory.DHCPMode{inventory.DHCPAuthoritative, inventory.DHCPReservations, inventory.DHCPProxy, inventory.DHCPOff} {
		k := byte(i)
		n := &inventory.Network{ID: string(mode), Name: string(mode), Prefix: netip.PrefixFrom(addressOn(k, 0), 24), DHCP: mode, Strangers: inventory.StrangerDiscover, LeaseSeconds: 600}
		if mode.Addresses() {
			n.Pool = inventory.Pool{First: addressOn(k, 100), Last: addressOn(k, 120)}
		}
		if i == 0 {
			n.Prefix6, n.DHCP6 = netip.MustParsePrefix("::/64"), inventory.DHCP6Reservations
		}
		networks = append(networks, n)
		for machine, name := range map[byte]string{rests: "rests", works: "works", loads: "loads", waits: "waits"} {
			h := &boot.Host{Machine: n.Name + name, Name: n.Name + "-" + name, MAC: machineMAC(k, machine), Network: n.Name, Operation: name, Intent: boot.RunAgent}
			if machine == rests {
				h.Operation, h.Intent = "", boot.LocalDisk
			}
			if mode.Addresses() {
				h.Address = addressOn(k, 10+machine)
			}
			hosts = append(hosts, h)
		}
	}
	return boot.NewView(1, networks, hosts)
}

func newHouse(t *testing.T) *house {
	h := &house{t: t, view: contractView(), begun: map[string]*boot.Host{}}
	view := func() *boot.View { return h.view }
	h.lender = dhcp.NewMemoryLender(time.Now, time.Hour, func(a netip.Addr) bool { return h.view.HostAt(a) != nil })
	dir := t.TempDir()
	for _, name := range []string{"amd64/vmlinuz", "amd64/initrd", "arm64/vmlinuz", "arm64/initrd", "part"} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte("bytes of "+name), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	log := slog.New(slog.DiscardHandler)
	s := &Server{View: view, Loaders: boot.NewLoaders(), Boots: h, Strangers: h, Leases: h.lender, Systems: loft{filepath.Join(dir, "part")}, Journal: h, Log: log, Now: time.Now,
		Ramdisks: dir, AgentPort: 8443, AgentPin: "ab12"}
	r := chi.NewRouter()
	s.Routes(r)
	l, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	srv := NewHTTP("", r, log)
	go srv.Serve(l)
	h.http = uint16(l.Addr().(*net.TCPAddr).Port)
	h.tftp = uint16(porttest.Free(t))
	over := &tftplisten.Server{View: view, Files: tftp.Shelf{Loaders: s.Loaders}, Rendered: OverTFTP{Server: s, Port: h.http}, Journal: h, Log: log, Now: time.Now, Port: h.tftp}
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() {
		if err := over.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { cancel(); srv.Close(); done.Wait() })
	<-over.Ready()
	return h
}

func archs() []boot.Arch {
	return []boot.Arch{boot.ArchBIOS, 6, boot.ArchX64, boot.ArchX64Other, boot.ArchARM64, boot.ArchX64HTTP, boot.ArchARM64HTTP, boot.ArchUnknown}
}

// Whatever DHCP advertises to whatever client on a network of whatever mode can be fetched, and
// so can all that what was fetched names, to the end.
func TestEverythingThatAnAnswerAdvertisesCanBeFetched(t *testing.T) {
	h := newHouse(t)
	fetched := map[string]int{}
	for k := range byte(4) {
		ours := []netip.Addr{addressOn(k, 1)}
		for _, machine := range []byte{rests, works, loads, waits, nobody} {
			for _, class := range []boot.Class{boot.NotNetboot, boot.PXE, boot.HTTP, boot.IPXE} {
				for _, arch := range archs() {
					for _, kind := range []string{"discover", "request", "inform", "proxy"} {
						q := dhcp.Question{MAC: machineMAC(k, machine), Kind: kind, Class: class, Arch: arch}
						if machine != rests {
							q.UUID = "01234567-89ab-cdef-0123-456789abcdef"
						}
						from := h.home(k, machine)
						if kind != "discover" {
							q.Wanted = from
						}
						e, err := dhcp.Explain(t.Context(), h.view, q, ours, netip.AddrFrom4([4]byte{255, 255, 255, 255}), dhcp.Settings{HTTPPort: h.http}, h.lender, time.Now())
						if err != nil {
							t.Fatal(err)
						}
						if e.Reply == nil {
							continue
						}
						c := client{h: h, from: from, what: h.view.Networks()[k].Name + " " + class.String() + " " + arch.String() + " " + kind, mac: q.MAC}
						what := c.advertised(e.Reply)
						if (what == "nothing") != (boot.Client{Class: class, Arch: arch}.Next("http://here", boot.BuiltIn, nil) == "") {
							t.Errorf("%s is told to load %s", c.what, what)
						}
						fetched[what]++
					}
				}
			}
		}
	}
	for _, what := range []string{"nothing", "undionly.kpxe by tftp", "ipxe.efi by tftp", "snp.efi by tftp", "ipxe.efi by http", "snp.efi by http", "local-disk", "agent", "system", "retry"} {
		if fetched[what] == 0 {
			t.Errorf("%s was advertised to nobody: %v", what, fetched)
		}
	}
}

// home is the address of a machine on a network: reserved, lent, or another server's.
func (h *house) home(k, machine byte) netip.Addr {
	if host := h.view.Host(machineMAC(k, machine)); host != nil && host.Address.IsValid() {
		return host.Address
	}
	n := h.view.Networks()[k]
	if !n.DHCP.Addresses() {
		return addressOn(k, 200+machine)
	}
	lease, err := dhcp.Ask{MAC: machineMAC(k, machine), Network: n}.Put(h.t.Context(), h.lender)
	if err != nil {
		h.t.Fatal(err)
	}
	return lease.Address
}

// advertised fetches what a reply names, wherever it names it.
func (c client) advertised(r *dhcpv4.DHCPv4) string {
	file := r.BootFileNameOption()
	if file != r.BootFileName {
		c.h.t.Errorf("%s: option 67 is %q, the header has %q", c.what, file, r.BootFileName)
	}
	if file == "" {
		return "nothing"
	}
	server, _ := netip.AddrFromSlice(r.ServerIPAddr.To4())
	if strings.HasPrefix(file, "http://") {
		return c.follow(file)
	}
	for _, said := range []string{r.TFTPServerName(), r.ServerIPAddr.String()} {
		if said != server.String() {
			c.h.t.Errorf("%s: servers %s and %s are named", c.what, said, server)
		}
	}
	c.loader(file, c.overTFTP(server, file))
	return file + " by tftp"
}

func TestEverythingThatADHCPv6AnswerAdvertisesCanBeFetched(t *testing.T) {
	h := newHouse(t)
	fetched := map[string]int{}
	for _, machine := range []byte{rests, works, loads, waits} {
		for _, class := range []boot.Class{boot.NotNetboot, boot.PXE, boot.HTTP, boot.IPXE} {
			for _, arch := range archs() {
				for _, kind := range []dhcpv6.MessageType{dhcpv6.MessageTypeSolicit, dhcpv6.MessageTypeInformationRequest} {
					mac := machineMAC(0, machine)
					m, reason := v6.Parse(solicitation(mac, kind, class, arch))
					if m == nil {
						t.Fatal(reason)
					}
					own := []netip.Addr{netip.IPv6Loopback()}
					ans := v6.Decide(h.view, v6.Inbound{Message: m, Addresses: own, Own: own, From: netip.MustParseAddrPort("[fe80::1]:546"), To: netip.MustParseAddr("ff02::1:2"), At: time.Now()}, v6.Settings{HTTPPort: h.http, Loaders: boot.NewLoaders()})
					c := client{h: h, from: netip.IPv6Loopback(), what: "DHCPv6 " + class.String() + " " + arch.String(), mac: mac}
					if ans.Reply == nil {
						t.Fatalf("%s: %s", c.what, ans.Rule)
					}
					read, err := dhcpv6.FromBytes(ans.Reply)
					if err != nil {
						t.Fatal(err)
					}
					switch file := read.(*dhcpv6.Message).Options.BootFileURL(); {
					case file == "":
						fetched["nothing"]++
					case strings.HasPrefix(file, "tftp://"):
						text := c.overTFTP(netip.IPv6Loopback(), strings.TrimPrefix(file, "tftp://[::1]/"))
						c.loader(file, text)
						if p := read.(*dhcpv6.Message).Options.BootFileParam(); len(p) != 1 || p[0] != strconv.Itoa((len(text)+511)/512) {
							t.Errorf("%s: %d bytes came, parameters %q", file, len(text), p)
						}
						fetched[file]++
					default:
						fetched[c.follow(file)]++
					}
				}
			}
		}
	}
	for _, what := range []string{"nothing", "tftp://[::1]/ipxe.efi", "tftp://[::1]/snp.efi", "ipxe.efi by http", "snp.efi by http", "local-disk", "agent", "system", "retry"} {
		if fetched[what] == 0 {
			t.Errorf("%s was advertised to nobody: %v", what, fetched)
		}
	}
}

func solicitation(mac inventory.MAC, kind dhcpv6.MessageType, class boot.Class, arch boot.Arch) []byte {
	m := &dhcpv6.Message{MessageType: kind}
	m.AddOption(dhcpv6.OptClientID(&dhcpv6.DUIDLL{HWType: iana.HWTypeEthernet, LinkLayerAddr: mac[:]}))
	if kind == dhcpv6.MessageTypeSolicit {
		m.AddOption(&dhcpv6.OptIANA{IaId: [4]byte{0, 0, 0, 1}})
	}
	m.AddOption(dhcpv6.OptRequestedOption(dhcpv6.OptionBootfileURL, dhcpv6.OptionBootfileParam))
	name := map[boot.Class]string{boot.PXE: "PXEClient", boot.HTTP: "HTTPClient", boot.IPXE: "PXEClient"}[class]
	if name != "" {
		m.AddOption(&dhcpv6.OptVendorClass{EnterpriseNumber: 343, Data: [][]byte{[]byte(name + ":Arch:00007:UNDI:003016")}})
	}
	if class == boot.IPXE {
		m.AddOption(&dhcpv6.OptUserClass{UserClasses: [][]byte{[]byte("iPXE")}})
	}
	if class != boot.NotNetboot && arch != boot.ArchUnknown {
		m.AddOption(dhcpv6.OptClientArchType(iana.Arch(arch)))
	}
	return m.ToBytes()
}

// Each loader that asks by TFTP for a file of its machine gets what it names too.
func TestEveryTongueNamesFilesThatCanBeFetched(t *testing.T) {
	h := newHouse(t)
	for k := range byte(2) {
		for _, machine := range []byte{rests, works, loads, waits} {
			mac := machineMAC(k, machine)
			dash := strings.ReplaceAll(mac.String(), ":", "-")
			c := client{h: h, from: h.home(k, machine), mac: mac}
			for _, name := range []string{"grub/grub.cfg-01-" + dash, "grub/grub.cfg", "pxelinux.cfg/01-" + dash, dash + "/boot.ipxe"} {
				c.what = name
				text := c.overTFTP(addressOn(k, 1), name)
				if n := c.names(addressOn(k, 1), text); n == 0 && machine != rests || n != 0 && machine == rests {
					t.Errorf("%s names %d files:\n%s", name, n, text)
				}
			}
			for _, tongue := range []string{"ipxe", "grub", "pxelinux"} {
				c.what = tongue
				c.names(addressOn(k, 1), c.overHTTP("http://"+netip.AddrPortFrom(addressOn(k, 1), h.http).String()+"/boot/script?mac="+mac.String()+"&format="+tongue, http.StatusOK))
			}
		}
	}
}
