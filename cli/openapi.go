package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"banyan/platform/host"
)

// openapiCommand prints the document that a server has at /api/openapi.json.
func openapiCommand(program host.Program) *cobra.Command {
	return &cobra.Command{
		Use: "openapi", Short: "Print the API as an OpenAPI document", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			document, err := program.APIDocument("")
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\n", document)
			return err
		},
	}
}
