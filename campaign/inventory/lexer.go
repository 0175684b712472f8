package inventory

import (
	"errors"
	"fmt"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// Bounds of a JSON document's inside.
const (
	maxDepth = 64
	maxText  = 64 << 10 // one text that is kept
)

// lexer reads one JSON document from a stream, value by value. It keeps nothing
// but its window, and checks the grammar of what it passes over too, so that a
// document is either JSON to its end or refused.
//
// The first error stays: after it every method returns at once with nothing, so
// callers look at err when a document ends. A value of another type than asked
// for is passed over and noted in wrong.
type lexer struct {
	in       io.Reader
	buf      []byte
	pos, end int
	gone     int64 // bytes before the window

	depth int
	first bool // a container has just begun
	key   []byte
	text  []byte // of a string that is not whole in the window, or has escapes
	wrong string // why the record that is being read cannot be used
	err   error
}

func newLexer(in io.Reader) *lexer {
	return &lexer{in: in, buf: make([]byte, sniffBytes)}
}

// offset is how many bytes were consumed.
func (l *lexer) offset() int64 { return l.gone + int64(l.pos) }

// fill loads the next window; false at the end of the input or after an error.
func (l *lexer) fill() bool {
	l.gone += int64(l.end)
	l.pos, l.end = 0, 0
	for range 100 { // readers that return nothing have had their chance then
		n, err := l.in.Read(l.buf)
		if n > 0 {
			l.end = n
			return true
		}
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			l.fail(err)
			return false
		}
	}
	l.fail(io.ErrNoProgress)
	return false
}

func (l *lexer) fail(err error) {
	if l.err == nil {
		l.err = err
	}
}

// syntax refuses the document at the current byte.
func (l *lexer) syntax() {
	l.fail(problemf("is not valid JSON"))
}

// peek returns the next byte that is not white space; 0 after an error.
func (l *lexer) peek() byte {
	for l.err == nil {
		for l.pos < l.end {
			switch c := l.buf[l.pos]; c {
			case ' ', '\t', '\n', '\r':
				l.pos++
			case 0:
				l.syntax()
				return 0
			default:
				return c
			}
		}
		l.fill()
	}
	return 0
}

// begin enters the container that opens next. A null in its place counts as
// empty; another value is passed over and noted.
func (l *lexer) begin(bracket byte) bool {
	switch c := l.peek(); c {
	case bracket:
		l.enter()
		return l.err == nil
	case 'n':
		l.skip()
	case 0:
	default:
		l.mistake(c)
		l.skip()
	}
	return false
}

func (l *lexer) enter() {
	l.pos++
	l.depth++
	l.first = true
	if l.depth > maxDepth {
		l.fail(problemf("nests deeper than %d levels", maxDepth))
	}
}

// mistake notes that another kind of value stands where one is asked for.
func (l *lexer) mistake(c byte) {
	kind := "a number"
	switch c {
	case '"':
		kind = "a text"
	case '{':
		kind = "an object"
	case '[':
		kind = "a list"
	case 't', 'f':
		kind = "true or false"
	}
	l.note(fmt.Sprintf("holds %s where something else belongs (%.40q)", kind, l.key))
}

func (l *lexer) note(words string) {
	if l.wrong == "" {
		l.wrong = words
	}
}

// element moves to the next element of a list, and returns false behind the
// last one.
func (l *lexer) element() bool { return l.advance(']') }

// field moves to the next field of an object and puts its name into key, which
// is valid until the next value is read; false behind the last one.
func (l *lexer) field() bool {
	if !l.advance('}') {
		return false
	}
	if l.peek() != '"' {
		l.syntax()
		return false
	}
	l.key = append(l.key[:0], l.quoted()...)
	if l.peek() != ':' {
		l.syntax()
		return false
	}
	l.pos++
	return true
}

// advance passes a comma, or the closing bracket.
func (l *lexer) advance(bracket byte) bool {
	c := l.peek()
	if c == bracket {
		l.pos++
		l.depth--
		l.first = false
		return false
	}
	if l.first {
		l.first = false
		return l.err == nil
	}
	if c != ',' {
		l.syntax()
		return false
	}
	l.pos++
	return true
}

// str appends the string that comes next to dst[:0]. A null counts as blank.
func (l *lexer) str(dst []byte) []byte {
	switch c := l.peek(); c {
	case '"':
		return append(dst[:0], l.quoted()...)
	case 'n':
		l.skip()
	case 0:
	default:
		l.mistake(c)
		l.skip()
	}
	return dst[:0]
}

// scalar is str for a value that may be a number too.
func (l *lexer) scalar(dst []byte) []byte {
	c := l.peek()
	if c != '-' && (c < '0' || c > '9') {
		return l.str(dst)
	}
	return l.number(dst[:0])
}

// plain are the bytes of a string that stand for themselves.
var plain = func() (t [256]bool) {
	for c := range t {
		t[c] = c >= ' ' && c != '"' && c != '\\'
	}
	return t
}()

