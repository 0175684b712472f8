package redmine

// Textile is how a body is shown where Redmine is not set to Markdown.
func Textile(markdown string) string { return textile(markdown) }
