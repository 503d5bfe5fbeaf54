package seam

import (
	"encoding"
	"io"
	"maps"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"banyan/platform/fault"
	"banyan/platform/seam/client"
)

// Document is an OpenAPI 3.1 document (https://spec.openapis.org/oas/v3.1.1),
// made from operation values; encoding/json sorts its keys, so equal contracts
// make equal bytes.
type Document map[string]any

// OpenAPI describes these contracts as one API.
func OpenAPI(title, version string, contracts ...*Contract) Document {
	schemas := schemas{
		"Problem": {
			"type": "object", "description": "What went wrong (RFC 9457).",
			"required": []string{"type", "title", "status", "code", "detail"},
			"properties": map[string]any{
				"type": schema{"type": "string"}, "title": schema{"type": "string"}, "status": schema{"type": "integer"},
				"code":       schema{"type": "string", "description": "for programs", "enum": codes},
				"detail":     schema{"type": "string", "description": "for people: what happened and what to do"},
				"request_id": schema{"type": "string"},
				"fields": schema{"type": "array", "items": schema{"type": "object", "properties": map[string]any{
					"name": schema{"type": "string"}, "line": schema{"type": "integer"}, "message": schema{"type": "string"},
				}}},
			},
		},
	}
	paths := make(map[string]any)
	tags := make([]any, 0, len(contracts))
	for _, c := range contracts {
		if !slices.ContainsFunc(tags, func(tag any) bool { return tag.(map[string]any)["name"] == c.Module }) {
			tags = append(tags, map[string]any{"name": c.Module, "description": c.Summary}) // that of its first contract
		}
		for _, d := range c.operations {
			path := basePath(c.Module) + d.path
			methods, _ := paths[path].(map[string]any)
			if methods == nil {
				methods = make(map[string]any)
				paths[path] = methods
			}
			methods[strings.ToLower(d.method)] = d.openAPI(schemas)
		}
	}
	return Document{
		"openapi": "3.1.0",
		"info": map[string]any{
			"title": title, "version": version,
			"license": map[string]any{"name": "Apache License 2.0", "identifier": "Apache-2.0"},
		},
		"servers": []any{map[string]any{"url": "/", "description": "the site that serves this document"}},
		"tags":    tags,
		"paths":   paths,
		"components": map[string]any{
			"schemas": schemas,
			"securitySchemes": map[string]any{
				"token":   map[string]any{"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
				"session": map[string]any{"type": "apiKey", "in": "cookie", "name": "banyan"},
			},
		},
	}
}

// Endpoint describes an endpoint that is not an operation of the seam.
type Endpoint struct {
	ID, Summary, Method, Path string
	Public                    bool         // for callers who are not signed in, too
	Body, Answer              reflect.Type // JSON; nil = none
	Query                     [][2]string  // names, and what they say
}

// Add describes endpoints that are not operations, under a tag of their own.
func (d Document) Add(tag, summary string, endpoints ...Endpoint) {
	d["tags"] = append(d["tags"].([]any), map[string]any{"name": tag, "description": summary})
	all := d["components"].(map[string]any)["schemas"].(schemas)
	paths := d["paths"].(map[string]any)
	for _, e := range endpoints {
		methods, _ := paths[e.Path].(map[string]any)
		if methods == nil {
			methods = make(map[string]any)
			paths[e.Path] = methods
		}
		methods[strings.ToLower(e.Method)] = e.openAPI(tag, all)
	}
}

var pathParameter = regexp.MustCompile(`\{([^}]+)\}`)

func (e Endpoint) openAPI(tag string, all schemas) map[string]any {
	responses := problems()
	if e.Answer == nil {
		responses["204"] = map[string]any{"description": "Done."}
	} else {
		responses["200"] = map[string]any{"description": "The answer.", "content": jsonContent(all.of(e.Answer))}
	}
	op := map[string]any{
		"operationId": tag + "." + e.ID, "summary": e.Summary, "tags": []string{tag},
		"responses": responses, "security": security(e.Public),
	}
	if e.Body != nil {
		op["requestBody"] = map[string]any{"required": true, "content": jsonContent(all.of(e.Body))}
	}
	var parameters []any
	for _, name := range pathParameter.FindAllStringSubmatch(e.Path, -1) {
		parameters = append(parameters, map[string]any{"name": name[1], "in": "path", "required": true, "schema": schema{"type": "string"}})
	}
	for _, q := range e.Query {
		parameters = append(parameters, map[string]any{"name": q[0], "in": "query", "description": q[1], "schema": schema{"type": "string"}})
	}
	if parameters != nil {
		op["parameters"] = parameters
	}
	return op
}

func jsonContent(s schema) map[string]any {
	return map[string]any{client.MediaJSON: map[string]any{"schema": s}}
}

// problems returns the responses of everything that can fail.
func problems() map[string]any {
	problem := func(about string) map[string]any {
		return map[string]any{"description": about, "content": map[string]any{
			fault.MediaType: map[string]any{"schema": schema{"$ref": "#/components/schemas/Problem"}},
		}}
	}
	return map[string]any{"4XX": problem("The request was refused; the problem says why and what to do."), "default": problem("A problem.")}
}

// security returns how callers prove who they are: not at all, or in one of two ways.
func security(public bool) []any {
	if public {
		return []any{}
	}
	return []any{map[string]any{"token": []string{}}, map[string]any{"session": []string{}}}
}

// codes lists every fault.Code a problem document can carry.
var codes = []fault.Code{
	fault.Invalid, fault.Unauthenticated, fault.Forbidden, fault.NotFound, fault.Conflict, fault.TooLarge,
	fault.Unsupported, fault.Misdirected, fault.OtherData, fault.RateLimited, fault.Canceled, fault.Internal, fault.Unavailable, fault.Busy, fault.DeadlineExceeded,
}

type schema = map[string]any

// schemas collects the named types, so that each stands in the document once.
type schemas map[string]schema

func (d *description) openAPI(all schemas) map[string]any {
	responses := problems()
	responses[strconv.Itoa(http.StatusOK)] = map[string]any{"description": "The answer.", "content": d.answerContent(all)}
	op := map[string]any{
		"operationId": d.contract.Module + "." + d.id,
		"summary":     d.summary,
		"description": "Access: " + d.access.String() + ".",
		"tags":        []string{d.contract.Module},
		"responses":   responses,
		"security":    security(d.access == Public),
	}
	if parameters := d.parameters(all); len(parameters) > 0 {
		op["parameters"] = parameters
	}
	switch {
	case d.request.stream >= 0:
		content := make(map[string]any)
		for media := range strings.SplitSeq(d.request.media, ",") {
			content[media] = map[string]any{"schema": schema{"type": "string", "format": "binary"}}
		}
		op["requestBody"] = map[string]any{"required": true, "content": content}
	case d.request.hasBody:
		op["requestBody"] = map[string]any{"required": true, "content": jsonContent(all.of(d.request.typ))}
	}
	return op
}

func (d *description) answerContent(all schemas) map[string]any {
	if d.streams {
		return map[string]any{mediaNDJSON: map[string]any{"schema": schema{"type": "string", "format": "binary"}}}
	}
	return jsonContent(all.of(d.answer))
}

func (d *description) parameters(all schemas) []any {
	var list []any
	for _, p := range d.request.path {
		list = append(list, map[string]any{"name": p.name, "in": "path", "required": true, "schema": all.of(p.typ)})
	}
	for _, p := range d.request.query {
		list = append(list, map[string]any{"name": p.name, "in": "query", "schema": all.of(p.typ)})
	}
	if d.kind == KindWrite {
		list = append(list, map[string]any{
			"name": client.HeaderIdempotency, "in": "header", "schema": schema{"type": "string", "maxLength": maxIdempotencyKey},
			"description": "Writes with one key are one intended effect.",
		})
	}
	return list
}

// Schemer is implemented by types whose JSON form their fields do not show.
type Schemer interface{ JSONSchema() map[string]any }

// textForms describes the types of others that are text in JSON.
var textForms = map[string]schema{
	"wallet.Address": {"type": "string", "description": "wallet address, EIP-55", "pattern": "^0x[0-9a-fA-F]{40}$"},
	"uint256.Int":    {"type": "string", "description": "whole number up to 2^256-1, decimal", "pattern": "^[0-9]{1,78}$"},
}

// of returns the schema of a type, by reference when it has a name.
func (all schemas) of(t reflect.Type) schema {
	if t.Kind() == reflect.Pointer {
		return all.of(t.Elem())
	}
	if form, ok := textForms[t.String()]; ok {
		return form
	}
	if s, ok := reflect.New(t).Interface().(Schemer); ok {
		return s.JSONSchema()
	}
	if t.Implements(reflect.TypeFor[encoding.TextMarshaler]()) {
		return schema{"type": "string"}
	}
	switch t.Kind() {
	case reflect.Bool:
		return schema{"type": "boolean"}
	case reflect.String:
		return schema{"type": "string"}
	case reflect.Float32, reflect.Float64:
		return schema{"type": "number"}
	case reflect.Slice, reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 { // json.RawMessage and the like
			return schema{}
		}
		return schema{"type": "array", "items": all.of(t.Elem())}
	case reflect.Map:
		return schema{"type": "object", "additionalProperties": all.of(t.Elem())}
	case reflect.Interface:
		return schema{}
	case reflect.Struct:
		return all.object(t)
	default: // whole numbers
		return schema{"type": "integer"}
	}
}

var notInNames = regexp.MustCompile(`[^A-Za-z0-9]+`)

// schemaName is package.Type, with type arguments: two modules may use a name.
func schemaName(t reflect.Type) string {
	return strings.Trim(notInNames.ReplaceAllString(t.String(), "."), ".")
}

func (all schemas) object(t reflect.Type) schema {
	name := schemaName(t)
	if _, known := all[name]; !known {
		s := schema{"type": "object"}
		all[name] = s // before the fields: a type may contain itself
		properties := make(map[string]any)
		var required []string
		all.fields(t, properties, &required)
		if len(properties) > 0 {
			s["properties"] = properties
		}
		if len(required) > 0 {
			slices.Sort(required)
			s["required"] = required
		}
	}
	return schema{"$ref": "#/components/schemas/" + name}
}

// fields describes the fields of a struct; the tag "about" says what one is.
func (all schemas) fields(t reflect.Type, properties map[string]any, required *[]string) {
	for i := range t.NumField() {
		f := t.Field(i)
		tag := f.Tag.Get("json")
		if tag == "-" || !f.IsExported() || f.Type == reflect.TypeFor[io.Reader]() {
			continue
		}
		if f.Anonymous && tag == "" {
			all.fields(f.Type, properties, required)
			continue
		}
		name, options, _ := strings.Cut(tag, ",")
		if name == "" {
			name = f.Name
		}
		s := maps.Clone(all.of(f.Type))
		if about := f.Tag.Get("about"); about != "" {
			s["description"] = about
		}
		properties[name] = s
		if !strings.Contains(options, "omitempty") && !strings.Contains(options, "omitzero") {
			*required = append(*required, name)
		}
	}
}
