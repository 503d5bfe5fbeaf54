package siwe

import (
	"net/netip"
	"strings"
	"time"
)

// The character classes of RFC 3986, appendix A.

func isAlpha(c byte) bool { return (c|0x20) >= 'a' && (c|0x20) <= 'z' }
func isDigit(c byte) bool { return c >= '0' && c <= '9' }
func isHex(c byte) bool   { return isDigit(c) || ((c|0x20) >= 'a' && (c|0x20) <= 'f') }

func isUnreserved(c byte) bool { return isAlpha(c) || isDigit(c) || strings.IndexByte("-._~", c) >= 0 }
func isSubDelim(c byte) bool   { return strings.IndexByte("!$&'()*+,;=", c) >= 0 }
func isGenDelim(c byte) bool   { return strings.IndexByte(":/?#[]@", c) >= 0 }

// made reports whether text consists of unreserved characters, sub-delimiters,
// percent-encoded bytes and the characters of also.
func made(text, also string) bool {
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c == '%' {
			if i+2 >= len(text) || !isHex(text[i+1]) || !isHex(text[i+2]) {
				return false
			}
			i += 2
			continue
		}
		if !isUnreserved(c) && !isSubDelim(c) && strings.IndexByte(also, c) < 0 {
			return false
		}
	}
	return true
}

func all(text string, class func(byte) bool) bool {
	for i := range len(text) {
		if !class(text[i]) {
			return false
		}
	}
	return true
}

func isDigits(text string) bool { return text != "" && all(text, isDigit) }

// isNonce is EIP-4361's nonce: 8*( ALPHA / DIGIT ).
func isNonce(text string) bool {
	return len(text) >= 8 && all(text, func(c byte) bool { return isAlpha(c) || isDigit(c) })
}

// isStatement is 1*( reserved / unreserved / " " ).
func isStatement(text string) bool {
	return text != "" && all(text, func(c byte) bool {
		return isUnreserved(c) || isSubDelim(c) || isGenDelim(c) || c == ' '
	})
}

// isRequestID is *pchar.
func isRequestID(text string) bool { return made(text, ":@") }

func isScheme(text string) bool {
	return text != "" && isAlpha(text[0]) && all(text, func(c byte) bool {
		return isAlpha(c) || isDigit(c) || strings.IndexByte("+-.", c) >= 0
	})
}

// isAuthority is [ userinfo "@" ] host [ ":" port ] with a host that is not
// empty: the RFC allows an empty one, but a wallet could not show who asks.
func isAuthority(text string) bool {
	host := text
	if at := strings.LastIndexByte(text, '@'); at >= 0 {
		if !made(text[:at], ":") {
			return false
		}
		host = text[at+1:]
	}
	if strings.HasPrefix(host, "[") {
		end := strings.IndexByte(host, ']')
		return end > 0 && isIPLiteral(host[1:end]) && isPort(host[end+1:])
	}
	port := ""
	if colon := strings.IndexByte(host, ':'); colon >= 0 {
		host, port = host[:colon], host[colon:]
	}
	return host != "" && made(host, "") && isPort(port)
}

// isPort is empty or ":" and digits.
func isPort(text string) bool {
	return text == "" || (text[0] == ':' && all(text[1:], isDigit))
}

func isIPLiteral(text string) bool {
	if rest, future := strings.CutPrefix(strings.ToLower(text), "v"); future {
		version, address, ok := strings.Cut(rest, ".")
		return ok && version != "" && all(version, isHex) &&
			address != "" && !strings.Contains(address, "%") && made(address, ":")
	}
	a, err := netip.ParseAddr(text)
	return err == nil && a.Is6() && a.Zone() == ""
}

// isURI is scheme ":" hier-part [ "?" query ] [ "#" fragment ].
func isURI(text string) bool {
	scheme, rest, ok := strings.Cut(text, ":")
	if !ok || !isScheme(scheme) {
		return false
	}
	rest, fragment, _ := strings.Cut(rest, "#")
	rest, query, _ := strings.Cut(rest, "?")
	if !made(fragment, ":@/?") || !made(query, ":@/?") {
		return false
	}
	path := rest
	if after, found := strings.CutPrefix(rest, "//"); found {
		authority := after
		path = ""
		if slash := strings.IndexByte(after, '/'); slash >= 0 {
			authority, path = after[:slash], after[slash:]
		}
		if authority != "" && !isAuthority(authority) { // file:///path has none
			return false
		}
	}
	return made(path, ":@/")
}

func isStamp(text string) bool {
	_, err := parseStamp(text)
	return err == nil
}

// parseStamp reads an RFC 3339 date-time. time.Parse alone takes more than the
// RFC allows (a comma before the fraction, hours of one digit), so the shape
// is checked first.
func parseStamp(text string) (time.Time, error) {
	const shape = "0000-00-00T00:00:00"
	malformed := &time.ParseError{Layout: time.RFC3339, Value: text, Message: ": not RFC 3339"}
	if len(text) <= len(shape) {
		return time.Time{}, malformed
	}
	for i := range len(shape) {
		if shape[i] == '0' && !isDigit(text[i]) || shape[i] != '0' && shape[i] != text[i] {
			return time.Time{}, malformed
		}
	}
	zone := text[len(shape):]
	if zone[0] == '.' {
		n := 1
		for n < len(zone) && isDigit(zone[n]) {
			n++
		}
		if n == 1 || n > 10 { // finer than a nanosecond could not be compared
			return time.Time{}, malformed
		}
		zone = zone[n:]
	}
	if zone != "Z" && (len(zone) != 6 || zone[0] != '+' && zone[0] != '-') {
		return time.Time{}, malformed
	}
	return time.Parse(time.RFC3339Nano, text)
}
