package configs

import (
	"encoding"
	"errors"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// textType is what secrets are read through.
var textType = reflect.TypeFor[encoding.TextUnmarshaler]()

// keysOf returns the keys that a section knows, with the type of each.
func keysOf(section reflect.Type) map[string]reflect.Type {
	keys := map[string]reflect.Type{}
	for field := range section.Fields() {
		if name := field.Tag.Get("yaml"); name != "" {
			keys[name] = field.Type
		}
	}
	return keys
}

// isSection reports whether t is a group of keys and not a value.
func isSection(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && !reflect.PointerTo(t).Implements(textType)
}

// leaves returns every path below section that a variable can set.
func leaves(section reflect.Type, prefix string) map[string]reflect.Type {
	found := map[string]reflect.Type{}
	for name, t := range keysOf(section) {
		path := join(prefix, name)
		switch {
		case isSection(t):
			maps.Copy(found, leaves(t, path))
		case t.Kind() == reflect.Slice && isSection(t.Elem()), t.Kind() == reflect.Map: // in the file only
		default:
			found[path] = t
		}
	}
	return found
}

func join(prefix, name string) string {
	if prefix == "" {
		return name
	}
	return prefix + "." + name
}

// variable returns the name of the variable that overrides path.
func variable(path string) string {
	return "MUSTER_" + strings.ToUpper(strings.ReplaceAll(path, ".", "_"))
}

// value reads text as a value of type t. When it cannot, expected says what
// was wanted; it never repeats the text, which may be a secret.
func value(text string, t reflect.Type) (v any, expected string) {
	var err error
	switch {
	case t == reflect.TypeFor[time.Duration]():
		v, err = time.ParseDuration(text)
		expected = "a duration such as 30s, 5m or 168h"
	case t.Kind() == reflect.Int:
		v, err = strconv.Atoi(text)
		expected = "a whole number"
	case t.Kind() == reflect.Bool:
		v, err = strconv.ParseBool(text)
		expected = "true or false"
	case t.Kind() == reflect.Float64:
		v, err = finite(text)
		expected = "a number"
	default:
		return text, ""
	}
	if err != nil {
		return nil, expected
	}
	return v, ""
}

// finite reads a number that is neither NaN nor infinite: no limit may be.
func finite(text string) (float64, error) {
	f, err := strconv.ParseFloat(text, 64)
	if err == nil && (math.IsNaN(f) || math.IsInf(f, 0)) {
		return 0, errors.New("not a finite number")
	}
	return f, err
}

// sortedKeys returns the keys of m in order, so that messages are stable.
func sortedKeys[V any](m map[string]V) []string {
	return slices.Sorted(maps.Keys(m))
}
