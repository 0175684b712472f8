package campaign

// Renderer turns data into words. templates has it.
type Renderer interface {
	// Texts returns the current template texts by name, for a revision to keep.
	Texts() map[string]string
	// Render fills one template with its data. Texts, where given, replace the
	// current ones: an approved text is rendered as it was approved. Strings in
	// data are escaped for Slack; the type Markup is not.
	Render(texts map[string]string, name string, data any) (string, error)
	// Mrkdwn turns Markdown that people wrote into Slack's mark-up, escaped.
	Mrkdwn(markdown string) string
	// Steps returns the numbered steps of Markdown instructions.
	Steps(markdown string) []Step
}

// Markup is text that is Slack mrkdwn already and is not escaped again.
type Markup string
