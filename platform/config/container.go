package config

import (
	"io"
	"os"
	"reflect"
	"regexp"
	"strings"
)

// What containers do to the environment: they set variables that nobody asked
// for, keep the quotes of their env files, pass on empty values, and mount secrets
// as files.

// fileSuffix ends the name of a variable that names the file of a secret.
const fileSuffix = "_FILE"

// injected are the names that Kubernetes gives the variables of a Service, and
// docker --link those of a container, whose name begins like this program's.
var injected = regexp.MustCompile(`^BANYAN(_[A-Z0-9]+)*_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?|NAME|ENV_.+)$`)

// isInjected reports whether an unknown variable is none of the operator's: its
// name and its value are what Kubernetes or docker writes.
func isInjected(name, value string) bool {
	if !injected.MatchString(name) {
		return false
	}
	switch {
	case strings.HasSuffix(name, "_NAME"):
		return strings.HasPrefix(value, "/")
	case strings.HasSuffix(name, "_PORT") && !strings.Contains(name, "_SERVICE_") && !strings.Contains(name, "_TCP_") && !strings.Contains(name, "_UDP_"):
		return strings.Contains(value, "://")
	}
	return true
}

// strangeValue says why a variable's value cannot be what was meant, "" where
// there is no reason against it.
func (c catalog) strangeValue(key, value string) string {
	if n := len(value); n > 1 && (value[0] == '"' || value[0] == '\'') && value[n-1] == value[0] {
		return "has quotes around its value: a shell takes them away, an env file and a compose list keep them; remove them"
	}
	like := c.defaults[key].node
	if value == "" && like.ShortTag() != "!!seq" && like.Value != "" {
		return "is set but empty: unset it for the default (" + like.Value + "), or give it a value"
	}
	return ""
}

// Confidential is implemented by settings that are never shown. Their variables
// may end with _FILE, and then name a file with the value.
type Confidential interface{ Reveal() string }

// isSecret reports whether the setting of this key is Confidential.
func (c catalog) isSecret(key string) bool {
	taker := section(c.takenBy, key)
	if key == "" || taker == nil {
		return false
	}
	t := reflect.TypeOf(taker.Into).Elem()
	for _, name := range strings.Split(taker.below(key), ".") {
		if t = fieldType(t, name); t == nil {
			return false
		}
	}
	return t.Implements(reflect.TypeFor[Confidential]())
}

// fieldType is the type of a struct's field with this yaml tag; nil without one.
func fieldType(t reflect.Type, name string) reflect.Type {
	if t.Kind() != reflect.Struct {
		return nil
	}
	for i := range t.NumField() {
		if tag, _, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ","); tag == name {
			return t.Field(i).Type
		}
	}
	return nil
}

// secretFile reads the file of a secret, without the line feed at its end.
func secretFile(name string) (content, problem string) {
	const most = 64 << 10
	file, err := os.Open(name)
	if err != nil {
		return "", "names a file that cannot be read: " + err.Error()
	}
	defer func() { _ = file.Close() }() // only read
	text, err := io.ReadAll(io.LimitReader(file, most+1))
	switch {
	case err != nil:
		return "", "names a file that cannot be read: " + err.Error()
	case len(text) > most:
		return "", "names a file of over 64 KiB, which cannot be a secret"
	}
	content = strings.TrimRight(string(text), "\r\n")
	if content == "" {
		return "", "names an empty file: put the secret in it"
	}
	return content, ""
}
