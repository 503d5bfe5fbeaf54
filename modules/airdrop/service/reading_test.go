package service_test

import (
	"bytes"
	"strings"
	"testing"

	"banyan/modules/airdrop"
	"banyan/modules/airdrop/service"
	"banyan/platform/fault"
	"banyan/platform/merkle"
)

// What callers may choose of how a list is read.
func TestListsAreReadAsTheCallerChooses(t *testing.T) {
	eachWayWith(t, service.Options{}, func(t *testing.T, w *fixture) {
		oz, uniswap := w.drafted(t, draft(merkle.OZ)), w.drafted(t, draft(merkle.Uniswap))
		one, two := numbered(1).String(), numbered(2).String()
		table := "user,owner,Quantity,Value,Rank\n" + one + "," + two + ",5,7,1\n" + two + "," + one + ",0,0,2\n"
		upload := airdrop.ListUpload{ID: oz.ID, Zero: "skip", AddressColumn: "owner", AmountColumn: "4", Chain: "eth", Body: strings.NewReader(table)}
		c := must(w.UploadList(operator, upload))(t)
		if r := c.Report; c.Count != 1 || c.Total.Dec() != "7" || r.Zeros != 1 || r.Columns.Address != "owner" || r.PassedOver != "not used: user, Quantity, Rank" {
			t.Errorf("read as %+v, %+v", c, c.Report)
		}
		for _, wrong := range []struct {
			upload airdrop.ListUpload
			body   string
			says   string
		}{
			{airdrop.ListUpload{AddressColumn: "user"}, table, "choose one with amount_column"},
			{airdrop.ListUpload{AddressColumn: "user", AmountColumn: "Value"}, table, "is zero"},
			{airdrop.ListUpload{AddressColumn: "nobody"}, table, `there is no column "nobody" (address_column)`},
			{airdrop.ListUpload{Zero: "drop"}, table, "zero: is error or skip"},
			{airdrop.ListUpload{OnDuplicate: "last"}, table, "on_duplicate: is error, sum, first or keep"},
			{airdrop.ListUpload{Chain: "nowhere"}, table, "not a chain that is known"},
			{airdrop.ListUpload{Chain: "1"}, "base:" + one + ",5\n", "is on another chain by its prefix"},
			{airdrop.ListUpload{ID: uniswap.ID}, `{"` + one + `":"100"}`, "Uniswap's scripts take it for hex digits"},
			{airdrop.ListUpload{}, "address,amount\r", "only a header"},
		} {
			if wrong.upload.ID == "" {
				wrong.upload.ID = oz.ID
			}
			wrong.upload.Body = strings.NewReader(wrong.body)
			if f := refused(w.UploadList(operator, wrong.upload))(t, fault.Invalid); !strings.Contains(f.Error(), wrong.says) {
				t.Errorf("%q: %v, want %s", wrong.body, f, wrong.says)
			}
		}
		c = must(w.UploadList(operator, airdrop.ListUpload{ID: uniswap.ID, MapAmounts: "hex", Body: strings.NewReader(`{"` + one + `":"100"}`)}))(t)
		if c.Total.Dec() != "256" || c.Report.Form != "a JSON map" {
			t.Errorf("hex digits are read as %s from %s", c.Total.Dec(), c.Report.Form)
		}
	})
}

func TestAnAnswerAboutWalletsNamesTheColumnsThatWereNotUsed(t *testing.T) {
	eachWayWith(t, service.Options{}, func(t *testing.T, w *fixture) {
		c := w.built(t, draft(merkle.OZ), three())
		ask := func(u airdrop.WalletsUpload, body string) (note, text string) {
			u.ID, u.Body = c.ID, strings.NewReader(body)
			stream := must(w.VerifyWallets(anybody, u))(t)
			var out bytes.Buffer
			if err := stream.Write(&out); err != nil {
				t.Fatal(err)
			}
			return stream.Note, out.String()
		}
		one := numbered(1).String()
		note, text := ask(airdrop.WalletsUpload{}, "wallet,tier,grösse\n"+one+",a,b\n")
		if !strings.HasPrefix(note, "not used: tier, gr") || !strings.Contains(text, `"status":"eligible"`) {
			t.Errorf("%q, %s", note, text)
		}
		if note, text = ask(airdrop.WalletsUpload{AddressColumn: "2", AmountColumn: "1"}, "101,"+one+"\n"); note != "" || !strings.Contains(text, "another amount") {
			t.Errorf("%q, %s", note, text)
		}
		if _, text = ask(airdrop.WalletsUpload{Chain: "1"}, "base:"+one+"\neth:"+one+"\n"); !strings.Contains(text, "another chain") || !strings.Contains(text, `"line":2,"address":"eth:`) || !strings.Contains(text, "eligible") {
			t.Error(text)
		}
		if _, text = ask(airdrop.WalletsUpload{}, `["`+one+`"]`+"\n"+`["0x12"]`); strings.Count(text, "\n") != 2 {
			t.Error(text)
		}
		refused(w.VerifyWallets(anybody, airdrop.WalletsUpload{ID: c.ID, Chain: "nowhere", Body: strings.NewReader(one)}))(t, fault.Invalid)
		refused(w.VerifyWallets(anybody, airdrop.WalletsUpload{ID: c.ID, Body: strings.NewReader("address\r")}))(t, fault.Invalid)
	})
}
