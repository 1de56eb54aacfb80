package api

import "rackwright/access"

//go:generate go test -run TestTheTablesOfTheAccessPage . -write-access-page

// Reach is how far a route reaches, and so how the scope of a caller bounds it.
type Reach string

// The reaches.
const (
	Open      Reach = "open"      // needs no token
	Shared    Reach = "shared"    // tells of no machine and no rack: good for any scope
	Listed    Reach = "listed"    // the handler leaves out what is beyond the scope, or asks for what the body names
	AtMachine Reach = "machine"   // the place of the machine in the path
	AtRack    Reach = "rack"      // the place of the rack in the path
	AtWork    Reach = "operation" // the place of the machine of the operation in the path
	Whole     Reach = "whole"     // concerns all there is: needs a caller without a scope
)

// Need is what a route asks of its caller.
type Need struct {
	Right access.Right
	Reach Reach
}

// strictest is what a route without a row needs.
var strictest = Need{access.Govern, Whole}

// needs has a row for every route, by operation id.
var needs = map[string]Need{
	"health":      {"", Open},
	"plan-schema": {"", Open},
	"docs":        {"", Open},

	"list-audit":      {access.Audit, Whole},
	"audit-head":      {access.Audit, Whole},
	"export-audit":    {access.Audit, Whole},
	"list-approvals":  {access.Audit, Whole},
	"get-approval":    {access.Audit, Whole},
	"approve-request": {access.Destroy, Whole},
	"refuse-request":  {access.Destroy, Whole},
	"explain-dhcp":    {access.Read, Whole},
	"explain-boot":    {access.Read, Whole},
	"list-ladders":    {access.Read, Whole},
	"set-ladder":      {access.Plan, Whole},
	"reset-ladder":    {access.Plan, Whole},

	"list-machines":        {access.Read, Listed},
	"get-machine":          {access.Read, AtMachine},
	"get-hold":             {access.Read, AtMachine},
	"list-waivers":         {access.Read, AtMachine},
	"machine-boots":        {access.Read, AtMachine},
	"machine-gates":        {access.Read, AtMachine},
	"machine-history":      {access.Read, AtMachine},
	"machine-identifiers":  {access.Read, AtMachine},
	"machine-label-pdf":    {access.Read, AtMachine},
	"machine-label-svg":    {access.Read, AtMachine},
	"machine-parts":        {access.Read, AtMachine},
	"machine-timeline":     {access.Read, AtMachine},
	"machine-trace":        {access.Read, AtMachine},
	"machine-trace-pcap":   {access.Read, AtMachine},
	"trace-strangers":      {access.Read, Whole},
	"machine-verification": {access.Read, AtMachine},
	"machine-why":          {access.Read, AtMachine},
	"find-parts":           {access.Read, Listed},
	"get-burn-in":          {access.Read, AtMachine},
	"get-console":          {access.Read, AtMachine},

	"bmc-machine":       {access.BMC, AtMachine},
	"burn-in-machine":   {access.Deploy, AtMachine},
	"claim-machine":     {access.BMC, AtMachine},
	"deploy-machine":    {access.Deploy, AtMachine},
	"erase-machine":     {access.Destroy, AtMachine},
	"firmware-machine":  {access.Firmware, AtMachine},
	"hold-machine":      {access.Plan, AtMachine},
	"inspect-machine":   {access.Deploy, AtMachine},
	"locate-machine":    {access.Rack, AtMachine},
	"power-machine":     {access.Power, AtMachine},
	"preview-machine":   {access.Deploy, AtMachine},
	"release-machine":   {access.Plan, AtMachine},
	"replace-machine":   {access.Plan, AtMachine},
	"rescue-machine":    {access.Deploy, AtMachine},
	"retire-machine":    {access.Destroy, AtMachine},
	"unwaive-condition": {access.Plan, AtMachine},
	"waive-condition":   {access.Plan, AtMachine},

	"bmc-machines":      {access.BMC, Listed},
	"burn-in-machines":  {access.Deploy, Listed},
	"claim-machines":    {access.BMC, Listed},
	"deploy-machines":   {access.Deploy, Listed},
	"erase-machines":    {access.Destroy, Listed},
	"firmware-machines": {access.Firmware, Listed},
	"hold-machines":     {access.Plan, Listed},
	"inspect-machines":  {access.Deploy, Listed},
	"locate-machines":   {access.Rack, Listed},
	"power-machines":    {access.Power, Listed},
	"release-machines":  {access.Plan, Listed},
	"replace-machines":  {access.Plan, Listed},
	"rescue-machines":   {access.Deploy, Listed},
	"retire-machines":   {access.Destroy, Listed},
	"unwaive-machines":  {access.Plan, Listed},
	"waive-machines":    {access.Plan, Listed},

	"list-bmcs":             {access.Read, Listed},
	"list-strange-bmcs":     {access.Read, Whole},
	"get-bmc-authority":     {access.Read, Shared},
	"get-bmc":               {access.Read, AtMachine},
	"get-bmc-accounts":      {access.Read, AtMachine},
	"get-bmc-boot":          {access.Read, AtMachine},
	"get-bmc-clock":         {access.Read, AtMachine},
	"get-bmc-console":       {access.Read, AtMachine},
	"get-bmc-firmware":      {access.Read, AtMachine},
	"get-bmc-log":           {access.Read, AtMachine},
	"get-bmc-media":         {access.Read, AtMachine},
	"get-bmc-protocols":     {access.Read, AtMachine},
	"get-bmc-sensors":       {access.Read, AtMachine},
	"get-bmc-settings":      {access.Read, AtMachine},
	"get-bmc-subscriptions": {access.Read, AtMachine},
	"forget-console-key":    {access.BMC, AtMachine},

	"list-racks":      {access.Read, Listed},
	"get-rack":        {access.Read, AtRack},
	"rack-cabling":    {access.Read, AtRack},
	"draw-rack":       {access.Read, AtRack},
	"rack-labels-pdf": {access.Read, AtRack},
	"rack-labels-svg": {access.Read, AtRack},
	"list-slots":      {access.Read, AtRack},
	"get-slot":        {access.Read, AtRack},
	"list-devices":    {access.Read, Listed},
	"get-device":      {access.Read, Listed},
	"list-sites":      {access.Read, Listed},
	"get-site":        {access.Read, Listed},

	"rack-tasks":     {access.Read, AtRack},
	"mark-rack-step": {access.Rack, AtRack},
	"sign-off-rack":  {access.Rack, AtRack},
	"list-signoffs":  {access.Read, AtRack},
	"get-signoff":    {access.Read, AtRack},
	"scan":           {access.Rack, Listed},

	"list-models":   {access.Read, Shared},
	"get-model":     {access.Read, Shared},
	"list-networks": {access.Read, Shared},
	"get-network":   {access.Read, Shared},
	"list-projects": {access.Read, Listed},
	"get-project":   {access.Read, Listed},
	"list-leases":   {access.Read, Whole}, // of strangers, who stand nowhere
	"get-lease":     {access.Read, Whole},
	"end-lease":     {access.Plan, Whole},

	"export-plan": {access.Read, Listed},
	"diff-plan":   {access.Plan, Whole},
	"apply-plan":  {access.Plan, Whole},

	"list-images":           {access.Read, Shared},
	"get-image":             {access.Read, Shared},
	"list-templates":        {access.Read, Shared},
	"add-image":             {access.Image, Whole},
	"check-images":          {access.Image, Whole},
	"collect-images":        {access.Image, Whole},
	"remove-image":          {access.Destroy, Whole},
	"list-image-imports":    {access.Read, Whole},
	"get-image-import":      {access.Read, Whole},
	"import-image":          {access.Image, Whole},
	"remove-image-import":   {access.Image, Whole},
	"begin-image-upload":    {access.Image, Whole},
	"image-upload-offset":   {access.Image, Whole},
	"continue-image-upload": {access.Image, Whole},
	"list-caches":           {access.Read, Listed},
	"get-cache":             {access.Read, Listed},
	"beat-cache":            {access.Serve, Listed},
	"forget-cache":          {access.Image, Whole},
	"warm-caches":           {access.Image, Whole},
	"list-jobs":             {access.Read, Whole},
	"get-job":               {access.Read, Whole},
	"cancel-job":            {access.Image, Whole},
	"retry-job":             {access.Image, Whole},

	"list-firmware":       {access.Read, Shared},
	"get-firmware":        {access.Read, Shared},
	"firmware-compliance": {access.Read, Listed},
	"add-firmware":        {access.Firmware, Whole},
	"remove-firmware":     {access.Destroy, Whole},
	"list-campaigns":      {access.Read, Whole},
	"get-campaign":        {access.Read, Whole},
	"start-campaign":      {access.Firmware, Whole},
	"cancel-campaign":     {access.Firmware, Whole},
	"pause-campaign":      {access.Firmware, Whole},
	"resume-campaign":     {access.Firmware, Whole},

	"list-rollouts":  {access.Read, Whole},
	"get-rollout":    {access.Read, Whole},
	"start-rollout":  {access.Deploy, Whole},
	"cancel-rollout": {access.Deploy, Whole},
	"pause-rollout":  {access.Deploy, Whole},
	"resume-rollout": {access.Deploy, Whole},

	"list-certificates": {access.Read, Listed},
	"get-certificate":   {access.Read, Listed},
	"certificate-key":   {access.Read, Shared},

	"list-operations":  {access.Read, Listed},
	"get-operation":    {access.Read, AtWork},
	"operation-log":    {access.Read, AtWork},
	"cancel-operation": {access.Deploy, AtWork},
	"retry-operation":  {access.Deploy, AtWork},

	"login-terms":       {"", Open},
	"open-session":      {"", Open},
	"open-rack-session": {"", Open},
	"end-session":       {access.Read, Shared},
	"add-rack-code":     {access.Plan, AtRack},
	"end-rack-codes":    {access.Plan, AtRack},

	"whoami":       {access.Read, Shared},
	"list-tokens":  {access.Govern, Whole},
	"add-token":    {access.Govern, Whole},
	"get-token":    {access.Govern, Whole},
	"rotate-token": {access.Govern, Whole},
	"revoke-token": {access.Govern, Whole},

	"list-events":   {access.Read, Listed},
	"stream-events": {access.Read, Listed},

	"stream-operations": {access.Read, Listed},
	"stream-machines":   {access.Read, Listed},

	"list-webhooks":   {access.Govern, Whole},
	"get-webhook":     {access.Govern, Whole},
	"add-webhook":     {access.Govern, Whole},
	"change-webhook":  {access.Govern, Whole},
	"remove-webhook":  {access.Govern, Whole},
	"rotate-webhook":  {access.Govern, Whole},
	"test-webhook":    {access.Govern, Whole},
	"list-deliveries": {access.Govern, Whole},
	"replay-webhook":  {access.Govern, Whole},
}

// needOf is what a route asks of its caller.
func needOf(operation string) Need {
	if n, ok := needs[operation]; ok {
		return n
	}
	return strictest
}
