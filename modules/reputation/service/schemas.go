package service

import (
	"context"
	"fmt"

	"banyan/modules/reputation"
	"banyan/platform/attestation"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/idempotency"
	"banyan/platform/identity"
	"banyan/platform/seam"
)

// countedSchemas are those that the program knows.
func countedSchemas() []reputation.Schema {
	names := map[string]string{
		attestation.Trust: "Trust, from -10 to 10, in a context", attestation.Vouch: "Vouch: the attester answers for the subject", attestation.Report: "Report: the attester warns of the subject",
	}
	var list []reputation.Schema
	for _, s := range attestation.Schemas() {
		list = append(list, reputation.Schema{
			UID: s.UID(), Kind: s.Kind, Name: names[s.Kind], Definition: s.Definition, Resolver: s.Resolver, Revocable: s.Revocable, Counts: true,
		})
	}
	return list
}

// Schemas implements Service.
func (s service) Schemas(ctx context.Context, _ reputation.SchemasQuery) (reputation.Schemas, error) {
	answer := reputation.Schemas{Schemas: countedSchemas()}
	rows, err := listSchemas(ctx, s.o.DB.Read(), reputation.MaxSchemas)
	if err != nil {
		return answer, fmt.Errorf("list schemas: %w", err)
	}
	for _, r := range rows {
		answer.Schemas = append(answer.Schemas, reputation.Schema{
			UID: attestation.Hash(r.UID), Name: r.Name, Definition: r.Definition, Resolver: r.Resolver, Revocable: r.Revocable,
		})
	}
	return answer, nil
}

// RegisterSchema implements Service.
func (s service) RegisterSchema(ctx context.Context, q reputation.SchemaDraft) (reputation.Schema, error) {
	made := reputation.Schema{UID: q.UID, Name: q.Name, Definition: q.Definition, Resolver: q.Resolver, Revocable: q.Revocable}
	if q.Definition != "" {
		made.UID = attestation.SchemaUID(q.Definition, q.Resolver, q.Revocable)
	}
	for _, counted := range countedSchemas() {
		if counted.UID == made.UID {
			return made, fault.Newf(fault.Conflict, "this is the schema %s, which is known here and counts: there is nothing to register", counted.Kind)
		}
	}
	w := idempotency.Write{DB: s.o.DB, Operation: "registerSchema", Key: seam.IdempotencyKey(ctx), Request: idempotency.Of(q)}
	return idempotency.Do(ctx, w, func(ctx context.Context, keep idempotency.Keep[reputation.Schema]) (reputation.Schema, error) {
		return made, s.o.DB.Write(ctx, func(tx *database.Tx) error {
			if err := s.addSchema(ctx, tx, made); err != nil {
				return err
			}
			return keep(ctx, tx, made)
		})
	})
}

func (s service) addSchema(ctx context.Context, tx *database.Tx, made reputation.Schema) error {
	if err := tx.Lock(ctx, "schemas"); err != nil {
		return err
	}
	known, err := readSchema(ctx, tx, made.UID)
	switch {
	case err == nil:
		return fault.Newf(fault.Conflict, "the schema %s is registered already, as %q", made.UID, known.Name)
	case !database.IsNoRows(err):
		return fmt.Errorf("look for a schema: %w", err)
	}
	n, err := countSchemas(ctx, tx)
	if err != nil {
		return fmt.Errorf("count the schemas: %w", err)
	}
	if n >= reputation.MaxSchemas {
		return fault.Newf(fault.Conflict, "there are %d schemas, which is the limit", n)
	}
	return insertSchema(ctx, tx, schemaRow{
		UID: made.UID[:], Name: made.Name, Definition: made.Definition, Resolver: made.Resolver, Revocable: made.Revocable,
		AddedMS: s.o.Clock().UnixMilli(), AddedBy: identity.From(ctx).Name(),
	})
}
