package service

import (
	"context"
	"errors"
	"io"
	"net/http"

	"banyan/modules/airdrop"
	"banyan/modules/airdrop/list"
	"banyan/platform/decompress"
	"banyan/platform/fault"
	"banyan/platform/merkle"
	"banyan/platform/progress"
	"banyan/platform/wallet"
)

// readList reads a whole upload. It fails with fault.Invalid, naming up to 100
// wrong rows, with fault.TooLarge, and with fault.Busy while other uploads
// occupy the memory. tell learns how far it is.
func (s *service) readList(ctx context.Context, u airdrop.ListUpload, c airdrop.Campaign, tell progress.Tell) (*merkle.List, *airdrop.ListReport, error) {
	share := s.uploads.Share(0)
	defer share.Return()
	chain, err := wallet.ParseChain(u.Chain)
	if err != nil {
		return nil, nil, err
	}
	report := &airdrop.ListReport{}
	options := list.Options{
		OnDuplicate: list.Duplicates(u.OnDuplicate),
		SkipZeros:   u.Zero == "skip",
		MaxRows:     s.options.MaxRows,
		Indexed:     c.Format.Indexed(),
		Limits:      decompress.Files(),
		Columns:     list.Columns{Address: u.AddressColumn, Amount: u.AmountColumn, Index: u.IndexColumn},
		Flags:       columnParameters,
		Chain:       chain,
		TextAmounts: list.TextAmounts(u.MapAmounts),
		Seen:        func(r airdrop.ListReport) { *report = r },
		Progress:    func(read int64) { tell(progress.Reading, read, 0) },
	}
	if u.MapAmounts == "" && c.Format == merkle.Uniswap {
		options.TextAmounts = list.Ask
	}
	options.Limits.Max, options.Limits.Reserve = s.options.MaxListBytes, share.Take
	if u.Decimals {
		options.Decimals = c.Decimals
	}
	rows, err := readRows(ctx, orEmpty(u.Body), c.Format, options)
	if err != nil {
		return nil, nil, incompleteUpload(ctx, err)
	}
	return rows, report, nil
}

// columnParameters are how callers choose columns, in the words of the API.
var columnParameters = list.Flags{Address: "address_column", Amount: "amount_column", Index: "index_column", Leaf: "the leaf address: create a campaign with it (format leaf=address)"}

// readRows reads the rows of a list for a format. In the format uniswap a list
// without indexes gets those that Uniswap's script gives.
func readRows(ctx context.Context, in io.Reader, format merkle.Format, options list.Options) (*merkle.List, error) {
	if !format.Plain() {
		rows, _, err := list.ReadLeaves(ctx, in, format.Spec().Leaf, options)
		return rows, err
	}
	options.Spelled = format == merkle.Uniswap
	return list.Read(ctx, in, options)
}

func orEmpty(body io.Reader) io.Reader {
	if body == nil {
		return http.NoBody
	}
	return body
}

// incompleteUpload returns the error of a stream with a code: fault.Invalid if
// it had none, as of a stream that did not arrive whole. Over HTTP the seam has
// done that already; in process the reader is the caller's.
func incompleteUpload(ctx context.Context, err error) error {
	var known *fault.Fault
	if errors.As(err, &known) {
		return err
	}
	if ctx.Err() != nil {
		return fault.From(ctx.Err())
	}
	return fault.Wrap(err, fault.Invalid, "the upload ended before all of it had arrived: nothing was kept, send it again")
}
