package web

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"banyan/modules/airdrop"
	"banyan/platform/fault"
	"banyan/platform/wallet"
	"banyan/web/ui"
)

// payment is what a campaign's page shows of the contract that pays it.
type payment struct {
	airdrop.Distributor
	Share float64 // of the total that was claimed, 0 to 1

	Largest *airdrop.UnclaimedRows // nil: the viewer is no operator
}

// payment reads the distributor of a campaign; nil when it has none.
func (p *airdropPages) payment(r *http.Request, c airdrop.Campaign) (*payment, *ui.Missing) {
	if c.State != airdrop.Built {
		return nil, nil
	}
	d, err := p.service.Distributor(r.Context(), airdrop.CampaignQuery{ID: c.ID})
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, ui.Part(r.Context(), err, "Airdrops", "the claims of this campaign")
	}
	paid := &payment{Distributor: d}
	if ui.ViewerOf(r).Operator {
		largest, err := p.service.LargestUnclaimed(r.Context(), airdrop.CampaignQuery{ID: c.ID})
		if err != nil {
			return nil, ui.Part(r.Context(), err, "Airdrops", "what is unclaimed")
		}
		paid.Largest = &largest
	}
	if paid.Promised.IsZero() { // a process of an older version has answered
		paid.Promised = c.Total
	}
	if !paid.Promised.IsZero() {
		paid.Share = d.Claimed.Float64() / paid.Promised.Float64()
	}
	return paid, nil
}

// call returns the transaction that claims for a wallet; nil where there is none.
func (p *airdropPages) call(r *http.Request, campaign string, address wallet.Address) (*airdrop.ClaimCall, *ui.Missing) {
	call, err := p.service.ClaimCall(r.Context(), airdrop.ClaimQuery{ID: campaign, Wallet: address})
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, ui.Part(r.Context(), err, "Airdrops", "how this wallet claims")
	}
	return &call, nil
}

// relay is a signed claim.
type relay struct{ airdrop.ClaimElsewhere }

// DeadlineMS is until when it can be sent, UTC milliseconds.
func (r relay) DeadlineMS() int64 { return r.Deadline * 1000 }

// addRelay reads the claim that the page's address has, as claim.js writes it.
func (p *airdropPages) addRelay(r *http.Request, campaign string, c *check) {
	q := r.URL.Query()
	if c.Call == nil || !q.Has("signature") || c.Call.State != airdrop.ClaimOpen {
		return
	}
	asked := airdrop.ClaimElsewhereQuery{ID: campaign, Wallet: c.Wallet}
	to, err := wallet.Read(q.Get("to"), 0)
	if err == nil {
		asked.To = to.Address
		asked.Deadline, err = strconv.ParseInt(q.Get("deadline"), 10, 64)
	}
	if err == nil {
		err = asked.Signature.UnmarshalText([]byte(q.Get("signature")))
	}
	if err != nil {
		c.RelayFault = "the link was not copied whole: ask for it again"
		return
	}
	signed, err := p.service.ClaimElsewhere(r.Context(), asked)
	if err != nil {
		c.RelayFault = ui.WrongField(err)
		return
	}
	c.Relay = &relay{signed}
}

// planDistributor shows the transactions that publish a campaign.
func (p *airdropPages) planDistributor(rw http.ResponseWriter, r *http.Request) error {
	if err := ui.OnlyOperators(r); err != nil {
		return err
	}
	if err := r.ParseForm(); err != nil {
		return fault.Wrap(err, fault.Invalid, "the form arrived incomplete: send it again")
	}
	q, err := p.planOf(r)
	var planned airdrop.PlannedDistributor
	if err == nil {
		planned, err = p.service.PlanDistributor(r.Context(), q)
	}
	if err != nil {
		return p.showWork(rw, r, ui.StatusOf(err), &ui.Outcome{Fault: fault.From(err)})
	}
	if r.PostForm.Get("as") == "safe" {
		rw.Header().Set("Content-Type", "application/json")
		rw.Header().Set("Content-Disposition", `attachment; filename="safe-batch-`+q.ID+`.json"`)
		_, _ = rw.Write([]byte(planned.Safe)) // the browser may be gone
		return nil
	}
	return p.showPlan(rw, r, planned)
}

