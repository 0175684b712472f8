package templates

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"text/template"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/musterbot/muster/campaign"
)

// funcs are what templates may call, beside the methods of their data such as
// {{.When .Due}}.
func (f form) funcs() template.FuncMap {
	return template.FuncMap{
		sayFunc:     f.say,
		"code":      f.code,     // a name, as code
		"list":      f.list,     // list .Names 3: "a, b, c and 4 more"
		"codes":     f.codes,    // the same, each as code
		"quote":     f.quote,    // text of several lines, as a quotation
		"sentence":  f.sentence, // with its full stop
		"lead":      f.lead,     // lead 40 .Action: as many whole sentences as 40 words hold
		"capital":   f.capital,  // with a capital first letter
		"things":    things,     // things 3 .Noun: "3 services"
		"plural":    plural,     // plural 3 "person" "people": "3 people"
		"pick":      pick,       // pick 1 "is" "are": the word without the number
		"duration":  duration,   // "52 minutes", "3 h 20 min", "2 days"
		"minutes":   minutes,    // minutes 20: "20 minutes"
		"inMinutes": func(d time.Duration) int { return int(d.Round(time.Minute) / time.Minute) },
		"choice":    f.choice, // choice .Fixed: "`2.12.4` or `2.17.1`"
		"lower":     func(v any) string { text, _ := stringKind(v); return strings.ToLower(text) },
		"words":     words, // a state as people say it
		"add":       func(a, b int) int { return a + b },
		"sub":       func(a, b int) int { return a - b },
	}
}

func (f form) code(value any) campaign.Markup {
	text, ok := stringKind(value)
	if !ok {
		text = fmt.Sprint(value)
	}
	if m, isMarkup := value.(campaign.Markup); isMarkup {
		return m
	}
	text = strings.Join(strings.FieldsFunc(text, unicode.IsControl), " ")
	if text == "" {
		return ""
	}
	switch f {
	case slack:
		return "`" + campaign.Escape(strings.ReplaceAll(text, "`", "'")) + "`"
	case markdown:
		fence := strings.Repeat("`", longestRun(text, '`')+1)
		if strings.HasPrefix(text, "`") || strings.HasSuffix(text, "`") {
			text = " " + text + " "
		}
		// A pipe would end the cell of a table, also inside code.
		return campaign.Markup(fence + strings.ReplaceAll(text, "|", "¦") + fence)
	}
	return campaign.Markup(text)
}

func longestRun(text string, of rune) int {
	longest, run := 0, 0
	for _, r := range text {
		if r != of {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return longest
}

// list joins at most limit items; 0 means all.
func (f form) list(items any, limit int) (campaign.Markup, error) {
	return f.join(items, limit, " and ", func(v any) (campaign.Markup, error) {
		text, err := f.say(v)
		return campaign.Markup(text), err
	})
}

func (f form) codes(items any, limit int) (campaign.Markup, error) {
	return f.join(items, limit, " and ", func(v any) (campaign.Markup, error) { return f.code(v), nil })
}

func (f form) choice(items any) (campaign.Markup, error) {
	return f.join(items, 0, " or ", func(v any) (campaign.Markup, error) { return f.code(v), nil })
}

func (f form) join(items any, limit int, last string, say func(any) (campaign.Markup, error)) (campaign.Markup, error) {
	v := reflect.ValueOf(items)
	if !v.IsValid() {
		return "", nil
	}
	if v.Kind() != reflect.Slice {
		return "", fmt.Errorf("a %T is not a list", items)
	}
	n := v.Len()
	shown := n
	if limit > 0 && n > limit {
		shown = limit
	}
	words := make([]string, 0, shown+1)
	for i := range shown {
		word, err := say(v.Index(i).Interface())
		if err != nil {
			return "", err
		}
		words = append(words, string(word))
	}
	if shown < n {
		words = append(words, thousands(n-shown)+" more")
	}
	if len(words) < 2 {
		return campaign.Markup(strings.Join(words, "")), nil
	}
	end := len(words) - 1
	return campaign.Markup(strings.Join(words[:end], ", ") + last + words[end]), nil
}

func (f form) quote(text string) campaign.Markup {
	var out []string
	for line := range strings.Lines(strings.TrimSpace(text)) {
		out = append(out, "> "+string(f.escape(strings.TrimRight(line, "\r\n"))))
	}
	return campaign.Markup(strings.Join(out, "\n"))
}

// sentence gives text its full stop, and trims it. Markup stays markup.
func (f form) sentence(value any) (campaign.Markup, error) {
	text, err := f.say(value)
	if text = strings.TrimSpace(text); text == "" || err != nil {
		return "", err
	}
	if last, _ := utf8.DecodeLastRuneInString(text); strings.ContainsRune(".?!:…", last) {
		return campaign.Markup(text), nil
	}
	return campaign.Markup(text + "."), nil
}

// lead returns as many whole sentences as a number of words holds, at least the
// first. What is left out stands in the ticket.
func (f form) lead(limit int, value any) (campaign.Markup, error) {
	full, err := f.sentence(value)
	if err != nil {
		return "", err
	}
	text := string(full)
	end := len(text)
	for at := range text {
		rest := text[at:]
		if !strings.HasPrefix(rest, ". ") && !strings.HasPrefix(rest, ".\n") {
			continue
		}
		if Words(text[:at+1]) > limit && end < len(text) {
			break
		}
		end = at + 1
		if Words(text[:end]) > limit {
			break
		}
	}
	if Words(text) <= limit {
		end = len(text)
	}
	return campaign.Markup(text[:end]), nil
}

func (f form) capital(value any) (campaign.Markup, error) {
	text, err := f.say(value)
	first, size := utf8.DecodeRuneInString(text)
	if size == 0 || first == utf8.RuneError || err != nil {
		return campaign.Markup(text), err
	}
	return campaign.Markup(string(unicode.ToUpper(first)) + text[size:]), nil
}

// things counts what a noun in the plural names; services when it is blank.
func things(n int, noun string) string {
	if noun == "" {
		noun = "services"
	}
	return plural(n, singular(noun), noun)
}

func singular(noun string) string {
	if stem, ok := strings.CutSuffix(noun, "ies"); ok {
		return stem + "y"
	}
	return strings.TrimSuffix(noun, "s")
}

func plural(n int, one, many string) string { return thousands(n) + " " + pick(n, one, many) }

func pick(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// thousands writes a number as people read it: 1,204.
func thousands(n int) string {
	digits := strconv.Itoa(n)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

func minutes(n int) string { return duration(time.Duration(n) * time.Minute) }

// duration says a length of time to the precision that people use.
func duration(d time.Duration) string {
	n := int(d.Round(time.Minute) / time.Minute)
	switch {
	case n < 1:
		return "less than a minute"
	case n < 120:
		return plural(n, "minute", "minutes")
	case n < 48*60 && n%60 == 0:
		return plural(n/60, "hour", "hours")
	case n < 48*60:
		return fmt.Sprintf("%d h %d min", n/60, n%60)
	}
	return plural(n/(24*60), "day", "days")
}

func words(state any) string {
	text, _ := stringKind(state)
	return strings.ReplaceAll(text, "_", " ")
}

// stringKind returns the text of a value whose type is a kind of string.
func stringKind(value any) (string, bool) {
	v := reflect.ValueOf(value)
	if v.Kind() != reflect.String {
		return "", false
	}
	return v.String(), true
}
