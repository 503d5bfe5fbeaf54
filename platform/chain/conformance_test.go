package chain_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/ethclient"
	"github.com/ethereum/go-ethereum/rpc"

	"banyan/platform/testenv/testneeds"
)

// TestNodesAnswersAreReadRight reads the answers that execution-apis records of a
// node, with the client and the types that this package reads nodes with: whatever a
// type holds is what stood in the answer, hashes of headers are computed again, and
// an error keeps its code and its words.
func TestNodesAnswersAreReadRight(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(testneeds.Data(t, "rpc-conformance"), "*", "*.io"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 46 {
		t.Errorf("%d files are read, want 46 or more", len(files))
	}
	for _, file := range files {
		method := filepath.Base(filepath.Dir(file))
		t.Run(method+"/"+strings.TrimSuffix(filepath.Base(file), ".io"), func(t *testing.T) { readRecorded(t, method, file) })
	}
}

func readRecorded(t *testing.T, method, file string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var asked struct {
		Method string `json:"method"`
		Params []any  `json:"params"`
	}
	var answer []byte
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		if body, ok := strings.CutPrefix(lines.Text(), ">> "); ok {
			if err := json.Unmarshal([]byte(body), &asked); err != nil {
				t.Fatal(err)
			}
		}
		if body, ok := strings.CutPrefix(lines.Text(), "<< "); ok {
			answer = []byte(body)
		}
	}
	if answer == nil {
		t.Skip("nothing is recorded in it")
	}
	if asked.Method != method {
		t.Fatalf("the file asks %s", asked.Method)
	}
	recorded := struct {
		Result json.RawMessage `json:"result"`
		Error  *struct {
			Code    int    `json:"code"`
			Message string `json:"message"`
			Data    any    `json:"data"`
		} `json:"error"`
	}{}
	if err := json.Unmarshal(answer, &recorded); err != nil {
		t.Fatal(err)
	}
	node := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var q struct {
			ID json.RawMessage `json:"id"`
		}
		body, _ := io.ReadAll(r.Body)
		_ = json.Unmarshal(body, &q)
		var whole map[string]json.RawMessage
		_ = json.Unmarshal(answer, &whole)
		whole["id"] = q.ID
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(whole)
	}))
	defer node.Close()
	client, err := ethclient.DialContext(t.Context(), node.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	into := holderOf(method)
	err = client.Client().CallContext(t.Context(), into, asked.Method, asked.Params...)
	if recorded.Error != nil {
		var with rpc.DataError
		var coded rpc.Error
		if !errors.As(err, &coded) || coded.ErrorCode() != recorded.Error.Code || err.Error() != recorded.Error.Message {
			t.Fatalf("the error is read as %v, want %+v", err, recorded.Error)
		}
		if errors.As(err, &with) && with.ErrorData() != recorded.Error.Data {
			t.Errorf("its data is %v, want %v", with.ErrorData(), recorded.Error.Data)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(into)
	if err != nil {
		t.Fatal(err)
	}
	var got, want any
	if err := errors.Join(json.Unmarshal(again, &got), json.Unmarshal(recorded.Result, &want)); err != nil {
		t.Fatal(err)
	}
	holds(t, method, got, want)
}

// holderOf returns what an answer is read into.
func holderOf(method string) any {
	switch method {
	case "eth_getLogs":
		return new([]types.Log)
	case "eth_getBlockReceipts":
		return new([]*types.Receipt)
	case "eth_getTransactionReceipt":
		return new(*types.Receipt)
	case "eth_getBlockByNumber":
		return new(*types.Header)
	case "eth_call":
		return new(hexutil.Bytes)
	default: // eth_getProof
		return new(struct {
			Address      common.Address `json:"address"`
			AccountProof []string       `json:"accountProof"`
			Balance      *hexutil.Big   `json:"balance"`
			CodeHash     common.Hash    `json:"codeHash"`
			Nonce        hexutil.Uint64 `json:"nonce"`
			StorageHash  common.Hash    `json:"storageHash"`
			StorageProof []struct {
				Key   string       `json:"key"`
				Value *hexutil.Big `json:"value"`
				Proof []string     `json:"proof"`
			} `json:"storageProof"`
		})
	}
}

// holds checks that what was read is what stood there: fields that a type leaves out
// may miss, none may differ. "hash" of a header is computed from the others.
func holds(t *testing.T, at string, got, want any) {
	t.Helper()
	switch g := got.(type) {
	case map[string]any:
		w, ok := want.(map[string]any)
		if !ok {
			t.Fatalf("%s: read %v, want %v", at, got, want)
		}
		for name, value := range g {
			if stood, there := w[name]; there {
				holds(t, at+"."+name, value, stood)
			} else if _, early := w["root"]; value != nil && value != "0x" && (name != "status" || !early) { // before Byzantium a receipt had the one, and since the other
				t.Errorf("%s.%s: read %v, which stands nowhere", at, name, value)
			}
		}
	case []any:
		w, ok := want.([]any)
		if !ok || len(g) != len(w) {
			t.Fatalf("%s: read %v, want %v", at, got, want)
		}
		for i := range g {
			holds(t, at, g[i], w[i])
		}
	default:
		noContract := want == nil && strings.HasSuffix(at, ".contractAddress") // read as the zero address
		if got != want && !noContract {
			t.Errorf("%s: read %v, want %v", at, got, want)
		}
	}
}
