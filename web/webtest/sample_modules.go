package webtest

import (
	"time"

	"banyan/modules/airdrop"
	"banyan/modules/exchangereview"
	"banyan/modules/reputation"
	"banyan/platform/rollout"
	"banyan/platform/seam"
	"banyan/platform/seam/diff"
)

// SampleModules has one module in the shadow that is safe to go on, one canary
// that the verdict holds back, and one that runs remotely.
func SampleModules() *Modules {
	m := &Modules{audits: map[string][]rollout.Entry{}, found: map[string][]diff.Difference{}}
	add := func(name string, config, at rollout.Place, version int64, load float64) {
		m.states = append(m.states, rollout.ModuleState{
			Plan: rollout.Plan{Module: name, Place: at, Version: version, Configured: version == 0}, Config: config,
			Differs: config.Mode != at.Mode, Followed: version,
		})
		m.Figures(name, sampleFigures(name, at, load))
	}
	local := rollout.Place{Mode: seam.ModeLocal}
	two := []string{"http://10.0.0.7:8081", "http://10.0.0.8:8081"}
	add(reputation.Name, local, rollout.Place{Mode: seam.ModeShadow, Percent: 10, URLs: two}, 1, 1)
	add(exchangereview.Name, local, rollout.Place{Mode: seam.ModeCanary, Percent: 10, URLs: two[:1]}, 4, 0.08)
	add(airdrop.Name, rollout.Place{Mode: seam.ModeRemote, URLs: two[1:]}, rollout.Place{Mode: seam.ModeRemote, URLs: two[1:]}, 0, 3.4)

	operator := "0x52908400098527886E0F7030069857D2E4169EE7"
	note := func(name string, version, minutes int64, from, to rollout.Place, why string, automatic bool) {
		who := operator
		if automatic {
			who = "guard"
		}
		m.Note(name, rollout.Entry{Version: version, AtMS: SampleMS - minutes*60_000, Who: who, Automatic: automatic, From: from, To: to, Why: why})
	}
	shadow, canary, half := rollout.Place{Mode: seam.ModeShadow, Percent: 10, URLs: two[:1]}, rollout.Place{Mode: seam.ModeCanary, Percent: 10, URLs: two[:1]}, rollout.Place{Mode: seam.ModeCanary, Percent: 50, URLs: two[:1]}
	note(exchangereview.Name, 1, 190, local, shadow, "first look at the new host", false)
	note(exchangereview.Name, 2, 130, shadow, half, "all answers match since yesterday", false)
	note(exchangereview.Name, 3, 121, half, shadow, "exchanges: p99 of 210 ms at the remote, 3.1 ms here", true)
	note(exchangereview.Name, 4, 40, shadow, canary, "the disk of the new host was slow; it has another one now", false)
	note(reputation.Name, 1, 65, local, rollout.Place{Mode: seam.ModeShadow, Percent: 10, URLs: two}, "reputation moves out this week", false)

	at := time.UnixMilli(SampleMS).UTC()
	score := func(value float64) fields {
		return fields{"wallet": SampleWallet(3).String(), "score": value, "rank": 4, "epoch": 12, "components": []fields{{"kind": "seed", "share": 0.42 * value}, {"kind": "trust", "share": 0.27, "from": SampleWallet(7).String()}}}
	}
	m.found[reputation.Name+"/score"] = *read[[]diff.Difference]([]any{
		fields{
			"at": at, "persistent": true, "request_id": "4f1c2a7790d3", "request": fields{"wallet": SampleWallet(3).String()}, "local": score(0.0546), "remote": score(0.0521),
			"fields": []fields{{"path": "score", "local": "0.0546", "remote": "0.0521"}, {"path": "components[0].share", "local": "0.022932", "remote": "0.021882"}},
		},
		fields{
			"at": at.Add(-40 * time.Second), "persistent": false, "request": fields{"wallet": SampleWallet(9).String()}, "local": score(0.01), "remote": fields{"error": "not_found", "message": "this wallet is not known"},
			"fields": []fields{{"path": "error", "local": "an answer", "remote": "not_found"}},
		},
	})
	m.found[reputation.Name+"/leaderboard"] = []diff.Difference{}
	return m
}

// WrongAnswers is what a route reports in shadow when the remote answers one
// operation wrong.
func WrongAnswers() any {
	f := sampleFigures(reputation.Name, rollout.Place{Mode: seam.ModeShadow, Percent: 10, URLs: []string{"http://10.0.0.7:8081", "http://10.0.0.8:8081"}}, 1)
	operations, _ := f["operations"].([]fields)
	operations[0]["shadow"] = fields{"compared": 1840, "matched": 1702, "transient": 4, "persistent": 134, "failed": 2, "dropped": 9, "last_failure": "the remote did not answer within 2 s"}
	f["verdict"] = fields{
		"step": "canary 10 %", "safe": false, "next": fields{"mode": "canary", "percent": 10},
		"reasons": []string{"1840 comparisons are made, at least 1000 are needed"},
		"missing": []string{"score: 134 persistent differences; fix the cause, then make the route local and shadow again to start counting from zero", "92.50 % of the answers match, at least 99.90 % must", "score: the remote failed 2 times"},
	}
	f["guard"] = fields{"alarms": []string{"score: 2.4 % of the calls failed at the remote, 0.0 % here"}}
	f["endpoints"] = []fields{
		{"url": "http://10.0.0.7:8081", "state": "closed", "in_flight": 3, "calls": 4210, "failures": 2, "p50": 0.00043, "p99": 0.0036},
		{"url": "http://10.0.0.8:8081", "address": "10.0.0.8", "state": "open", "in_flight": 0, "calls": 812, "failures": 96, "p50": 0.00047, "p99": 2, "last_error": "connection refused"},
	}
	return f
}
