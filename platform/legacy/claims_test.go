package legacy_test

import (
	"io"
	"strings"
	"testing"

	"banyan/platform/legacy"
)

// TestWhatAClientSaysOfItselfStaysOutside names headers of the proxies, gateways
// and clouds that legacy systems are known to believe.
func TestWhatAClientSaysOfItselfStaysOutside(t *testing.T) {
	old := newOldSystem(t)
	base, _, _ := inFront(t, legacy.Options{URL: old.URL, PassHeaders: []string{"X-Listed-Client-IP", "x_listed"}}, limits)
	claims := strings.Fields(`X_Forwarded_For X_Forwarded_Proto X_Real_Ip X.Forwarded.For Remote_User X-Original-Forwarded-For X-Real-Ip
		X-Client-Ip X-Cluster-Client-Ip True-Client-Ip CF-Connecting-IP CF-Access-Jwt-Assertion Cf-Ipcountry Fastly-Client-Ip Fly-Client-Ip
		X-Azure-ClientIP X-Azure-SocketIP X-Appengine-User-Ip X-Envoy-External-Address X-Nf-Client-Connection-Ip Do-Connecting-Ip Ali-Cdn-Real-Ip
		X-Vercel-Forwarded-For X-ProxyUser-Ip Wl-Proxy-Client-Ip Proxy-Client-Ip X-Originating-Ip X-Remote-Ip X-Remote-Addr Remote-User Remote-Groups
		X-Remote-User X-Forwarded-User X-Forwarded-Email X-Forwarded-Prefix X-Forwarded-Port X-Forwarded-Ssl X-Forwarded-Client-Cert X-Auth-Request-User
		X-Authenticated-User X-Authentik-Username X-Pomerium-Claim-Email Tailscale-User-Login X-Webauth-User X-Consumer-Username X-Userinfo
		X-Goog-Iap-Jwt-Assertion X-Goog-Authenticated-User-Email X-Amzn-Oidc-Identity X-Ms-Client-Principal X-Ms-Client-Principal-Name X-Arr-ClientCert
		Ssl-Client-S-Dn X-Ssl-Client-Verify Client-Cert X-Client-Cert X-Client-Dn Oidc-Claim-Sub Shib-Session-Id Impersonate-User Front-End-Https
		X-Original-Url X-Rewrite-Url X-Host X-User X-Forward-For Forwarded-For Banyan-Caller`)
	var sent []string
	for _, name := range claims {
		sent = append(sent, name+": forged")
	}
	body := func(headers []string) string {
		text, err := io.ReadAll(raw(t, base, "/old", headers...).Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for start := 0; start < len(sent); start += 20 {
		if got := body(sent[start:min(start+20, len(sent))]); strings.Contains(got, "forged") {
			t.Errorf("the legacy system was told: %s", got)
		}
	}
	// What programs need, and what the settings list, goes on.
	kept := strings.Fields(`X-Listed-Client-Ip X_listed X-Api-Key X-Auth-Token X-Requested-With X-Csrf-Token X-User-Agent X-Client-Version X-Amz-Date
		X-Http-Method-Override Origin Referer Accept-Language Sec-Fetch-Site If-None-Match Idempotency-Key X-Shop-Tenant Cdn-Loop`)
	sent = nil
	for _, name := range kept {
		sent = append(sent, name+": kept-"+strings.ToLower(name))
	}
	got := body(sent)
	for _, name := range kept {
		if !strings.Contains(got, "kept-"+strings.ToLower(name)+`"`) {
			t.Errorf("%s did not reach the legacy system: %s", name, got)
		}
	}
}