func (p *airdropPages) planOf(r *http.Request) (q airdrop.DistributorPlan, err error) {
	q.ID = chi.URLParam(r, "id")
	var wrong []fault.Field
	field := func(name string) string { return strings.TrimSpace(r.PostForm.Get(name)) }
	if q.Chain, err = strconv.ParseUint(field("chain"), 10, 64); err != nil {
		wrong = append(wrong, fault.Field{Name: "chain", Message: "is the number of a chain, like 1"})
	}
	if q.Token, err = wallet.Parse(field("token")); err != nil {
		wrong = append(wrong, fault.Field{Name: "token", Message: fault.From(err).Message})
	}
	if q.Owner, err = wallet.Parse(field("owner")); err != nil {
		wrong = append(wrong, fault.Field{Name: "owner", Message: fault.From(err).Message})
	}
	end, err := time.Parse("2006-01-02", field("end"))
	if err != nil {
		wrong = append(wrong, fault.Field{Name: "end", Message: "is a date, like 2027-03-31"})
	}
	q.EndMS = end.UnixMilli()
	wrong = append(wrong, addTerms(&q, field)...)
	if len(wrong) > 0 {
		return q, fault.New(fault.Invalid, "the distributor cannot be planned: see the fields").With(wrong...)
	}
	return q, nil
}

// addTerms reads how it is paid little by little, or in rounds.
func addTerms(q *airdrop.DistributorPlan, field func(string) string) (wrong []fault.Field) {
	number := func(name string, unit time.Duration) int64 {
		text := field(name)
		if text == "" {
			return 0
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 0 || n > 100_000 {
			wrong = append(wrong, fault.Field{Name: name, Message: "is a whole number"})
		}
		return n * unit.Milliseconds()
	}
	if field("vesting_days") != "" {
		q.Vesting = &airdrop.Vesting{CliffMS: number("vesting_cliff", 24*time.Hour), DurationMS: number("vesting_days", 24*time.Hour)}
		start, err := time.Parse("2006-01-02", field("vesting_start"))
		if err != nil {
			wrong = append(wrong, fault.Field{Name: "vesting_start", Message: "is a date, like 2027-03-31"})
		}
		q.Vesting.StartMS = start.UnixMilli()
	}
	q.DelayMS = number("delay", time.Hour)
	if text := field("contract"); text != "" {
		var err error
		if q.Contract, err = wallet.Parse(text); err != nil {
			wrong = append(wrong, fault.Field{Name: "contract", Message: fault.From(err).Message})
		}
	}
	return wrong
}

// showPlan shows a campaign's page with the plan.
func (p *airdropPages) showPlan(rw http.ResponseWriter, r *http.Request, planned airdrop.PlannedDistributor) error {
	return p.showCampaignWith(rw, r, chi.URLParam(r, "id"), http.StatusOK, campaignData{Plan: &planned, Form: r.PostForm})
}

// followDistributor makes a contract the campaign's.
func (p *airdropPages) followDistributor(_ http.ResponseWriter, r *http.Request) (string, error) {
	if err := r.ParseForm(); err != nil {
		return "", fault.Wrap(err, fault.Invalid, "the form arrived incomplete: send it again")
	}
	q := airdrop.DistributorToFollow{ID: chi.URLParam(r, "id")}
	var wrong []fault.Field
	var err error
	field := func(name string) string { return strings.TrimSpace(r.PostForm.Get(name)) }
	if q.Chain, err = strconv.ParseUint(field("chain"), 10, 64); err != nil {
		wrong = append(wrong, fault.Field{Name: "chain", Message: "is the number of a chain, like 1"})
	}
	if q.Address, err = wallet.Parse(field("address")); err != nil {
		wrong = append(wrong, fault.Field{Name: "address", Message: fault.From(err).Message})
	}
	if token := field("token"); token != "" {
		if q.Token, err = wallet.Parse(token); err != nil {
			wrong = append(wrong, fault.Field{Name: "token", Message: fault.From(err).Message})
		}
	}
	if first := field("first_block"); first != "" {
		if q.FirstBlock, err = strconv.ParseUint(first, 10, 64); err != nil {
			wrong = append(wrong, fault.Field{Name: "first_block", Message: "is the number of a block"})
		}
	}
	if len(wrong) > 0 {
		return "", fault.New(fault.Invalid, "the distributor cannot be followed: see the fields").With(wrong...)
	}
	d, err := p.service.FollowDistributor(r.Context(), q)
	if err != nil {
		return "", err
	}
	return "The contract " + d.Address.String() + " has this campaign's root and a token of its decimals. Its claims are being read.", nil
}
