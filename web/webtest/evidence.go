package webtest

import (
	"context"
	"io"

	"banyan/modules/reputation"
	"banyan/platform/attestation"
	"banyan/platform/fault"
	"banyan/platform/progress"
	"banyan/platform/seam"
)

// PrepareAttestation makes a document with a fixed time.
func (m *Reputation) PrepareAttestation(_ context.Context, q reputation.StatementDraft) (reputation.PreparedAttestation, error) {
	if err := m.failed(); err != nil {
		return reputation.PreparedAttestation{}, err
	}
	schema, _ := attestation.SchemaOf(q.Statement().Kind)
	signed := attestation.New(attestation.DomainOf(max(q.ChainID, 1)), attestation.Message{
		Version: attestation.Version2, Schema: attestation.SchemaID(schema.UID().String()), Recipient: q.Subject, Time: SampleMS / 1000,
		Revocable: true, Data: q.Statement().Encode(), Salt: &attestation.Hash{1},
	})
	return reputation.PreparedAttestation{TypedData: signed.Document(), Attestation: attestation.Package{Sig: signed, Signer: q.Attester}}, nil
}

// Attest keeps the statement, whoever signed it.
func (m *Reputation) Attest(_ context.Context, q reputation.AttestationUpload) (reputation.Attestation, error) {
	if err := m.failed(); err != nil {
		return reputation.Attestation{}, err
	}
	for _, schema := range attestation.Schemas() {
		if schema.UID() != q.Sig.Message.Schema.Hash() {
			continue
		}
		said, err := schema.Decode(q.Sig.Message.Data)
		if err != nil {
			return reputation.Attestation{}, err
		}
		a := reputation.Attestation{
			UID: q.Sig.UID, Attester: q.Signer, Schema: q.Sig.Message.Schema, Kind: said.Kind, Subject: said.Subject, Level: said.Level,
			Context: said.Context, Note: said.Note, State: reputation.Live, Counts: true, TimeMS: SampleMS, Revocable: true, Package: q.Package,
		}
		m.Said = append([]reputation.Attestation{a}, m.Said...)
		return a, nil
	}
	return reputation.Attestation{}, fault.New(fault.Invalid, "the schema is not known")
}

// find is nil when there is no such attestation.
func (m *Reputation) find(q reputation.AttestationQuery) *reputation.Attestation {
	for i := range m.Said {
		if m.Said[i].Attester == q.Attester && m.Said[i].UID == q.UID {
			return &m.Said[i]
		}
	}
	return nil
}

// PrepareRevocation makes a document with a fixed time.
func (m *Reputation) PrepareRevocation(_ context.Context, q reputation.RevocationDraft) (reputation.PreparedRevocation, error) {
	r := attestation.Revocation{UID: q.UID, Attester: q.Attester, Time: SampleMS / 1000, ChainID: attestation.Uint(max(q.ChainID, 1))}
	return reputation.PreparedRevocation{
		TypedData: r.Document(), Revocation: reputation.SignedRevocation{Time: r.Time, ChainID: uint64(r.ChainID)},
	}, m.failed()
}

// Revoke marks the statement, whoever signed.
func (m *Reputation) Revoke(_ context.Context, q reputation.SignedRevocation) (reputation.Attestation, error) {
	a := m.find(reputation.AttestationQuery{Attester: q.Attester, UID: q.UID})
	if a == nil {
		return reputation.Attestation{}, fault.New(fault.NotFound, "no such attestation")
	}
	a.State, a.Counts, a.Why, a.EndedMS = reputation.Revoked, false, "it was taken back", SampleMS
	return *a, m.failed()
}

// Attestation looks among Said.
func (m *Reputation) Attestation(_ context.Context, q reputation.AttestationQuery) (reputation.Attestation, error) {
	if a := m.find(q); a != nil {
		return *a, m.failed()
	}
	return reputation.Attestation{}, fault.New(fault.NotFound, "no such attestation")
}

// Attestations filters Said.
func (m *Reputation) Attestations(_ context.Context, q reputation.AttestationsQuery) (reputation.AttestationPage, error) {
	page := reputation.AttestationPage{Attestations: []reputation.Attestation{}}
	for _, a := range m.Said {
		if (q.Attester.IsZero() || q.Attester == a.Attester) && (q.Subject.IsZero() || q.Subject == a.Subject) && (q.State == "" || q.State == a.State) {
			page.Attestations = append(page.Attestations, a)
		}
	}
	return page, m.failed()
}

// VerifyAttestation believes everything: pages do not use it.
func (m *Reputation) VerifyAttestation(_ context.Context, q reputation.AttestationUpload) (reputation.Verification, error) {
	return reputation.Verification{Valid: true, Signer: q.Signer, UID: q.Sig.UID}, m.failed()
}

