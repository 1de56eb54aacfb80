package redfish

import (
	"crypto/x509"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"rackwright/racksim"
)

const (
	updatePath     = "/redfish/v1/UpdateService"
	inventoryPath  = updatePath + "/FirmwareInventory"
	simpleUpdate   = updatePath + "/Actions/UpdateService.SimpleUpdate"
	anchorsPath    = updatePath + "/RemoteServerCertificates"
	pushPath       = "/redfish/v1/UpdateService/update" // no resource, as the schema wants
	multipartPath  = "/redfish/v1/UpdateService/update-multipart"
	maxFirmware    = 4 << 30 // bytes of a firmware file
	applyNow       = "Immediate"
	applyOnReset   = "OnReset"
	applyTimeName  = "@Redfish.OperationApplyTime"
	maxTargets     = 16
	maxAnchors     = 8
	applyAllowable = "ApplyTime@Redfish.AllowableValues"
)

// updates is the state of the update service. Safe for concurrent use.
type updates struct {
	busy sync.Mutex // one file is fetched, pushed or examined at a time

	mu      sync.Mutex
	targets []string // HttpPushUriTargets
	apply   string   // of HttpPushUri
	claimed bool     // HttpPushUriTargetsBusy
	judges  bool     // VerifyRemoteServerCertificate
	anchors []*x509.Certificate
}

// trusted is what the certificate of a file server is judged by; nil: it is not.
func (u *updates) trusted() *x509.CertPool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if !u.judges {
		return nil
	}
	pool := x509.NewCertPool()
	for _, c := range u.anchors {
		pool.AddCert(c)
	}
	return pool
}

func (s *Service) routeUpdates() {
	s.patch(updatePath, configureComponents, s.updateService, s.changeUpdateService)
	s.mux.HandleFunc("GET "+updatePath, func(w http.ResponseWriter, r *http.Request) { writeResource(w, r, s.updateService()) })
	s.collection(inventoryPath, "SoftwareInventoryCollection", "Firmware Inventory", s.inventory)
	s.collection(anchorsPath, "CertificateCollection", "Remote Server Certificates", s.anchorBodies)
	s.mux.HandleFunc("POST "+anchorsPath, s.addAnchor)
	s.mux.HandleFunc("POST "+simpleUpdate, s.simpleUpdate)
	s.mux.HandleFunc("POST "+pushPath, s.pushRaw)
	s.mux.HandleFunc("POST "+multipartPath, s.pushMultipart)
}

func (s *Service) updateService() body {
	b := resource(updatePath, "UpdateService.v1_14_0.UpdateService", "Update Service")
	b["ServiceEnabled"], b["Status"], b["MaxImageSizeBytes"] = true, status(true), int64(maxFirmware)
	b["FirmwareInventory"], b["RemoteServerCertificates"] = link(inventoryPath), link(anchorsPath)
	b["HttpPushUri"], b["MultipartHttpPushUri"] = pushPath, multipartPath
	both := []string{applyNow, applyOnReset}
	b["Actions"] = body{"#UpdateService.SimpleUpdate": body{
		"target": simpleUpdate, "TransferProtocol@Redfish.AllowableValues": []string{"HTTP", "HTTPS"},
		"@Redfish.OperationApplyTimeSupport": body{"@odata.type": "#Settings.v1_3_5.OperationApplyTimeSupport", "SupportedValues": both},
	}}
	s.updates.mu.Lock()
	defer s.updates.mu.Unlock()
	b["HttpPushUriTargets"], b["HttpPushUriTargetsBusy"] = append([]string{}, s.updates.targets...), s.updates.claimed
	b["HttpPushUriOptions"] = body{"HttpPushUriApplyTime": body{"ApplyTime": s.updates.apply, applyAllowable: both}}
	b["VerifyRemoteServerCertificate"] = s.updates.judges
	return b
}

func (s *Service) changeUpdateService(c *changes) *problem {
	targets, hasTargets := c.list("HttpPushUriTargets")
	claimed, hasClaimed := c.flag("HttpPushUriTargetsBusy")
	judges, hasJudges := c.flag("VerifyRemoteServerCertificate")
	apply := ""
	if options, ok := c.object("HttpPushUriOptions"); ok {
		if at, ok := options.object("HttpPushUriApplyTime"); ok {
			apply, _ = at.text("ApplyTime")
			c.also(at)
		}
		c.also(options)
	}
	if p := c.done(); p != nil {
		return p
	}
	if apply != "" && apply != applyNow && apply != applyOnReset {
		return refuse(http.StatusBadRequest, msgNotInList, apply, "ApplyTime")
	}
	if p := s.checkTargets(targets); p != nil {
		return p
	}
	u := &s.updates
	u.mu.Lock()
	defer u.mu.Unlock()
	if hasTargets {
		u.targets = targets
	}
	if hasClaimed {
		u.claimed = claimed
	}
	if hasJudges {
		u.judges = judges
	}
	if apply != "" {
		u.apply = apply
	}
	return nil
}

