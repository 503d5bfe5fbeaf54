package signin

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"slices"
	"sync"
	"time"

	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/identity/securitylog"
	"banyan/platform/page"
	"banyan/platform/wallet"
)

const (
	standardTokenTTL = time.Hour
	maxTokenTTL      = 90 * 24 * time.Hour
	tokensKept       = 50                 // that a wallet may have at the same time; the oldest is ended first
	tokenShown       = 7 * 24 * time.Hour // how long an expired one is listed
	// tokenKnown is how long what a row says is believed: so soon a token that was
	// ended, or whose wallet lost its role, is refused in every process.
	tokenKnown  = 2 * time.Second
	tokensKnown = 4096
)

// Tokens are the tokens for API clients. Each has a row, and counts as long as the
// row says so; a token names its row and who has it, and says nothing of a role:
//
//	in use ──expires──▶ refused, a week later deleted
//	   └──Revoke, EndAll, key revoked──▶ refused from now on
//
// A wallet's token has the role that the wallet has when it is used, and at most its
// own; a token without a wallet has its own.
type Tokens struct {
	keys      *Keys
	db        *database.DB
	now       func() time.Time
	ttl       time.Duration
	operators []wallet.Address
	events    *securitylog.Log
	log       *slog.Logger

	mu    sync.Mutex
	known map[string]knownToken
}

// TokensOptions may be empty.
type TokensOptions struct {
	TTL       time.Duration    // of a token without one; 0 = 1 h
	Operators []wallet.Address // as in SessionOptions
	Log       *slog.Logger     // nil = slog.Default()
}

