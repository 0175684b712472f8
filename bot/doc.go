// Package bot is the door that people use: what comes in from Slack, by Socket
// Mode or signed HTTP, is made durable, acknowledged, and then worked.
package bot
