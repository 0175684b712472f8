package rest

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"unicode"
)

// maxWords bounds what is shown of another system's words, in characters.
const maxWords = 300

// Words returns what an answer says about what was wrong, in one line of at most
// 300 characters; "" when it has no words that are known here.
func Words(body []byte) string {
	var said any
	if json.Unmarshal(body, &said) != nil {
		return "" // a page of a proxy, for a browser
	}
	var found []string
	collect(said, "", 0, &found)
	return cut(strings.Join(slices.Compact(found), " "))
}

// telling are the keys under which ticket systems say what is wrong.
var telling = []string{
	"errorMessages", "errors", "error", "message", "messages", "detail", "description", "error_description", "elementErrors",
}

// maxNesting bounds how deep words are looked for.
const maxNesting = 6

func collect(v any, field string, depth int, found *[]string) {
	if depth > maxNesting || len(*found) > 20 {
		return
	}
	switch v := v.(type) {
	case string:
		if v = strings.TrimSpace(v); v != "" {
			if field != "" {
				v = field + ": " + v
			}
			*found = append(*found, v)
		}
	case []any:
		for _, entry := range v {
			collect(entry, field, depth+1, found)
		}
	case map[string]any:
		known := false
		for _, key := range telling {
			if entry, ok := v[key]; ok {
				known = true
				collectUnder(entry, field, depth, found)
			}
		}
		if depth > 0 && !known { // fields with what is wrong about each
			for _, key := range slices.Sorted(maps.Keys(v)) {
				collect(v[key], cmp.Or(field, key), depth+1, found)
			}
		}
	}
}

func collectUnder(entry any, field string, depth int, found *[]string) {
	if fields, ok := entry.(map[string]any); ok {
		collect(fields, field, depth+1, found)
		return
	}
	collect(entry, field, depth+1, found)
}

// neutral takes from foreign words what Slack would act on. What is left needs
// no further escaping, and survives it.
var neutral = strings.NewReplacer("<", "‹", ">", "›", "&", "＆", "`", "'", "“", "'", "”", "'")

// Quote returns another system's words as a quotation for people: bounded, in
// one line, and without anything that Slack would act on.
func Quote(words string) string { return "“" + neutral.Replace(cut(words)) + "”." }

func cut(text string) string {
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || r == '\u2028' || r == '\u202e'
	}), " ")
	runes := []rune(text)
	if len(runes) <= maxWords {
		return text
	}
	return strings.TrimSpace(string(runes[:maxWords-1])) + "…"
}