// ImportAttestations counts nothing: pages do not use it.
func (m *Reputation) ImportAttestations(context.Context, reputation.AttestationsUpload) (reputation.AttestationsImported, error) {
	return reputation.AttestationsImported{}, m.failed()
}

// ExportAttestations is empty.
func (m *Reputation) ExportAttestations(context.Context, reputation.ExportQuery) (seam.Stream, error) {
	return seam.Stream{ContentType: "application/x-ndjson", Write: func(io.Writer) error { return nil }}, m.failed()
}

// Schemas lists those that count.
func (m *Reputation) Schemas(context.Context, reputation.SchemasQuery) (reputation.Schemas, error) {
	var answer reputation.Schemas
	for _, s := range attestation.Schemas() {
		answer.Schemas = append(answer.Schemas, reputation.Schema{UID: s.UID(), Kind: s.Kind, Name: s.Kind, Definition: s.Definition, Revocable: true, Counts: true})
	}
	return answer, m.failed()
}

// RegisterSchema repeats the draft.
func (m *Reputation) RegisterSchema(_ context.Context, q reputation.SchemaDraft) (reputation.Schema, error) {
	return reputation.Schema{UID: q.UID, Name: q.Name, Definition: q.Definition}, m.failed()
}

// Neighbours are those of Said that are live.
func (m *Reputation) Neighbours(_ context.Context, q reputation.NeighboursQuery) (reputation.NeighbourPage, error) {
	page := reputation.NeighbourPage{Neighbours: []reputation.Neighbour{}}
	for _, a := range m.Said {
		other, here := a.Attester, a.Subject
		if q.Direction == reputation.Out {
			other, here = here, other
		}
		if here == q.Wallet && a.Counts {
			weight, flat := map[string]float64{attestation.Vouch: 8, attestation.Report: -5}[a.Kind]
			if !flat {
				weight = float64(a.Level)
			}
			page.Neighbours = append(page.Neighbours, reputation.Neighbour{Wallet: other, Weight: weight, Kind: a.Kind, Context: a.Context, TimeMS: a.TimeMS, Source: a.UID.String()})
		}
	}
	return page, m.failed()
}

// Activities has one review for each that is counted.
func (m *Reputation) Activities(_ context.Context, q reputation.ActivitiesQuery) (reputation.ActivityPage, error) {
	page := reputation.ActivityPage{Kinds: []reputation.ActivityKind{{Kind: "review.published", Weight: 1, PerDay: 3}}}
	for _, s := range m.Ranked {
		if s.Wallet != q.Wallet {
			continue
		}
		for range s.Activity[0].Count {
			page.Points++
			page.Activities = append(page.Activities, reputation.RecordedActivity{
				Activity: reputation.Activity{Wallet: q.Wallet, Kind: "review.published", Ref: "meridian", TimeMS: SampleMS}, Event: "0190c0de-0000-7000-8000-000000000001",
			})
		}
	}
	return page, m.failed()
}

// Seeds returns Sets.
func (m *Reputation) Seeds(context.Context, reputation.SeedsQuery) (reputation.Seeds, error) {
	answer := reputation.Seeds{Sets: m.Sets}
	for _, set := range m.Sets {
		answer.Wallets += len(set.Seeds)
	}
	if answer.Wallets == 0 {
		answer.Advice = "there are no seeds, so there are no scores"
	}
	return answer, m.failed()
}

// SetSeeds replaces one of Sets.
func (m *Reputation) SetSeeds(_ context.Context, q reputation.SeedSetDraft) (reputation.SeedSet, error) {
	set := reputation.SeedSet{Name: q.Name, Reason: q.Reason, Version: q.Version + 1, ChangedMS: SampleMS, Seeds: q.Seeds}
	for i := range m.Sets {
		if m.Sets[i].Name == q.Name {
			m.Sets[i] = set
			return set, m.failed()
		}
	}
	m.Sets = append(m.Sets, set)
	return set, m.failed()
}

// RemoveSeeds removes one of Sets.
func (m *Reputation) RemoveSeeds(_ context.Context, q reputation.SeedSetRemoval) (reputation.SeedSet, error) {
	for i, set := range m.Sets {
		if set.Name == q.Name {
			m.Sets = append(m.Sets[:i:i], m.Sets[i+1:]...)
			return set, m.failed()
		}
	}
	return reputation.SeedSet{}, fault.New(fault.NotFound, "there is no such set")
}

// SeedChanges has one for each seed.
func (m *Reputation) SeedChanges(context.Context, reputation.SeedChangesQuery) (reputation.SeedChangePage, error) {
	page := reputation.SeedChangePage{Changes: []reputation.SeedChange{}}
	for _, set := range m.Sets {
		for _, seed := range set.Seeds {
			page.Changes = append(page.Changes, reputation.SeedChange{Set: set.Name, Version: set.Version, TimeMS: SampleMS, By: "ops", Reason: set.Reason, Action: "added", Wallet: seed.Wallet, Weight: seed.Weight})
		}
	}
	return page, m.failed()
}

