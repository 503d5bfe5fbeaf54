package legacy

import (
	"net/http"
	"strings"
)

// What proxies and gateways say of a client: where it comes from, who it is, what
// certificate it showed, which address it asked for. Without such a proxy in front
// the client has written it itself, and the legacy system may believe it. Names
// are compared in small letters; the lists are of families, because vendors add
// to them.
var (
	claimPrefixes = []string{
		"forwarded", "x-forward", "x-original-", "x-rewrite-", "x-real-", "true-client-", "x-cluster-", "x-proxyuser-",
		"cf-", "cloudfront-", "fastly-", "fly-", "akamai-", "x-akamai-", "incap-", "x-sucuri-", "ali-cdn-", "do-connecting-",
		"x-azure-", "x-arr-", "x-appengine-", "x-appservice-", "x-goog-iap-", "x-goog-authenticated-", "x-amzn-oidc-", "x-ms-client-principal",
		"x-vercel-", "x-nf-", "x-envoy-", "x-consumer-", "x-credential-", "x-anonymous-consumer", "x-endpoint-api-", "l5d-",
		"remote-", "x-remote-", "x-user-id", "x-user-name", "x-user-email", "x-user-role", "x-user-group", "x-username", "x-userinfo",
		"x-authenticated-", "x-auth-request-", "x-auth-user", "x-auth-email", "x-auth-role", "x-auth-group", "x-authenticated", "x-webauth-",
		"x-authentik-", "x-pomerium-", "x-authelia-", "x-vouch-", "x-idp-", "x-oidc-", "oidc-", "x-saml-", "x-shib-", "shib-", "tailscale-", "impersonate-",
		"ssl-", "x-ssl-", "x-tls-", "client-cert", "x-client-cert", "x-client-dn", "x-client-verify", "x-client-subject",
		"wl-proxy-", "proxy-", "front-end-", "banyan-",
	}
	claimParts = []string{"client-ip", "clientip", "connecting-ip", "real-ip", "originating-", "source-ip", "src-ip", "forwarded-", "socketip", "client-addr"}
	claimNames = map[string]bool{
		"x-ip": true, "x-user": true, "x-email": true, "x-groups": true, "x-roles": true, "x-host": true, "x-http-host-override": true,
		"x-scheme": true, "x-url-scheme": true, "x-coming-from": true, "x-external-address": true, "x-peer-addr": true, "from-ip": true,
	}
)

// claims reports whether a header must not be believed from a client. A name with
// anything but letters, digits and hyphens is one, because a server that hands
// headers on as variables (CGI, WSGI, Rack, PHP) reads X_Forwarded_For and
// X-Forwarded-For as the same.
func claims(name string) bool {
	small := strings.ToLower(name)
	for _, c := range []byte(small) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return true
		}
	}
	if claimNames[small] {
		return true
	}
	for _, prefix := range claimPrefixes {
		if strings.HasPrefix(small, prefix) {
			return true
		}
	}
	for _, part := range claimParts {
		if strings.Contains(small, part) {
			return true
		}
	}
	return false
}

// dropClaims leaves out what a client says of itself and Options.PassHeaders
// does not list.
func (l *Legacy) dropClaims(h http.Header) {
	for name := range h {
		if claims(name) && !l.listed[strings.ToLower(name)] {
			delete(h, name)
		}
	}
}
