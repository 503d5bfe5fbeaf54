package reputation

import (
	"context"

	"banyan/platform/progress"
	"banyan/platform/seam"
)

var (
	importTrust = seam.Write[TrustUpload, TrustImported](Contract, "importTrust", "POST /trust/import", seam.Operators,
		"Add or replace trust edges from a CSV stream, as a version of a named import", seam.Idempotent())
	imports = seam.Read[ImportsQuery, ImportList](Contract, "imports", "GET /imports", seam.Operators,
		"The trust lists that were imported")
	importChanges = seam.Read[ImportChangesQuery, ImportChangePage](Contract, "importChanges", "GET /imports/{import}/versions/{version}/changes", seam.Operators,
		"How a version of an import differs from the one before")
	acceptImport = seam.Write[ImportAction, Import](Contract, "acceptImport", "POST /imports/{import}/versions/{version}/accept", seam.Operators,
		"Let the version of an import that is held count", seam.Idempotent())
	discardImport = seam.Write[ImportAction, Import](Contract, "discardImport", "POST /imports/{import}/versions/{version}/discard", seam.Operators,
		"Drop the version of an import that is held", seam.Idempotent())
	removeImport = seam.Write[ImportRemoval, Import](Contract, "removeImport", "DELETE /imports/{import}", seam.Operators,
		"Remove an import with all of its edges", seam.Idempotent())
	importWork = seam.Read[ImportWorkQuery, progress.Work](Contract, "importWork", "GET /imports/{import}/work", seam.Operators,
		"How far an upload of a trust list is", seam.Ignore("stage"), seam.Ignore("done"), seam.Ignore("total")) // only one process does it

	seeds = seam.Read[SeedsQuery, Seeds](Contract, "seeds", "GET /seeds", seam.Public,
		"The wallets that trust begins at, with the reasons")
	setSeeds = seam.Write[SeedSetDraft, SeedSet](Contract, "setSeeds", "PUT /seeds/{set}", seam.Operators,
		"Make a set of seeds consist of these wallets, from the next epoch on", seam.Idempotent())
	removeSeeds = seam.Write[SeedSetRemoval, SeedSet](Contract, "removeSeeds", "POST /seeds/{set}/remove", seam.Operators,
		"Remove a set of seeds, from the next epoch on", seam.Idempotent())
	seedChanges = seam.Read[SeedChangesQuery, SeedChangePage](Contract, "seedChanges", "GET /seeds/changes", seam.Operators,
		"Who changed the seeds, when and why")

	prepareAttestation = seam.Read[StatementDraft, PreparedAttestation](Contract, "prepareAttestation", "POST /attestations/prepare", seam.Public,
		"Make a statement about a wallet ready to be signed",
		seam.Ignore("typed_data.message.time"), seam.Ignore("typed_data.message.salt"), seam.Ignore("attestation.sig.uid"),
		seam.Ignore("attestation.sig.message.time"), seam.Ignore("attestation.sig.message.salt")) // the time of the request, and chance
	attest = seam.Write[AttestationUpload, Attestation](Contract, "attest", "POST /attestations", seam.Public,
		"Store a signed EAS attestation; its signature is the permission", seam.Idempotent())
	verifyAttestation = seam.Read[AttestationUpload, Verification](Contract, "verifyAttestation", "POST /attestations/verify", seam.Public,
		"Whether an EAS attestation is valid, and whether it counts")
	importAttestations = seam.Write[AttestationsUpload, AttestationsImported](Contract, "importAttestations", "POST /attestations/import", seam.Operators,
		"Store many EAS attestations")
	exportAttestations = seam.Read[ExportQuery, seam.Stream](Contract, "exportAttestations", "GET /attestations/export", seam.Public,
		"Attestations as the EAS SDK writes them, one to a line", seam.Expensive())
	attestations = seam.Read[AttestationsQuery, AttestationPage](Contract, "attestations", "GET /attestations", seam.Public,
		"Attestations out of or into a wallet, the last stored first")
	oneAttestation = seam.Read[AttestationQuery, Attestation](Contract, "attestation", "GET /wallets/{wallet}/attestations/{uid}", seam.Public,
		"One attestation by its attester and UID")
	prepareRevocation = seam.Read[RevocationDraft, PreparedRevocation](Contract, "prepareRevocation", "POST /wallets/{wallet}/attestations/{uid}/revoke/prepare", seam.Public,
		"Make the document that takes an attestation back",
		seam.Ignore("typed_data.message.time"), seam.Ignore("revocation.time")) // the time of the request
	revoke = seam.Write[SignedRevocation, Attestation](Contract, "revoke", "POST /wallets/{wallet}/attestations/{uid}/revoke", seam.Public,
		"Take an attestation back; the attester's signature is the permission", seam.Idempotent())
	schemas = seam.Read[SchemasQuery, Schemas](Contract, "schemas", "GET /schemas", seam.Public,
		"The schemas of attestations that are known here")
	registerSchema = seam.Write[SchemaDraft, Schema](Contract, "registerSchema", "POST /schemas", seam.Operators,
		"Take attestations of one more schema, which are shown and do not count", seam.Idempotent())
	neighbours = seam.Read[NeighboursQuery, NeighbourPage](Contract, "neighbours", "GET /wallets/{wallet}/neighbours", seam.Public,
		"Who says something of a wallet, or of whom it does, with the source of each edge")
	activities = seam.Read[ActivitiesQuery, ActivityPage](Contract, "activities", "GET /wallets/{wallet}/activities", seam.Public,
		"What a wallet did in other modules, and what it counts")
)

