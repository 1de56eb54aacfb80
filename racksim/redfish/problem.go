package redfish

import (
	"encoding/json"
	"fmt"
	"net/http"

	"rackwright/fault"
)

// registry is the DMTF Base message registry the messages below are from (DSP8011).
const registry = "Base.1.18"

// notice is one message of the registry.
type notice struct {
	key, text, severity, resolution string
	args                            int
}

// The messages this service sends.
var (
	msgGeneralError        = notice{"GeneralError", "A general error has occurred. See Resolution for information on how to resolve the error.", "Critical", "None.", 0}
	msgURINotFound         = notice{"ResourceMissingAtURI", "The resource at the URI '%s' was not found.", "Critical", "Place a valid resource at the URI or correct the URI and resubmit the request.", 1}
	msgOperationNotAllowed = notice{"OperationNotAllowed", "The HTTP method is not allowed on this resource.", "Critical", "None.", 0}
	msgQueryNotSupported   = notice{"QueryNotSupported", "Querying is not supported by the implementation.", "Warning", "Remove the query parameters and resubmit the request if the operation failed.", 0}
	msgHeaderInvalid       = notice{"HeaderInvalid", "The request has an invalid value in header '%s'.", "Critical", "Correct the header and resubmit the request.", 1}
	msgMalformed           = notice{"MalformedJSON", "The request body submitted was malformed JSON and could not be parsed by the receiving service.", "Critical", "Ensure that the request body is valid JSON and resubmit the request.", 0}
	msgUnknownProperty     = notice{"PropertyUnknown", "The property '%s' is not in the list of valid properties for the resource.", "Warning", "Remove the unknown property from the request body and resubmit the request if the operation failed.", 1}
	msgReadOnly            = notice{"PropertyNotWritable", "The property '%s' is a read-only property and cannot be assigned a value.", "Warning", "Remove the property from the request body and resubmit the request if the operation failed.", 1}
	msgWrongType           = notice{"PropertyValueTypeError", "The value '%s' for the property %s is not a type that the property can accept.", "Warning", "Correct the value for the property in the request body and resubmit the request if the operation failed.", 2}
	msgNotInList           = notice{"PropertyValueNotInList", "The value '%s' for the property %s is not in the list of acceptable values.", "Warning", "Choose a value from the enumeration list that the implementation can support and resubmit the request if the operation failed.", 2}
	msgParameterMissing    = notice{"ActionParameterMissing", "The action '%s' requires the parameter '%s' to be present in the request body.", "Critical", "Supply the action with the required parameter in the request body when the request is resubmitted.", 2}
	msgParameterNotInList  = notice{"ActionParameterValueNotInList", "The value '%s' for the parameter '%s' in the action '%s' is not in the list of acceptable values.", "Warning", "Choose a value from the enumeration list that the implementation can support and resubmit the request if the operation failed.", 3}
	msgParameterUnknown    = notice{"ActionParameterUnknown", "The action '%s' was submitted with the invalid parameter '%s'.", "Warning", "Correct the invalid parameter and resubmit the request if the operation failed.", 2}
	msgPropertyMissing     = notice{"PropertyMissing", "The property '%s' is a required property and must be included in the request.", "Warning", "Ensure that the property is in the request body and has a valid value and resubmit the request if the operation failed.", 1}
	msgStandby             = notice{"ResourceInStandby", "The request could not be performed because the resource is in standby.", "Critical", "Ensure that the resource is in the correct power state and resubmit the request.", 0}
	msgInUse               = notice{"ResourceInUse", "The change to the requested resource failed because the resource is in use or in transition.", "Warning", "Remove the condition and resubmit the request if the operation failed.", 0}
	msgAlreadyExists       = notice{"ResourceAlreadyExists", "The requested resource of type %s with the property %s with the value '%s' already exists.", "Critical", "Do not repeat the create operation as the resource has already been created.", 3}
	msgNoAccess            = notice{"ResourceAtUriUnauthorized", "While accessing the resource at '%s', the service received an authorization error '%s'.", "Critical", "Ensure that the appropriate access is provided for the service in order for it to access the URI.", 2}
	msgNoPrivilege         = notice{"InsufficientPrivilege", "There are insufficient privileges for the account or credentials associated with the current session to perform the requested operation.", "Critical", "Either abandon the operation or change the associated access rights and resubmit the request if the operation failed.", 0}
	msgSessionLimit        = notice{"SessionLimitExceeded", "The session establishment failed due to the number of simultaneous sessions exceeding the limit of the implementation.", "Critical", "Reduce the number of other sessions before trying to establish the session or increase the limit of simultaneous sessions, if supported.", 0}
	msgPrecondition        = notice{"PreconditionFailed", "The ETag supplied did not match the ETag required to change this resource.", "Critical", "Try the operation again using the appropriate ETag.", 0}
	msgQueryValue          = notice{"QueryParameterValueTypeError", "The value '%s' for the query parameter '%s' is not a type that the parameter can accept.", "Warning", "Correct the value for the query parameter in the request and resubmit the request if the operation failed.", 2}
	msgPasswordChange      = notice{"PasswordChangeRequired", "The password provided for this account must be changed before access is granted. PATCH the Password property for this account located at the target URI '%s' to complete this process.", "Critical", "Change the password for this account using a PATCH to the Password property at the URI provided.", 1}
	msgLimit               = notice{"CreateLimitReachedForResource", "The create operation failed because the resource has reached the limit of possible resources.", "Critical", "Either delete resources and resubmit the request if the operation failed or do not resubmit the request.", 0}
	msgUnavailable         = notice{"ServiceTemporarilyUnavailable", "The service is temporarily unavailable. Retry in %s seconds.", "Critical", "Wait for the indicated retry duration and retry the operation.", 1}
	msgFormat              = notice{"PropertyValueFormatError", "The value '%s' for the property %s is not a format that the property can accept.", "Warning", "Correct the value for the property in the request body and resubmit the request if the operation failed.", 2}
	msgNoMedia             = notice{"ResourceNotFound", "The requested resource of type %s named '%s' was not found.", "Critical", "Provide a valid resource identifier and resubmit the request.", 2}
)

