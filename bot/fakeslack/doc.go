// Package fakeslack is a Slack workspace that lives in this process: it answers
// the Web API on loopback, delivers over Socket Mode or signed HTTP, and lets
// people act in sentences that read like prose. It answers as Slack does, errors,
// limits and notifications included, and it fails on order, so that a bot can be
// tried against everything that goes wrong between two servers.
//
//	ws, err := fakeslack.Start(fakeslack.Options{})
//	ann := ws.AddUser("ann", fakeslack.Profile{TZ: "Australia/Sydney"})
//	ops := ws.AddChannel("ops", ann)
//	seen := ann.Runs(`/campaign new "log4j RCE"`, ops)
//
// ServePage shows it in a browser, where a visitor may act as anyone.
//
// Tests and the demo use it; the service itself never does.
package fakeslack