// evidence binds the operations of Evidence, SeedSets and Imports.
func evidence(s Service) []seam.Binding {
	return []seam.Binding{
		importTrust.To(s.ImportTrust),
		imports.To(s.Imports),
		importChanges.To(s.ImportChanges),
		acceptImport.To(s.AcceptImport),
		discardImport.To(s.DiscardImport),
		removeImport.To(s.RemoveImport),
		importWork.To(s.ImportWork),
		seeds.To(s.Seeds),
		setSeeds.To(s.SetSeeds),
		removeSeeds.To(s.RemoveSeeds),
		seedChanges.To(s.SeedChanges),
		prepareAttestation.To(s.PrepareAttestation),
		attest.To(s.Attest),
		verifyAttestation.To(s.VerifyAttestation),
		importAttestations.To(s.ImportAttestations),
		exportAttestations.To(s.ExportAttestations),
		attestations.To(s.Attestations),
		oneAttestation.To(s.Attestation),
		prepareRevocation.To(s.PrepareRevocation),
		revoke.To(s.Revoke),
		schemas.To(s.Schemas),
		registerSchema.To(s.RegisterSchema),
		neighbours.To(s.Neighbours),
		activities.To(s.Activities),
	}
}

// ImportTrust implements Service.
func (c Client) ImportTrust(ctx context.Context, q TrustUpload) (TrustImported, error) {
	return importTrust.Call(ctx, c.route, q)
}

// Imports implements Service.
func (c Client) Imports(ctx context.Context, q ImportsQuery) (ImportList, error) {
	return imports.Call(ctx, c.route, q)
}

// ImportChanges implements Service.
func (c Client) ImportChanges(ctx context.Context, q ImportChangesQuery) (ImportChangePage, error) {
	return importChanges.Call(ctx, c.route, q)
}

// AcceptImport implements Service.
func (c Client) AcceptImport(ctx context.Context, q ImportAction) (Import, error) {
	return acceptImport.Call(ctx, c.route, q)
}

// DiscardImport implements Service.
func (c Client) DiscardImport(ctx context.Context, q ImportAction) (Import, error) {
	return discardImport.Call(ctx, c.route, q)
}

// RemoveImport implements Service.
func (c Client) RemoveImport(ctx context.Context, q ImportRemoval) (Import, error) {
	return removeImport.Call(ctx, c.route, q)
}

// ImportWork implements Service.
func (c Client) ImportWork(ctx context.Context, q ImportWorkQuery) (progress.Work, error) {
	return importWork.Call(ctx, c.route, q)
}

// Seeds implements Service.
func (c Client) Seeds(ctx context.Context, q SeedsQuery) (Seeds, error) {
	return seeds.Call(ctx, c.route, q)
}

// SetSeeds implements Service.
func (c Client) SetSeeds(ctx context.Context, q SeedSetDraft) (SeedSet, error) {
	return setSeeds.Call(ctx, c.route, q)
}

// RemoveSeeds implements Service.
func (c Client) RemoveSeeds(ctx context.Context, q SeedSetRemoval) (SeedSet, error) {
	return removeSeeds.Call(ctx, c.route, q)
}

// SeedChanges implements Service.
func (c Client) SeedChanges(ctx context.Context, q SeedChangesQuery) (SeedChangePage, error) {
	return seedChanges.Call(ctx, c.route, q)
}

// PrepareAttestation implements Service.
func (c Client) PrepareAttestation(ctx context.Context, q StatementDraft) (PreparedAttestation, error) {
	return prepareAttestation.Call(ctx, c.route, q)
}

// Attest implements Service.
func (c Client) Attest(ctx context.Context, q AttestationUpload) (Attestation, error) {
	return attest.Call(ctx, c.route, q)
}

// VerifyAttestation implements Service.
func (c Client) VerifyAttestation(ctx context.Context, q AttestationUpload) (Verification, error) {
	return verifyAttestation.Call(ctx, c.route, q)
}

// ImportAttestations implements Service.
func (c Client) ImportAttestations(ctx context.Context, q AttestationsUpload) (AttestationsImported, error) {
	return importAttestations.Call(ctx, c.route, q)
}

// ExportAttestations implements Service.
func (c Client) ExportAttestations(ctx context.Context, q ExportQuery) (seam.Stream, error) {
	return exportAttestations.Call(ctx, c.route, q)
}

// Attestations implements Service.
func (c Client) Attestations(ctx context.Context, q AttestationsQuery) (AttestationPage, error) {
	return attestations.Call(ctx, c.route, q)
}

// Attestation implements Service.
func (c Client) Attestation(ctx context.Context, q AttestationQuery) (Attestation, error) {
	return oneAttestation.Call(ctx, c.route, q)
}

// PrepareRevocation implements Service.
func (c Client) PrepareRevocation(ctx context.Context, q RevocationDraft) (PreparedRevocation, error) {
	return prepareRevocation.Call(ctx, c.route, q)
}

// Revoke implements Service.
func (c Client) Revoke(ctx context.Context, q SignedRevocation) (Attestation, error) {
	return revoke.Call(ctx, c.route, q)
}

// Schemas implements Service.
func (c Client) Schemas(ctx context.Context, q SchemasQuery) (Schemas, error) {
	return schemas.Call(ctx, c.route, q)
}

// RegisterSchema implements Service.
func (c Client) RegisterSchema(ctx context.Context, q SchemaDraft) (Schema, error) {
	return registerSchema.Call(ctx, c.route, q)
}

// Neighbours implements Service.
func (c Client) Neighbours(ctx context.Context, q NeighboursQuery) (NeighbourPage, error) {
	return neighbours.Call(ctx, c.route, q)
}

// Activities implements Service.
func (c Client) Activities(ctx context.Context, q ActivitiesQuery) (ActivityPage, error) {
	return activities.Call(ctx, c.route, q)
}
