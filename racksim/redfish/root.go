package redfish

import (
	"net/http"
)

// routeRoot serves the service root and the documents clients find it by.
func (s *Service) routeRoot() {
	s.mux.HandleFunc("GET /redfish", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, body{"v1": "/redfish/v1/"})
	})
	s.get("/redfish/v1", func() body {
		b := resource("/redfish/v1", "ServiceRoot.v1_16_1.ServiceRoot", "Root Service")
		b["@odata.id"], b["Id"] = "/redfish/v1/", "RootService"
		b["RedfishVersion"], b["UUID"] = "1.20.0", s.managerUUID()
		b["Vendor"], b["Product"] = s.Machine.Vendor, "racksim BMC"
		b["ProtocolFeaturesSupported"] = body{
			"ExpandQuery": body{"ExpandAll": false, "Levels": false, "Links": false, "NoLinks": false},
			"FilterQuery": false, "SelectQuery": false, "OnlyMemberQuery": false, "ExcerptQuery": false,
		}
		for _, name := range []string{"Systems", "Chassis", "Managers", "SessionService", "AccountService", "EventService", "UpdateService", "CertificateService", "Registries"} {
			b[name] = link("/redfish/v1/" + name)
		}
		b["Tasks"] = link("/redfish/v1/TaskService")
		b["ServiceIdentification"] = s.Machine.Name
		b["Links"] = body{"Sessions": link(sessionsPath)}
		return b
	})
	s.mux.HandleFunc("GET /redfish/v1/odata", func(w http.ResponseWriter, _ *http.Request) {
		var services []body
		for _, name := range []string{"Systems", "Chassis", "Managers", "SessionService", "AccountService", "UpdateService"} {
			services = append(services, body{"name": name, "kind": "Singleton", "url": "/redfish/v1/" + name})
		}
		writeJSON(w, http.StatusOK, body{"@odata.context": "/redfish/v1/$metadata", "value": services})
	})
	s.mux.HandleFunc("GET /redfish/v1/$metadata", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/xml;charset=utf-8")
		_, _ = w.Write([]byte(metadata))
	})
}

// metadata refers to the published schemas (DSP0266 8.4.1); none is served from here.
const metadata = `<?xml version="1.0" encoding="UTF-8"?>
<edmx:Edmx xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx" Version="4.0">
  <edmx:Reference Uri="http://redfish.dmtf.org/schemas/v1/ServiceRoot_v1.xml">
    <edmx:Include Namespace="ServiceRoot"/>
    <edmx:Include Namespace="ServiceRoot.v1_16_1"/>
  </edmx:Reference>
  <edmx:DataServices>
    <Schema xmlns="http://docs.oasis-open.org/odata/ns/edm" Namespace="Service">
      <EntityContainer Name="Service" Extends="ServiceRoot.v1_16_1.ServiceContainer"/>
    </Schema>
  </edmx:DataServices>
</edmx:Edmx>
`
