package mockup

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// registry is the DMTF Base message registry (DSP8011).
const registry = "Base.1.18."

// refusal is a refused request: HTTP status and one message. A message without a dot is of
// the Base registry.
type refusal struct {
	status  int
	message string
	says    string // empty: made of the message's name
	header  [2]string
}

func refuse(status int, message, format string, args ...any) *refusal {
	return &refusal{status: status, message: message, says: fmt.Sprintf(format, args...)}
}

func (r *refusal) reply() reply {
	id := r.message
	if !strings.Contains(id, ".") {
		id = registry + id
	}
	says := r.says
	if says == "" {
		says = "The request failed: " + r.message
	}
	out := reply{status: r.status, body: body{"error": body{
		"code": id, "message": says,
		"@Message.ExtendedInfo": []any{body{
			"@odata.type": "#Message.v1_2_0.Message", "MessageId": id, "Message": says,
			"MessageArgs": []any{}, "Severity": "Warning", "MessageSeverity": "Warning", "Resolution": "See the message.",
		}},
	}}}
	if r.header[0] != "" {
		out.set(r.header[0], r.header[1])
	}
	if r.status == http.StatusUnauthorized {
		out.set("WWW-Authenticate", `Basic realm="Redfish"`)
	}
	return out
}

// noted is an info message of success, as many vendors send with 200.
func noted(message string) body {
	if !strings.Contains(message, ".") {
		message = registry + message
	}
	return body{"@Message.ExtendedInfo": []any{body{
		"@odata.type": "#Message.v1_2_0.Message", "MessageId": message, "Message": "Successfully Completed Request", "Severity": "OK",
	}}}
}

// Common refusals.
func missing(uri string) *refusal {
	return refuse(http.StatusNotFound, "ResourceMissingAtURI", "The resource at the URI '%s' was not found.", uri)
}

func unknownProperty(name string) *refusal {
	return refuse(http.StatusBadRequest, "PropertyUnknown", "The property '%s' is not in the list of valid properties for the resource.", name)
}

func readOnly(name string) *refusal {
	return refuse(http.StatusBadRequest, "PropertyNotWritable", "The property '%s' is a read-only property and cannot be assigned a value.", name)
}

func notInList(name string, value any) *refusal {
	return refuse(http.StatusBadRequest, "PropertyValueNotInList", "The value '%v' for the property %s is not in the list of acceptable values.", value, name)
}

func wrongType(name string) *refusal {
	return refuse(http.StatusBadRequest, "PropertyValueTypeError", "The value for the property %s is not a type that the property can accept.", name)
}

func missingParameter(action, name string) *refusal {
	return refuse(http.StatusBadRequest, "ActionParameterMissing", "The action '%s' requires the parameter '%s' to be present in the request body.", action, name)
}

func unknownParameter(action, name string) *refusal {
	return refuse(http.StatusBadRequest, "ActionParameterUnknown", "The action '%s' was submitted with the invalid parameter '%s'.", action, name)
}

// reply is an answer that has not gone out.
type reply struct {
	status int
	header map[string]string
	body   body
	raw    []byte // instead of body
}

func (r *reply) set(name, value string) {
	if r.header == nil {
		r.header = map[string]string{}
	}
	r.header[name] = value
}

func none() reply { return reply{status: http.StatusNoContent} }

// encoded makes a text of the body, while the lock keeps what is in it as it is.
func (r reply) encoded() reply {
	if r.raw == nil && r.body != nil {
		var text bytes.Buffer
		e := json.NewEncoder(&text)
		e.SetEscapeHTML(false)
		_ = e.Encode(r.body) // it came from JSON
		r.raw = text.Bytes()
	}
	return r
}

func (r reply) write(w http.ResponseWriter) {
	r = r.encoded()
	for name, value := range r.header {
		w.Header().Set(name, value)
	}
	if r.raw == nil {
		w.WriteHeader(r.status)
		return
	}
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "application/json;charset=utf-8")
	}
	w.WriteHeader(r.status)
	_, _ = w.Write(r.raw) // the client is gone, if anything
}
