package redact

import "strings"

// IsSecret reports whether a name, in any case, is the name of a secret, which must
// never be shown. config.Secret masks itself; this is for headers, fields and texts that
// are passed by mistake.
func IsSecret(name string) bool {
	name = strings.ToLower(name)
	for _, secret := range [...]string{"password", "secret", "token", "authorization", "cookie", "private_key"} {
		if strings.Contains(name, secret) {
			return true
		}
	}
	return false
}