// quoted reads the string that begins next. What it returns is valid until the
// next read.
func (l *lexer) quoted() []byte {
	start := l.pos + 1
	for i := start; i < l.end; i++ {
		c := l.buf[i]
		if plain[c] {
			continue
		}
		if c != '"' {
			break
		}
		l.pos = i + 1
		return valid(l.buf[start:i])
	}
	l.pos = start
	l.text = l.text[:0]
	l.rest(true)
	return valid(l.text)
}

func valid(text []byte) []byte {
	if utf8.Valid(text) {
		return text
	}
	return []byte(string([]rune(string(text)))) // broken bytes become U+FFFD
}

// rest reads a string from behind its opening quotation mark, into text if it
// is to be kept.
func (l *lexer) rest(keep bool) {
	for {
		start := l.pos
		for l.pos < l.end && plain[l.buf[l.pos]] {
			l.pos++
		}
		if keep {
			l.keep(l.buf[start:l.pos])
		}
		if l.pos == l.end {
			if !l.fill() {
				return
			}
			continue
		}
		switch c := l.buf[l.pos]; c {
		case '"':
			l.pos++
			return
		case '\\':
			l.pos++
			r, ok := l.escape()
			if !ok {
				l.syntax()
				return
			}
			if keep {
				l.keep(utf8.AppendRune(nil, r))
			}
		default: // a control character
			l.syntax()
			return
		}
	}
}

func (l *lexer) keep(part []byte) {
	if len(l.text)+len(part) > maxText {
		l.note(fmt.Sprintf("holds a text longer than %d KB", maxText>>10))
		return
	}
	l.text = append(l.text, part...)
}

// next consumes one byte.
func (l *lexer) next() (byte, bool) {
	if l.pos == l.end && !l.fill() {
		return 0, false
	}
	l.pos++
	return l.buf[l.pos-1], true
}

// escape reads what follows a backslash.
func (l *lexer) escape() (rune, bool) {
	c, _ := l.next()
	switch c {
	case '"', '\\', '/':
		return rune(c), true
	case 'b':
		return '\b', true
	case 'f':
		return '\f', true
	case 'n':
		return '\n', true
	case 'r':
		return '\r', true
	case 't':
		return '\t', true
	case 'u':
		return l.hex()
	}
	return 0, false
}

// hex reads the four digits of an escaped UTF-16 unit. The second half of a
// pair is read when its escape comes; alone, either half is no character.
func (l *lexer) hex() (rune, bool) {
	var r rune
	for range 4 {
		c, _ := l.next()
		switch {
		case '0' <= c && c <= '9':
			r = r<<4 | rune(c-'0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	if utf16.IsSurrogate(r) {
		return utf8.RuneError, true // no identifier of software has any
	}
	return r, true
}

// number reads a number into dst.
func (l *lexer) number(dst []byte) []byte {
	digits := func() (n int) {
		for {
			if l.pos == l.end && (l.err != nil || !l.fill()) {
				return n
			}
			c := l.buf[l.pos]
			if c < '0' || c > '9' {
				return n
			}
			dst, n = l.collect(dst, c), n+1
		}
	}
	at := func(accepted string) bool {
		if l.pos == l.end && (l.err != nil || !l.fill()) {
			return false
		}
		for i := range len(accepted) {
			if l.buf[l.pos] == accepted[i] {
				dst = l.collect(dst, accepted[i])
				return true
			}
		}
		return false
	}
	at("-")
	if !at("0") && digits() == 0 || at(".") && digits() == 0 {
		l.syntax()
	}
	if at("eE") {
		at("+-")
		if digits() == 0 {
			l.syntax()
		}
	}
	return dst
}

func (l *lexer) collect(dst []byte, c byte) []byte {
	l.pos++
	if len(dst) < 64 {
		dst = append(dst, c)
	}
	return dst
}

func (l *lexer) literal(word string) {
	for i := range len(word) {
		if c, ok := l.next(); !ok || c != word[i] {
			l.syntax()
			return
		}
	}
}

// skip passes over the next value.
func (l *lexer) skip() {
	switch c := l.peek(); c {
	case '"':
		l.skipText()
	case '{':
		l.enter()
		l.skipFields()
	case '[':
		l.enter()
		for l.element() {
			l.skip()
		}
	case 't':
		l.literal("true")
	case 'f':
		l.literal("false")
	case 'n':
		l.literal("null")
	case 0:
	default:
		l.number(nil)
	}
}

func (l *lexer) skipFields() {
	for l.advance('}') {
		if l.peek() != '"' {
			l.syntax()
			return
		}
		l.skipText()
		if l.peek() != ':' {
			l.syntax()
			return
		}
		l.pos++
		l.skip()
	}
}

func (l *lexer) skipText() {
	for i := l.pos + 1; i < l.end; i++ {
		c := l.buf[i]
		if plain[c] {
			continue
		}
		if c != '"' {
			break
		}
		l.pos = i + 1
		return
	}
	l.pos++
	l.rest(false)
}

// close expects nothing but white space until the end of the input.
func (l *lexer) close() {
	if l.err != nil {
		return
	}
	switch c := l.peek(); {
	case errors.Is(l.err, io.ErrUnexpectedEOF):
		l.err = nil
	case c != 0 || l.err == nil:
		l.err = problemf("goes on after the end of its document")
	}
}