// notices is the whole table, served as the message registry.
func notices() []notice {
	return []notice{msgGeneralError, msgURINotFound, msgOperationNotAllowed, msgQueryNotSupported, msgHeaderInvalid, msgMalformed,
		msgUnknownProperty, msgReadOnly, msgWrongType, msgNotInList, msgParameterMissing, msgParameterNotInList, msgParameterUnknown,
		msgPropertyMissing, msgStandby, msgInUse, msgAlreadyExists, msgNoAccess, msgNoPrivilege, msgSessionLimit, msgPrecondition, msgNoMedia,
		msgQueryValue, msgPasswordChange, msgLimit, msgUnavailable, msgFormat}
}

// problem is a refused request: HTTP status and one message (DSP0266 8.6).
type problem struct {
	status int
	notice notice
	args   []any
	detail string // what really happened, for messages that cannot say it
}

func refuse(status int, n notice, args ...any) *problem {
	return &problem{status: status, notice: n, args: args}
}

// fromFault translates an error of the machine.
func fromFault(err error) *problem {
	p := refuse(http.StatusInternalServerError, msgGeneralError)
	switch fault.KindOf(err) {
	case fault.Conflict:
		p = refuse(http.StatusConflict, msgStandby)
	case fault.NotFound:
		p = refuse(http.StatusNotFound, msgGeneralError)
	case fault.Invalid, fault.Unreachable:
		p = refuse(http.StatusBadRequest, msgGeneralError)
	}
	p.detail = err.Error()
	return p
}

// message is the problem in Redfish's form.
func (p *problem) message() body {
	args := make([]string, len(p.args))
	for i, a := range p.args {
		args[i] = fmt.Sprint(a)
	}
	text := p.detail
	if text == "" {
		text = fmt.Sprintf(p.notice.text, p.args...)
	}
	return body{
		"@odata.type": "#Message.v1_2_0.Message", "MessageId": registry + "." + p.notice.key,
		"Message": text, "MessageArgs": args,
		"MessageSeverity": p.notice.severity, "Severity": p.notice.severity, "Resolution": p.notice.resolution,
	}
}

func (p *problem) write(w http.ResponseWriter) {
	message := p.message()
	switch p.status {
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", `Basic realm="Redfish"`)
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "1")
	}
	writeJSON(w, p.status, body{"error": body{
		"code": message["MessageId"], "message": message["Message"], "@Message.ExtendedInfo": []body{message},
	}})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json;charset=utf-8")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // the client is gone, if anything
}