// Keys of racksim.Machine.Versions with a meaning of their own.
const (
	biosKey = "bios"
	bmcKey  = "bmc"
)

// firmwareVersion is the BMC's own.
const firmwareVersion = "1.0.0"

// installed is what runs, by component: what updates brought, else the rack file's.
func (s *Service) installed() map[string]string {
	all := map[string]string{biosKey: firmwareName(s.Machine.Firmware), bmcKey: firmwareVersion}
	maps.Copy(all, s.Machine.Versions)
	s.memory.look(func(k *kept) {
		for component, version := range k.Versions {
			if _, known := all[component]; known {
				all[component] = version
			}
		}
	})
	return all
}

func (s *Service) biosVersion() string { return s.installed()[biosKey] }
func (s *Service) bmcVersion() string  { return s.installed()[bmcKey] }

// inventoryID is a component's Id in the firmware inventory.
func inventoryID(component string) string {
	if component == biosKey || component == bmcKey {
		return strings.ToUpper(component)
	}
	return component
}

func (s *Service) inventory() []body {
	all := s.installed()
	bodies := []body{
		firmware(bmcKey, "racksim BMC", all[bmcKey], managerPath),
		firmware(biosKey, "System firmware", all[biosKey], systemPath+"/Bios"),
	}
	for _, component := range slices.Sorted(maps.Keys(all)) {
		if component != biosKey && component != bmcKey {
			bodies = append(bodies, firmware(component, component, all[component], systemPath))
		}
	}
	return bodies
}

func firmware(component, name, version, item string) body {
	id := inventoryID(component)
	b := resource(inventoryPath+"/"+id, "SoftwareInventory.v1_10_1.SoftwareInventory", name)
	b["Version"], b["SoftwareId"], b["Updateable"], b["Status"] = version, id, true, status(true)
	b["RelatedItem"] = links(item)
	return b
}

// checkTargets wants members of the firmware inventory.
func (s *Service) checkTargets(targets []string) *problem {
	if len(targets) > maxTargets {
		return refuse(http.StatusBadRequest, msgLimit)
	}
	for _, t := range targets {
		if !slices.ContainsFunc(s.inventory(), func(b body) bool { return b["@odata.id"] == t }) {
			return refuse(http.StatusBadRequest, msgParameterNotInList, t, "Targets", "SimpleUpdate")
		}
	}
	return nil
}

// updateOrder is one update: a file, to be fetched or here already.
type updateOrder struct {
	from    source
	file    string // "" until it is here
	targets []string
	onReset bool
}

func (s *Service) simpleUpdate(w http.ResponseWriter, r *http.Request) {
	p := s.allowed(r, configureComponents)
	var o updateOrder
	if p == nil {
		o, p = s.readSimpleUpdate(r)
	}
	var t task
	if p == nil {
		t, p = s.begin(o)
	}
	if p != nil {
		p.write(w)
		return
	}
	accepted(w, t)
}

func (s *Service) readSimpleUpdate(r *http.Request) (o updateOrder, p *problem) {
	const action = "SimpleUpdate"
	sent, p := readObject(r)
	if p != nil {
		return o, p
	}
	c := &changes{sent: sent}
	uri, given := c.text("ImageURI")
	o.from = source{uri: uri, limit: maxFirmware, anchors: s.updates.trusted()}
	o.from.user, _ = c.text("Username")
	o.from.password, _ = c.text("Password")
	protocol, hasProtocol := c.text("TransferProtocol")
	if p := s.takeUpdate(c, &o, action); p != nil {
		return o, p
	}
	u, err := url.Parse(uri)
	switch {
	case !given:
		return o, refuse(http.StatusBadRequest, msgParameterMissing, action, "ImageURI")
	case hasProtocol && protocol != "HTTP" && protocol != "HTTPS":
		return o, refuse(http.StatusBadRequest, msgParameterNotInList, protocol, "TransferProtocol", action)
	case err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil:
		return o, refuse(http.StatusBadRequest, msgParameterNotInList, "(image URL)", "ImageURI", action)
	}
	return o, nil
}

// takeUpdate takes what a push and SimpleUpdate have in common, and ends the taking.
func (s *Service) takeUpdate(c *changes, o *updateOrder, action string) *problem {
	o.targets, _ = c.list("Targets")
	_, _ = c.flag("ForceUpdate") // every version is taken anyway
	when, hasWhen := c.text(applyTimeName)
	if p := c.done(); p != nil {
		return p
	}
	if hasWhen && when != applyNow && when != applyOnReset {
		return refuse(http.StatusBadRequest, msgParameterNotInList, when, applyTimeName, action)
	}
	o.onReset = when == applyOnReset
	return s.checkTargets(o.targets)
}

// wanted says which component a target is.
func wanted(targets []string, f racksim.Firmware) bool {
	return len(targets) == 0 || slices.Contains(targets, inventoryPath+"/"+inventoryID(f.Component))
}
