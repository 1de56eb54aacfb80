package redfish

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// routeServices serves what clients expect to find and this BMC has little of.
func (s *Service) routeServices() {
	none := func() []body { return nil }
	const update = "/redfish/v1/UpdateService"
	s.get(update, func() body {
		b := resource(update, "UpdateService.v1_14_0.UpdateService", "Update Service")
		b["ServiceEnabled"], b["Status"] = false, status(false) // inventory only
		b["FirmwareInventory"] = link(update + "/FirmwareInventory")
		b["Actions"] = body{"Oem": body{}}
		return b
	})
	s.collection(update+"/FirmwareInventory", "SoftwareInventoryCollection", "Firmware Inventory", func() []body {
		all := []body{
			firmware(update, "BMC", "racksim BMC", s.bmcVersion(), managerPath),
			firmware(update, "BIOS", "System firmware", s.biosVersion(), systemPath+"/Bios"),
		}
		for _, id := range slices.Sorted(maps.Keys(s.Machine.Versions)) {
			if id != biosKey && id != bmcKey {
				all = append(all, firmware(update, id, id, s.Machine.Versions[id], systemPath))
			}
		}
		return all
	})
	const tasks = "/redfish/v1/TaskService"
	s.get(tasks, func() body {
		b := resource(tasks, "TaskService.v1_2_1.TaskService", "Task Service")
		b["ServiceEnabled"], b["Status"], b["Tasks"] = true, status(true), link(tasks+"/Tasks")
		return b
	})
	s.collection(tasks+"/Tasks", "TaskCollection", "Tasks", none)
	const events = "/redfish/v1/EventService"
	s.get(events, func() body {
		b := resource(events, "EventService.v1_10_1.EventService", "Event Service")
		b["ServiceEnabled"], b["Status"] = false, status(false)
		b["Subscriptions"], b["Actions"] = link(events+"/Subscriptions"), body{"Oem": body{}}
		return b
	})
	s.collection(events+"/Subscriptions", "EventDestinationCollection", "Subscriptions", none)
	s.routeRegistries()
}

// Keys of racksim.Machine.Versions with a meaning of their own.
const (
	biosKey = "bios"
	bmcKey  = "bmc"
)

func (s *Service) biosVersion() string {
	return cmp.Or(s.Machine.Versions[biosKey], firmwareName(s.Machine.Firmware))
}

func (s *Service) bmcVersion() string {
	return cmp.Or(s.Machine.Versions[bmcKey], firmwareVersion)
}

func firmware(update, id, name, version, item string) body {
	b := resource(update+"/FirmwareInventory/"+id, "SoftwareInventory.v1_10_1.SoftwareInventory", name)
	b["Version"], b["SoftwareId"], b["Updateable"], b["Status"] = version, id, false, status(true)
	b["RelatedItem"] = links(item)
	return b
}

// routeRegistries serves the messages this service uses.
func (s *Service) routeRegistries() {
	const registries = "/redfish/v1/Registries"
	const file = registries + "/Base/Base.json"
	s.collection(registries, "MessageRegistryFileCollection", "Registries", func() []body {
		b := resource(registries+"/Base", "MessageRegistryFile.v1_1_4.MessageRegistryFile", "Base Message Registry File")
		b["Registry"], b["Languages"] = registry, []string{"en"}
		b["Location"] = []body{{"Language": "en", "Uri": file}}
		return []body{b}
	})
	s.mux.HandleFunc("GET "+file, func(w http.ResponseWriter, r *http.Request) {
		messages := body{}
		for _, n := range notices() {
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
		writeResource(w, r, body{
			"@odata.type": "#MessageRegistry.v1_6_3.MessageRegistry", "Id": registry + ".0", "Name": "Base Message Registry",
			"Language": "en", "RegistryPrefix": "Base", "RegistryVersion": "1.18.0", "OwningEntity": "DMTF", "Messages": messages,
		})
	})
}
