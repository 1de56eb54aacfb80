package redfish

import (
	"net/http"
	"slices"
	"strconv"
)

const (
	securePath    = systemPath + "/SecureBoot"
	databasesPath = securePath + "/SecureBootDatabases"
	resetKeysPath = "/Actions/SecureBoot.ResetKeys"
)

// secure is how UEFI Secure Boot stands. It is told, not simulated: firmware that has it has it always.
type secure struct {
	On      bool           `json:"on"`
	Running bool           `json:"running"`
	Keys    map[string]int `json:"keys,omitempty"` // certificates by database; nil: those it was shipped with
}

// databases in the order they are listed.
func databases() []string { return []string{"PK", "KEK", "db", "dbx"} }

// shippedKeys are the certificates that the vendor ships, by database.
func shippedKeys() map[string]int { return map[string]int{"PK": 1, "KEK": 2, "db": 2, "dbx": 0} }

func (c secure) count(database string) int {
	if c.Keys == nil {
		return shippedKeys()[database]
	}
	return c.Keys[database]
}

func (s *Service) secure() (c secure) {
	if s.Machine.Secure {
		return secure{On: true, Running: true}
	}
	s.memory.look(func(k *kept) { c = k.Secure })
	return c
}

// applySecureBoot is a start of the firmware: without a platform key nothing is checked
// (UEFI 2.10, 32.3).
func (s *Service) applySecureBoot() {
	if c := s.secure(); !s.Machine.Secure && c.Running != (c.On && c.count("PK") > 0) {
		s.memory.change(func(k *kept) { k.Secure.Running = !c.Running })
		s.note(s.sel, securePath, hapSettings, "SecureBoot")
	}
}

// routeSecureBoot serves it on machines with UEFI.
func (s *Service) routeSecureBoot() {
	s.get(securePath, s.secureBody)
	s.patch(securePath, configureComponents, s.secureBody, s.changeSecureBoot)
	types := []string{"ResetAllKeysToDefault", "DeleteAllKeys"}
	s.action(securePath+resetKeysPath, configureComponents, func(c *changes) *problem { return s.resetKeys(c, databases(), append(types, "DeletePK")) })
	s.collection(databasesPath, "SecureBootDatabaseCollection", "Secure Boot Databases", func() []body {
		var all []body
		for _, name := range databases() {
			path := databasesPath + "/" + name
			b := resource(path, "SecureBootDatabase.v1_0_2.SecureBootDatabase", name)
			b["DatabaseId"], b["Certificates"], b["Signatures"] = name, link(path+"/Certificates"), link(path+"/Signatures")
			b["Actions"] = body{"#SecureBootDatabase.ResetKeys": body{"target": path + "/Actions/SecureBootDatabase.ResetKeys",
				"ResetKeysType@Redfish.AllowableValues": types}}
			all = append(all, b)
		}
		return all
	})
	for _, name := range databases() {
		path := databasesPath + "/" + name
		s.collection(path+"/Certificates", "CertificateCollection", "Certificates", func() []body { return s.keyBodies(name) })
		s.collection(path+"/Signatures", "SignatureCollection", "Signatures", func() []body { return nil })
		s.action(path+"/Actions/SecureBootDatabase.ResetKeys", configureComponents, func(c *changes) *problem {
			return s.resetKeys(c, []string{name}, types)
		})
	}
}

func (s *Service) secureBody() body {
	c := s.secure()
	b := resource(securePath, "SecureBoot.v1_1_2.SecureBoot", "Secure Boot")
	b["SecureBootEnable"], b["SecureBootCurrentBoot"], b["SecureBootMode"] = c.On, "Disabled", "UserMode"
	if c.Running {
		b["SecureBootCurrentBoot"] = "Enabled"
	}
	if c.count("PK") == 0 {
		b["SecureBootMode"] = "SetupMode"
	}
	b["SecureBootDatabases"] = link(databasesPath)
	b["Actions"] = body{"#SecureBoot.ResetKeys": body{"target": securePath + resetKeysPath,
		"ResetKeysType@Redfish.AllowableValues": []string{"ResetAllKeysToDefault", "DeleteAllKeys", "DeletePK"}}}
	return b
}

func (s *Service) changeSecureBoot(c *changes) *problem {
	on, given := c.flag("SecureBootEnable")
	if p := c.done(); p != nil || !given {
		return p
	}
	s.memory.change(func(k *kept) { k.Secure.On = on })
	return nil
}

// resetKeys changes the databases at once; what the machine checks changes with its reset.
func (s *Service) resetKeys(c *changes, of, types []string) *problem {
	kind, given := c.text("ResetKeysType")
	if p := c.done(); p != nil {
		return p
	}
	switch {
	case !given:
		return refuse(http.StatusBadRequest, msgParameterMissing, "ResetKeys", "ResetKeysType")
	case !slices.Contains(types, kind):
		return refuse(http.StatusBadRequest, msgParameterNotInList, kind, "ResetKeysType", "ResetKeys")
	case kind == "DeletePK":
		of = []string{"PK"}
	}
	s.memory.change(func(k *kept) {
		keys := map[string]int{}
		for _, name := range databases() {
			keys[name] = k.Secure.count(name)
		}
		for _, name := range of {
			keys[name] = 0
			if kind == "ResetAllKeysToDefault" {
				keys[name] = shippedKeys()[name]
			}
		}
		k.Secure.Keys = keys
	})
	return nil
}

func (s *Service) keyBodies(database string) []body {
	var all []body
	for i := range s.secure().count(database) {
		id := strconv.Itoa(i + 1)
		b := resource(databasesPath+"/"+database+"/Certificates/"+id, "Certificate.v1_8_2.Certificate", "Key "+id)
		b["Subject"] = body{"CommonName": "racksim " + database + " " + id}
		b["Issuer"] = b["Subject"]
		all = append(all, b)
	}
	return all
}