// Imports returns Lists.
func (m *Reputation) Imports(context.Context, reputation.ImportsQuery) (reputation.ImportList, error) {
	return reputation.ImportList{Imports: m.Lists}, m.failed()
}

// ImportChanges has one.
func (m *Reputation) ImportChanges(_ context.Context, q reputation.ImportChangesQuery) (reputation.ImportChangePage, error) {
	after := 5.0
	var page reputation.ImportChangePage
	for _, s := range m.Ranked[:min(2, len(m.Ranked))] {
		page.Changes = append(page.Changes, reputation.ImportChange{Source: s.Wallet, Target: m.Ranked[0].Wallet, After: &after})
	}
	return page, m.failed()
}

func (m *Reputation) list(name string) *reputation.Import {
	for i := range m.Lists {
		if m.Lists[i].Name == name {
			return &m.Lists[i]
		}
	}
	return &reputation.Import{Name: name}
}

// AcceptImport makes the held version count.
func (m *Reputation) AcceptImport(_ context.Context, q reputation.ImportAction) (reputation.Import, error) {
	one := m.list(q.Import)
	one.Version, one.Held = q.Version, nil
	return *one, m.failed()
}

// DiscardImport drops the held version.
func (m *Reputation) DiscardImport(_ context.Context, q reputation.ImportAction) (reputation.Import, error) {
	one := m.list(q.Import)
	one.Held = nil
	return *one, m.failed()
}

// RemoveImport removes one of Lists.
func (m *Reputation) RemoveImport(_ context.Context, q reputation.ImportRemoval) (reputation.Import, error) {
	for i, one := range m.Lists {
		if one.Name == q.Import {
			m.Lists = append(m.Lists[:i:i], m.Lists[i+1:]...)
			return one, m.failed()
		}
	}
	return reputation.Import{}, fault.New(fault.NotFound, "there is no such import")
}

// ImportWork says that nothing is done.
func (m *Reputation) ImportWork(context.Context, reputation.ImportWorkQuery) (progress.Work, error) {
	return progress.Work{}, m.failed()
}

// sampleEvidence fills in statements in every state, seeds, and a list that waits.
func (m *Reputation) sampleEvidence() {
	about := SampleWallet(3)
	for i, a := range []reputation.Attestation{
		{Kind: attestation.Trust, Level: 8, Context: "code", State: reputation.Live, Counts: true},
		{Kind: attestation.Report, Note: "Asked me for my seed phrase.", State: reputation.Live, Counts: true, ExpiresMS: SampleMS + 90*86400_000},
		{Kind: attestation.Trust, Level: -5, State: reputation.Revoked, Why: "it was taken back", EndedMS: SampleMS - 86400_000},
		{Kind: attestation.Vouch, State: reputation.Replaced, Why: "its attester said something later about this wallet and context", EndedMS: SampleMS - 3600_000},
		{Kind: attestation.Trust, Level: 0, State: reputation.Expired, Why: "it has expired", ExpiresMS: SampleMS - 86400_000},
		{State: reputation.Live, Why: "attestations of this schema are shown, and do not count"},
	} {
		a.UID, a.Attester, a.Subject, a.TimeMS, a.Revocable = attestation.Hash{byte(i + 1)}, SampleWallet(i+20), about, SampleMS-int64(i+1)*5*86400_000, true
		m.Said = append(m.Said, a)
	}
	m.Said = append(m.Said, reputation.Attestation{
		UID: attestation.Hash{9}, Attester: about, Subject: SampleWallet(5), Kind: attestation.Vouch, State: reputation.Live, Counts: true, TimeMS: SampleMS,
	})
	m.Sets = []reputation.SeedSet{
		{Name: reputation.SettingsSet, Reason: "the setting reputation.seeds", Seeds: []reputation.Seed{{Wallet: SampleWallet(0), Weight: 1}}},
		{Name: "founders", Reason: "they began it", Version: 2, ChangedMS: SampleMS, ChangedBy: SampleWallet(0).String(), Seeds: []reputation.Seed{
			{Wallet: SampleWallet(1), Weight: 2, Reason: "founder"}, {Wallet: SampleWallet(2), Weight: 1},
		}},
	}
	m.Lists = []reputation.Import{
		{Name: "otc", Version: 1, Edges: 35592, ChangedMS: SampleMS, ChangedBy: "ops", Held: &reputation.ImportVersion{
			Version: 2, MadeMS: SampleMS, MadeBy: "ops", Diff: reputation.ImportDiff{Added: 12, Removed: 1, Changed: 3},
		}},
		{Name: "trust", Version: 4, Edges: 210, ChangedMS: SampleMS, ChangedBy: "ops"},
	}
}
