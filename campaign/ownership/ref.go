package ownership

import (
	"fmt"
	"regexp"
	"strings"
)

const defaultNamespace = "default"

// refPart is what Backstage allows in a name, a kind or a namespace, a little
// wider: 63 characters are its limit, and catalogs in the wild exceed it.
var refPart = regexp.MustCompile(`^[a-z0-9]([a-z0-9_.-]{0,251}[a-z0-9])?$`)

// parseRef reads an entity reference, [kind:][namespace/]name, in any case, and
// writes it in full and in lower case, as Backstage compares it. The kind and
// namespace that are left out are those of the field that holds it.
func parseRef(text, kind, namespace string) (string, error) {
	rest := strings.ToLower(strings.TrimSpace(text))
	if before, after, ok := strings.Cut(rest, ":"); ok {
		kind, rest = before, after
	}
	if before, after, ok := strings.Cut(rest, "/"); ok {
		namespace, rest = before, after
	}
	return ref(kind, namespace, rest)
}

func ref(kind, namespace, name string) (string, error) {
	kind, namespace, name = strings.ToLower(kind), strings.ToLower(namespace), strings.ToLower(name)
	for _, part := range []string{kind, namespace, name} {
		if !refPart.MatchString(part) {
			return "", fmt.Errorf("read reference: %.80q is not [kind:][namespace/]name", kind+":"+namespace+"/"+name)
		}
	}
	return kind + ":" + namespace + "/" + name, nil
}
