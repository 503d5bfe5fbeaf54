package service

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"banyan/platform/attestation"
	"banyan/platform/fault"
	"banyan/platform/wallet"
)

// attestationCommand returns `banyan reputation attestation …`.
func attestationCommand() *cobra.Command {
	group := &cobra.Command{Use: "attestation", Short: "Check signed attestations of EAS, without a server", Args: cobra.NoArgs}
	group.AddCommand(verifyCommand())
	return group
}

func verifyCommand() *cobra.Command {
	var in string
	var asJSON bool
	c := &cobra.Command{
		Use:   "verify --in ATTESTATIONS.json",
		Short: "Say of each attestation whether its signer signed it, and what it states",
		Long: `Verify reads off-chain attestations of EAS, version 1 and 2, as the SDK and its
explorer write them: one, a JSON array, or one after the other. It checks types,
UID and signature, and says what those state that count here (trust, vouch,
report). It asks no server, so it does not know what was taken back.

A smart wallet's signature needs a chain to ask, and is not valid here. The exit
code is 1 when one is not valid.`,
		Example: `  banyan reputation attestation verify --in attestation.json
  curl -s https://example.org/api/v1/reputation/attestations/export | banyan reputation attestation verify --in - --json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return verifyAll(c, in, asJSON) },
	}
	c.Flags().StringVar(&in, "in", "", "the file with attestations; - is standard input")
	c.Flags().BoolVar(&asJSON, "json", false, "print a line of JSON for each")
	_ = c.MarkFlagRequired("in") // it exists
	return c
}

// verified is what the command says of one attestation.
type verified struct {
	Place    int              `json:"place"`
	Valid    bool             `json:"valid"`
	Signer   wallet.Address   `json:"signer"`
	UID      attestation.Hash `json:"uid"`
	Schema   string           `json:"schema"`
	Kind     string           `json:"kind"` // "" = of a schema that does not count
	Subject  wallet.Address   `json:"subject"`
	Level    int              `json:"level"`
	Context  string           `json:"context"`
	Note     string           `json:"note"`
	Time     string           `json:"time"`
	Expired  bool             `json:"expired"`
	Problems []string         `json:"problems"`
}

func verifyAll(c *cobra.Command, in string, asJSON bool) error {
	from := c.InOrStdin()
	if in != "-" {
		file, err := os.Open(in)
		if err != nil {
			return fault.Wrap(err, fault.NotFound, "the file cannot be read: "+err.Error())
		}
		defer func() { _ = file.Close() }() // it was only read
		from = file
	}
	out, place, wrong := c.OutOrStdout(), 0, 0
	err := eachPackage(from, func(text []byte) error {
		place++
		v := verify(c, text, time.Now())
		v.Place = place
		if !v.Valid {
			wrong++
		}
		if asJSON {
			return json.NewEncoder(out).Encode(v)
		}
		return v.print(out)
	})
	if err != nil {
		return err
	}
	if wrong > 0 {
		return fault.Newf(fault.Invalid, "%d of %d attestations are not valid", wrong, place)
	}
	return nil
}

func verify(c *cobra.Command, text []byte, now time.Time) verified {
	v := verified{Problems: []string{}}
	p, err := attestation.Parse(text)
	if err == nil {
		v.Signer, v.UID, v.Schema, v.Subject = p.Signer, p.Sig.UID, string(p.Sig.Message.Schema), p.Sig.Message.Recipient
		v.Time = secondsOf(p.Sig.Message.Time)
		v.Expired = expiresAt(&p.Sig.Message) <= now.Unix()
		err = p.Sig.Check()
	}
	if err == nil {
		row := attestationRow{}
		err = service{}.checkSigner(c.Context(), &p, &row)
		v.Signer = p.Signer
	}
	if err != nil {
		v.Problems = problemsOf(err)
		return v
	}
	v.Valid = true
	for _, schema := range attestation.Schemas() {
		if schema.UID() != p.Sig.Message.Schema.Hash() {
			continue
		}
		said, err := schema.Decode(p.Sig.Message.Data)
		if err != nil { // the signature is right, and what was signed is not
			v.Valid, v.Problems = false, problemsOf(err)
			return v
		}
		v.Kind, v.Subject, v.Level, v.Context, v.Note = said.Kind, said.Subject, said.Level, said.Context, said.Note
	}
	return v
}

func (v verified) print(out io.Writer) error {
	if !v.Valid {
		_, err := fmt.Fprintf(out, "%d: NOT VALID: %s\n", v.Place, v.Problems[0])
		for _, more := range v.Problems[1:] {
			fmt.Fprintf(out, "   %s\n", more)
		}
		return err
	}
	says := "states something in the schema " + v.Schema + ", which does not count here, about " + v.Subject.String()
	switch v.Kind {
	case attestation.Trust:
		says = fmt.Sprintf("trusts %s with level %d", v.Subject, v.Level)
		if v.Context != "" {
			says += " in " + v.Context
		}
	case attestation.Vouch:
		says = "vouches for " + v.Subject.String()
	case attestation.Report:
		says = "warns of " + v.Subject.String()
	}
	expired := ""
	if v.Expired {
		expired = "; it has expired"
	}
	_, err := fmt.Fprintf(out, "%d: valid: %s %s, on %s%s\n   UID %s\n", v.Place, v.Signer, says, v.Time, expired, v.UID)
	return err
}
