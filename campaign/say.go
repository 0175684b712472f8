package campaign

import "fmt"

// say returns a short reply. Strings among the arguments are escaped; Markup is
// not.
func say(format string, args ...any) Message {
	for i, a := range args {
		switch v := a.(type) {
		case Markup:
			args[i] = string(v)
		case string:
			args[i] = string(Escape(v))
		case fmt.Stringer:
			args[i] = string(Escape(v.String()))
		}
	}
	return Message{Text: fmt.Sprintf(format, args...), Ephemeral: true}
}

// count returns "1 ticket" or "3 tickets".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%s %ss", thousands(n), noun)
}

// thousands writes 1204 as 1,204.
func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
