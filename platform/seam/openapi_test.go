package seam_test

import (
	"encoding/json"
	"strings"
	"testing"

	"banyan/platform/seam"
)

func TestOpenAPIDescribesEveryOperation(t *testing.T) {
	text, err := json.Marshal(seam.OpenAPI("Test", "1", contract))
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Paths map[string]map[string]struct {
			OperationID string `json:"operationId"`
			Parameters  []struct {
				Name, In string
				Required bool
			}
			Security    []any
			RequestBody struct {
				Content map[string]struct{ Schema map[string]any }
			}
		}
		Components struct {
			Schemas map[string]struct{ Properties map[string]any }
		}
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	read := doc.Paths["/api/v1/testModule/groups/{group}/members/{wallet}"]["get"]
	var names []string
	for _, p := range read.Parameters {
		names = append(names, p.In+" "+p.Name)
	}
	if got := strings.Join(names, ", "); got != "path group, path wallet, query ratio, query limit, query exact, query mark" {
		t.Errorf("parameters: %s", got)
	}
	if read.OperationID != "testModule.found" || read.Security == nil || len(read.Security) != 0 { // an empty list says that it needs none
		t.Errorf("read: %+v", read)
	}
	write := doc.Paths["/api/v1/testModule/batches/{id}/batch"]["post"]
	if len(write.Security) == 0 || write.RequestBody.Content["application/json"].Schema["$ref"] != "#/components/schemas/seam.test.batch" {
		t.Errorf("write: %+v", write)
	}
	if _, leaked := doc.Components.Schemas["seam.test.batch"].Properties["ID"]; leaked {
		t.Error("a path field stands in the body's schema")
	}
	if upload := doc.Paths["/api/v1/testModule/upload"]["put"]; upload.RequestBody.Content["text/csv"].Schema["format"] != "binary" {
		t.Errorf("upload: %+v", upload)
	}
	if len(doc.Paths) != 7 {
		t.Errorf("%d paths, want 7", len(doc.Paths))
	}
}
