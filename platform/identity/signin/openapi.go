package signin

// Describe returns the OpenAPI paths of Mount's endpoints. They are written by
// hand because cookies keep them from being operations of the seam.
func Describe() map[string]any {
	text := func(about string) map[string]any { return map[string]any{"type": "string", "description": about} }
	object := func(properties map[string]any, required ...string) map[string]any {
		return map[string]any{"type": "object", "properties": properties, "required": required}
	}
	content := func(schema map[string]any) map[string]any {
		return map[string]any{"application/json": map[string]any{"schema": schema}}
	}
	operation := func(id, summary string, body, answer map[string]any) map[string]any {
		responses := map[string]any{"default": map[string]any{
			"description": "A problem.",
			"content":     map[string]any{"application/problem+json": map[string]any{"schema": map[string]any{"$ref": "#/components/schemas/Problem"}}},
		}}
		if answer == nil {
			responses["204"] = map[string]any{"description": "Done."}
		} else {
			responses["200"] = map[string]any{"description": "The answer.", "content": content(answer)}
		}
		o := map[string]any{"operationId": "identity." + id, "summary": summary, "tags": []string{"identity"}, "responses": responses}
		if body != nil {
			o["requestBody"] = map[string]any{"required": true, "content": content(body)}
		}
		return o
	}
	list := func(name string, item map[string]any) map[string]any {
		return object(map[string]any{name: map[string]any{"type": "array", "items": item}, "next": text("?cursor= of the next page; left out when that was all")}, name)
	}
	names := map[string]any{"type": "array", "items": map[string]any{"type": "string"}}
	parameter := func(in, name, about string) map[string]any {
		return map[string]any{"name": name, "in": in, "required": in == "path", "schema": text(about)}
	}
	// with adds parameters of the query.
	with := func(operation map[string]any, parameters ...any) map[string]any {
		operation["parameters"] = parameters
		return operation
	}
	me := object(map[string]any{
		"wallet": text("EIP-55; of people"), "subject": text("of tokens for programs"), "role": text("anonymous, member, moderator or operator"),
		"scope": names, "csrf": text("of this session: for forms, and for the header X-CSRF-Token of API calls with its cookie"),
	}, "role")
	return map[string]any{
		"/api/v1/identity/nonce": map[string]any{"post": operation("nonce", "Get a sign-in message (EIP-4361) to sign with personal_sign",
			object(map[string]any{"address": text("the wallet, EIP-55"), "chain_id": map[string]any{"type": "integer"}}, "address", "chain_id"),
			object(map[string]any{"message": text("sign exactly this"), "nonce": text("in the message"), "expires": text("RFC 3339")}, "message", "nonce", "expires"))},
		"/api/v1/identity/sign-in": map[string]any{"post": operation("signIn", "Sign in with the signed message, from the browser that asked for it",
			object(map[string]any{
				"message": text("as it was given"), "signature": text("0x and hex"),
				"token":   map[string]any{"type": "boolean", "description": "true returns a token for the API instead of starting a session"},
				"subject": text("of the token: what will have it"), "scope": names,
			}, "message", "signature"),
			object(map[string]any{
				"wallet": text("who signed in"), "role": text("member, moderator or operator"), "csrf": text("of the session"),
				"token": text("for the Authorization header"), "token_id": text("to end the token by"), "expires": text("RFC 3339"),
			}, "wallet", "role", "expires"))},
		"/api/v1/identity/sign-out": map[string]any{"post": operation("signOut", "End this session", nil, nil)},
		"/api/v1/identity/sign-out-everywhere": map[string]any{"post": with(operation("signOutEverywhere", "End all my sessions and tokens; an operator anyone's", nil,
			object(map[string]any{"sessions": map[string]any{"type": "integer"}, "tokens": map[string]any{"type": "integer"}}, "sessions", "tokens")),
			parameter("query", "wallet", "EIP-55; for operators"))},
		"/api/v1/identity/tokens": map[string]any{
			"get": with(operation("tokens", "My tokens for the API; an operator sees anyone's", nil, list("tokens", object(map[string]any{
				"id": text("to end it by"), "subject": text("who or what holds it"), "wallet": text("whose role counts"), "role": text("the most it may do"), "scope": names,
				"created": text("RFC 3339"), "created_by": text("who made it"), "expires": text("RFC 3339"), "used": text("RFC 3339; last"), "revoked": text("RFC 3339"),
			}, "id", "role", "created", "created_by", "expires"))),
				parameter("query", "wallet", "EIP-55; for operators"), parameter("query", "of", "everybody; for operators"),
				parameter("query", "ended", "true lists also those that expired or were ended"), parameter("query", "cursor", "next of the page before"), parameter("query", "limit", "1 to 200")),
			"post": operation("createToken", "Make a token for a program; for operators who are signed in, not for tokens",
				object(map[string]any{
					"subject": text("who or what will hold it"), "wallet": text("EIP-55; whose role counts"), "role": text("the most it may do"), "scope": names,
					"ttl_seconds": map[string]any{"type": "integer", "description": "at most 7776000; 0 is the default of the settings"},
				}, "role"),
				object(map[string]any{
					"token": text("for the Authorization header; it is not shown again"), "id": text("to end it by"), "subject": text("who or what holds it"), "wallet": text("whose role counts"),
					"role": text("the most it may do"), "scope": names, "expires": text("RFC 3339"),
				}, "token", "id", "role", "expires")),
		},
		"/api/v1/identity/tokens/{id}": map[string]any{
			"parameters": []any{parameter("path", "id", "of the token")},
			"delete":     operation("endToken", "End one of my tokens; an operator any", nil, nil),
		},
		"/api/v1/identity/users": map[string]any{"get": with(operation("users", "Wallets with a session, a token or a role; for operators", nil, list("users", object(map[string]any{
			"wallet": text("EIP-55"), "role": text("member, moderator or operator"), "fixed": map[string]any{"type": "boolean", "description": "an operator by the settings"},
			"sessions": map[string]any{"type": "integer"}, "tokens": map[string]any{"type": "integer"}, "seen": text("RFC 3339; last"),
		}, "wallet", "role", "fixed", "sessions", "tokens"))),
			parameter("query", "wallet", "EIP-55; only this one"), parameter("query", "cursor", "next of the page before"), parameter("query", "limit", "1 to 200"))},
		"/api/v1/identity/roles": map[string]any{"get": operation("roles", "Wallets that may do more than every wallet; for operators", nil, list("roles", object(map[string]any{
			"wallet": text("EIP-55"), "role": text("moderator or operator"), "granted_by": text("who gave it"), "granted_at": text("RFC 3339"),
		}, "wallet", "role", "granted_by", "granted_at")))},
		"/api/v1/identity/security-log": map[string]any{"get": with(operation("securityLog", "Sign-ins, roles, tokens, keys and operators' actions, newest first; for operators", nil, list("entries", object(map[string]any{
			"seq": map[string]any{"type": "integer"}, "at": text("RFC 3339"), "what": text("signed-in, role-set, …"), "refused": map[string]any{"type": "boolean"},
			"who": text("a wallet, a name or a module"), "whom": text("what it was done to"), "from": text("an address, or the command line"), "detail": text("a role, a reason"),
			"times": map[string]any{"type": "integer"}, "hash": text("SHA-256 over the entry and the hash before it"),
		}, "seq", "at", "what", "refused", "who", "from", "times", "hash"))),
			parameter("query", "what", "only this kind"), parameter("query", "who", "only what this one did, or what was done to it"),
			parameter("query", "cursor", "next of the page before"), parameter("query", "limit", "1 to 200"))},
		"/api/v1/identity/me": map[string]any{"get": operation("me", "Who am I", nil, me)},
		"/api/v1/identity/sessions": map[string]any{"get": operation("sessions", "My sessions", nil, object(map[string]any{
			"sessions": map[string]any{"type": "array", "items": object(map[string]any{
				"id": text("to end it by"), "created": text("RFC 3339"), "seen": text("RFC 3339"), "expires": text("RFC 3339"),
				"agent": text("the browser, as it named itself"), "current": map[string]any{"type": "boolean"},
			}, "id", "created", "seen", "expires", "agent", "current")},
		}, "sessions"))},
		"/api/v1/identity/sessions/{id}": map[string]any{
			"parameters": []any{map[string]any{"name": "id", "in": "path", "required": true, "schema": text("of the session")}},
			"delete":     operation("endSession", "End one of my sessions; an operator any", nil, nil),
		},
		"/api/v1/identity/roles/{wallet}": map[string]any{
			"parameters": []any{map[string]any{"name": "wallet", "in": "path", "required": true, "schema": text("EIP-55")}},
			"put": operation("grant", "Give a wallet a role; for operators who are signed in, not for tokens",
				object(map[string]any{"role": text("member, moderator or operator")}, "role"), nil),
		},
	}
}