// NewTokens returns the tokens that these keys sign, in their database.
func NewTokens(keys *Keys, o TokensOptions) *Tokens {
	if o.TTL == 0 {
		o.TTL = standardTokenTTL
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return &Tokens{
		keys: keys, db: keys.db, now: keys.now, ttl: o.TTL, operators: o.Operators, events: keys.events, log: o.Log, known: map[string]knownToken{},
	}
}

// TokenRequest asks for a token for an API client.
type TokenRequest struct {
	Subject string         // the holder: a name for logs and audits; may be "" with a wallet
	Wallet  wallet.Address // whose role counts; zero = nobody's
	Role    identity.Role  // the most it may do
	Scope   identity.Scope // what it is for; "" = the whole API
	TTL     time.Duration  // 0 = TokensOptions.TTL; at most 90 days
}

// TokenMade is a new token. The token itself is not stored.
type TokenMade struct {
	Token   string          `json:"token" about:"for the Authorization header; it is not shown again"`
	ID      string          `json:"id" about:"to end it by"`
	Subject string          `json:"subject"`
	Wallet  *wallet.Address `json:"wallet,omitempty"`
	Role    string          `json:"role"` // the most it may do
	Scope   []string        `json:"scope,omitempty"`
	Expires time.Time       `json:"expires"`
}

// Token is a token as it is listed.
type Token struct {
	ID        string          `json:"id"`
	Subject   string          `json:"subject,omitempty"`
	Wallet    *wallet.Address `json:"wallet,omitempty"`
	Role      string          `json:"role"`            // the most it may do
	Scope     []string        `json:"scope,omitempty"` // none = the whole API
	Created   time.Time       `json:"created"`
	CreatedBy string          `json:"created_by"`
	Expires   time.Time       `json:"expires"`
	Used      *time.Time      `json:"used,omitempty"`    // last, to a minute or so
	Revoked   *time.Time      `json:"revoked,omitempty"` // nil = it was not ended
}

// Live reports whether the token counts at this time, as far as its row says.
func (t Token) Live(now time.Time) bool { return t.Revoked == nil && now.Before(t.Expires) }

var subjectForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$`)

func (r TokenRequest) check() error {
	named := subjectForm.MatchString(r.Subject) && (len(r.Subject) < 2 || r.Subject[:2] != "0x")
	switch {
	case !named && (r.Subject != "" || r.Wallet.IsZero()):
		return fault.Newf(fault.Invalid,
			"%q cannot be a token's subject: use up to 64 letters, digits and ._@-, starting with a letter or digit and not with 0x", r.Subject)
	case !r.Role.Valid():
		return fault.New(fault.Invalid, "a token needs a role: member, moderator or operator")
	case r.TTL < time.Second || r.TTL > maxTokenTTL:
		return fault.Newf(fault.Invalid, "a token is valid for between a second and 90 days, not %s", r.TTL)
	}
	_, err := identity.ParseScope(r.Scope.Names()...)
	return err
}

// Create makes a token for the public API, on behalf of the caller of the context.
// Fails with fault.Invalid.
func (t *Tokens) Create(ctx context.Context, r TokenRequest) (TokenMade, error) {
	if r.TTL == 0 {
		r.TTL = t.ttl
	}
	if err := r.check(); err != nil {
		return TokenMade{}, err
	}
	random := make([]byte, 16)
	if _, err := io.ReadFull(t.keys.random, random); err != nil {
		return TokenMade{}, fmt.Errorf("make a token: %w", err)
	}
	from := t.now()
	until := from.Add(r.TTL).Truncate(time.Second)
	row := tokenRow{
		ID: hex.EncodeToString(random), Subject: r.Subject, Role: r.Role.String(), Scope: string(r.Scope),
		CreatedAt: from.UnixMilli(), CreatedBy: identity.From(ctx).Name(), ExpiresAt: until.UnixMilli(),
	}
	caller := identity.Caller{Subject: r.Subject, Scope: r.Scope}
	made := TokenMade{ID: row.ID, Subject: r.Subject, Role: row.Role, Scope: r.Scope.Names(), Expires: until.UTC()}
	if !r.Wallet.IsZero() {
		caller.Wallet, caller.Subject = r.Wallet, ""
		row.Wallet, made.Wallet = r.Wallet[:], &r.Wallet
	}
	var err error
	if made.Token, row.KeyID, err = t.keys.Sign(identity.Grant{ID: row.ID, Caller: caller, From: from, Until: until}); err != nil {
		return TokenMade{}, err
	}
	if row.CreatedBy == (identity.Caller{}).Name() {
		row.CreatedBy = caller.Name() // a wallet that signs in for a token
	}
	err = t.db.Write(ctx, func(tx *database.Tx) error { return t.store(ctx, tx, row, r) })
	if fault.Is(err, fault.Conflict) {
		if reloadErr := t.keys.Reload(ctx); reloadErr != nil { // so that the next attempt succeeds
			return TokenMade{}, reloadErr
		}
	}
	if err != nil {
		return TokenMade{}, fmt.Errorf("make a token: %w", err)
	}
	return made, nil
}

// store adds the row of a new token, and until when its key must verify.
func (t *Tokens) store(ctx context.Context, tx *database.Tx, row tokenRow, r TokenRequest) error {
	changed, err := extendKey(ctx, tx, row.KeyID, row.ExpiresAt)
	if err == nil && changed == 0 {
		return fault.New(fault.Conflict, "the signing key has just been rotated: ask for the token again")
	}
	if err != nil {
		return err
	}
	if err := insertToken(ctx, tx, row); err != nil {
		return err
	}
	if row.Wallet != nil {
		if err := endOldTokens(ctx, tx, r.Wallet, row.CreatedAt, tokensKept); err != nil {
			return err
		}
	}
	detail := "for " + row.holder() + ", at most " + row.Role + ", until " + time.UnixMilli(row.ExpiresAt).UTC().Format(time.RFC3339)
	if row.Scope != "" {
		detail += ", scope " + row.Scope
	}
	return t.events.Record(ctx, tx, securitylog.Event{What: securitylog.TokenMade, Who: row.CreatedBy, Whom: row.ID, Detail: detail})
}

// knownToken is what a row said.
type knownToken struct {
	caller identity.Caller
	err    error // why it is refused; only faults are kept
	until  time.Time
}

// Use returns for whom a verified token of the public API calls, with the role of
// this moment. Fails with fault.Unauthenticated for one that was ended.
func (t *Tokens) Use(ctx context.Context, check identity.Verified) (identity.Caller, error) {
	now := t.now()
	t.mu.Lock()
	known, ok := t.known[check.ID]
	t.mu.Unlock()
	if !ok || !now.Before(known.until) {
		var err error
		if known, err = t.look(ctx, check.ID, now); err != nil {
			return identity.Caller{}, err
		}
		t.remember(check.ID, known, now)
	}
	if known.err != nil {
		return identity.Caller{}, known.err
	}
	if known.caller.Wallet != check.Caller.Wallet || known.caller.Scope != check.Caller.Scope {
		return identity.Caller{}, fault.New(fault.Unauthenticated, "this token says other things than were stored when it was made: make a new one with `banyan token create`")
	}
	return known.caller, nil
}

// look reads the row of a token.
func (t *Tokens) look(ctx context.Context, id string, now time.Time) (knownToken, error) {
	out := knownToken{until: now.Add(tokenKnown)}
	row, err := readToken(ctx, t.db.Read(), id)
	switch {
	case id == "":
		out.err = fault.New(fault.Unauthenticated, "this token was made by a release whose tokens could not be ended: make a new one with `banyan token create`, or sign in again")
	case database.IsNoRows(err):
		out.err = ended()
	case err != nil:
		return out, fmt.Errorf("look up a token: %w", err)
	case row.RevokedAt != nil:
		out.err = ended()
	default:
		if out.caller, err = row.caller(t.operators); err != nil {
			return out, err
		}
		if row.UsedAt == nil || now.UnixMilli()-*row.UsedAt >= time.Minute.Milliseconds() {
			t.touch(ctx, id, now)
		}
	}
	return out, nil
}

func ended() error {
	return fault.New(fault.Unauthenticated, "this token was ended: make a new one with `banyan token create`, or sign in again")
}

// touch records that a token is in use, which is no reason to refuse the request.
func (t *Tokens) touch(ctx context.Context, id string, now time.Time) {
	err := t.db.Write(ctx, func(tx *database.Tx) error { return touchToken(ctx, tx, id, now.UnixMilli()) })
	if err != nil {
		t.log.WarnContext(ctx, "the use of a token could not be recorded", "token", id, "error", err)
	}
}

func (t *Tokens) remember(id string, known knownToken, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.known) >= tokensKnown {
		for other, k := range t.known {
			if !now.Before(k.until) {
				delete(t.known, other)
			}
		}
		if len(t.known) >= tokensKnown {
			clear(t.known)
		}
	}
	t.known[id] = known
}

// forget has the rows looked up again, after a change that this process made.
func (t *Tokens) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.known)
}

// caller returns for whom a token calls.
func (r tokenRow) caller(operators []wallet.Address) (identity.Caller, error) {
	most, err := identity.ParseRole(r.Role)
	if err != nil {
		return identity.Caller{}, fmt.Errorf("read the token %s: %w", r.ID, err)
	}
	out := identity.Caller{Subject: r.Subject, Role: most, Scope: identity.Scope(r.Scope)}
	if r.Wallet == nil {
		return out, nil
	}
	if len(r.Wallet) != len(out.Wallet) {
		return identity.Caller{}, fmt.Errorf("read the token %s: its wallet has %d bytes", r.ID, len(r.Wallet))
	}
	out.Wallet, out.Subject = wallet.Address(r.Wallet), ""
	granted, err := identity.ParseRole(r.Granted)
	if err != nil {
		return identity.Caller{}, fmt.Errorf("read the role of %s: %w", out.Wallet, err)
	}
	if slices.Contains(operators, out.Wallet) {
		granted = identity.Operator
	}
	out.Role = min(most, granted)
	return out, nil
}

// holder names who has a token.
func (r tokenRow) holder() string {
	if len(r.Wallet) != len(wallet.Address{}) {
		return r.Subject
	}
	if r.Subject == "" {
		return wallet.Address(r.Wallet).String()
	}
	return wallet.Address(r.Wallet).String() + " (" + r.Subject + ")"
}

// TokenQuery asks for tokens.
type TokenQuery struct {
	Wallet wallet.Address // whose; zero = all tokens, for operators
	Ended  bool           // also those that expired or were ended
	Cursor string
	Limit  int // 1–200, 0 = 50
}

// List returns a page of tokens, newest first, and the cursor of the next page. A
// wallet sees its own, an operator all.
func (t *Tokens) List(ctx context.Context, q TokenQuery) (list []Token, next string, err error) {
	if err := mayManage(identity.From(ctx), q.Wallet); err != nil {
		return nil, "", err
	}
	if err := page.Standard().Check(q.Limit); err != nil {
		return nil, "", err
	}
	pages := page.NewList[tokenPlace]("tokens", q.Wallet.String(), fmt.Sprint(q.Ended))
	after, err := pages.After(q.Cursor, tokenPlace{At: int64(1) << 62})
	if err != nil {
		return nil, "", err
	}
	size := page.Standard().Size(q.Limit)
	rows, err := readTokens(ctx, t.db.Read(), q, after, t.now().UnixMilli(), size+1)
	if err != nil {
		return nil, "", fmt.Errorf("list tokens: %w", err)
	}
	rows, next = page.Cut(pages, rows, size, func(r tokenRow) tokenPlace { return tokenPlace{r.CreatedAt, r.ID} })
	list = make([]Token, len(rows))
	for i, r := range rows {
		list[i] = r.token()
	}
	return list, next, nil
}

// tokenPlace is where a page of tokens ends.
type tokenPlace struct {
	At int64
	ID string
}

func (r tokenRow) token() Token {
	out := Token{
		ID: r.ID, Subject: r.Subject, Role: r.Role, Scope: identity.Scope(r.Scope).Names(), Created: time.UnixMilli(r.CreatedAt).UTC(),
		CreatedBy: r.CreatedBy, Expires: time.UnixMilli(r.ExpiresAt).UTC(), Used: timeOf(r.UsedAt), Revoked: timeOf(r.RevokedAt),
	}
	if len(r.Wallet) == len(wallet.Address{}) {
		w := wallet.Address(r.Wallet)
		out.Wallet = &w
	}
	return out
}
