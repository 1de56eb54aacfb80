package redfish

import (
	"net/http"
	"strconv"
	"strings"
)

const registriesPath = "/redfish/v1/Registries"

// routeRegistries serves the messages this service uses, and says where that of the BIOS
// attributes is.
func (s *Service) routeRegistries() {
	files := map[string]string{
		"Base": registriesPath + "/Base/Base.json", "Racksim": registriesPath + "/Racksim/Racksim.json",
		biosRegistry: registriesPath + "/" + biosRegistry + "/registry.json",
	}
	s.collection(registriesPath, "MessageRegistryFileCollection", "Registries", func() []body {
		var all []body
		for _, r := range [][2]string{{"Base", registry}, {"Racksim", ownRegistry}, {biosRegistry, biosRegistry}} {
			b := resource(registriesPath+"/"+r[0], "MessageRegistryFile.v1_1_4.MessageRegistryFile", r[0]+" Registry File")
			b["Registry"], b["Languages"] = r[1], []string{"en"}
			b["Location"] = []body{{"Language": "en", "Uri": files[r[0]]}}
			all = append(all, b)
		}
		return all
	})
	s.mux.HandleFunc("GET "+files["Base"], func(w http.ResponseWriter, r *http.Request) {
		b := messageRegistry("Base", "1.18.0", "DMTF", notices())
		writeResource(w, r, b)
	})
	s.mux.HandleFunc("GET "+files["Racksim"], func(w http.ResponseWriter, r *http.Request) {
		writeResource(w, r, messageRegistry("Racksim", "1.0.0", "racksim", happenings()))
	})
}

func messageRegistry(prefix, version, owner string, all []notice) body {
	messages := body{}
	for _, n := range all {
		types, text := []string{}, n.text
		for i := range n.args {
			types = append(types, "string")
			text = strings.Replace(text, "%s", "%"+strconv.Itoa(i+1), 1)
		}
		messages[n.key] = body{
			"Description": text, "Message": text, "MessageSeverity": n.severity, "Severity": n.severity,
			"NumberOfArgs": n.args, "ParamTypes": types, "Resolution": n.resolution,
		}
	}
	return body{
		"@odata.type": "#MessageRegistry.v1_6_3.MessageRegistry", "Id": prefix + "." + version, "Name": prefix + " Message Registry",
		"Language": "en", "RegistryPrefix": prefix, "RegistryVersion": version, "OwningEntity": owner, "Messages": messages,
	}
}
