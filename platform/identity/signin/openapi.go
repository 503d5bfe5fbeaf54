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
	me := object(map[string]any{
		"wallet": text("EIP-55; of people"), "subject": text("of tokens for programs"), "role": text("anonymous, member, moderator or operator"),
		"csrf": text("for the forms of this session"),
	}, "role")
	return map[string]any{
		"/api/v1/identity/nonce": map[string]any{"post": operation("nonce", "Get a sign-in message (EIP-4361) to sign with personal_sign",
			object(map[string]any{"address": text("the wallet, EIP-55"), "chain_id": map[string]any{"type": "integer"}}, "address", "chain_id"),
			object(map[string]any{"message": text("sign exactly this"), "nonce": text("in the message"), "expires": text("RFC 3339")}, "message", "nonce", "expires"))},
		"/api/v1/identity/sign-in": map[string]any{"post": operation("signIn", "Sign in with the signed message, from the browser that asked for it",
			object(map[string]any{
				"message": text("as it was given"), "signature": text("0x and hex"),
				"token": map[string]any{"type": "boolean", "description": "true returns a token for the API instead of starting a session"},
			}, "message", "signature"),
			object(map[string]any{
				"wallet": text("who signed in"), "role": text("member, moderator or operator"), "csrf": text("of the session"),
				"token": text("for the Authorization header"), "expires": text("RFC 3339"),
			}, "wallet", "role", "expires"))},
		"/api/v1/identity/sign-out": map[string]any{"post": operation("signOut", "End this session", nil, nil)},
		"/api/v1/identity/me":       map[string]any{"get": operation("me", "Who am I", nil, me)},
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
			"put": operation("grant", "Give a wallet a role; for operators",
				object(map[string]any{"role": text("member, moderator or operator")}, "role"), nil),
		},
	}
}
