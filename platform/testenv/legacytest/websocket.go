// Package legacytest is a minimal WebSocket (RFC 6455) client and server, with short
// text frames only, for tests of the proxy in front of a legacy system. It is
// imported by tests only.
package legacytest

import (
	"bufio"
	"crypto/sha1" //nolint:gosec // what RFC 6455 asks for
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

const websocketKey = "dGhlIHNhbXBsZSBub25jZQ=="

func acceptOf(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) //nolint:gosec // RFC 6455, 1.3
	return base64.StdEncoding.EncodeToString(sum[:])
}

// Echo is the server's side: it sends back what it is sent.
func Echo(w http.ResponseWriter, r *http.Request) {
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }() // the client may have closed it
	fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
		acceptOf(r.Header.Get("Sec-WebSocket-Key")))
	for {
		var head [6]byte // FIN+opcode, MASK+length, mask
		if _, err := io.ReadFull(buffered, head[:]); err != nil {
			return
		}
		text := make([]byte, head[1]&0x7f)
		if _, err := io.ReadFull(buffered, text); err != nil {
			return
		}
		for i := range text {
			text[i] ^= head[2+i%4]
		}
		_, _ = conn.Write(append([]byte{0x81, byte(len(text))}, text...))
	}
}

// Dial opens a WebSocket at base, for as long as life, and returns a function that
// sends a text and returns the reply.
func Dial(t testing.TB, base, path string, life time.Duration) (say func(string) (string, error), conn net.Conn) {
	t.Helper()
	host := strings.TrimPrefix(base, "http://")
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(life)); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nAccept-Encoding: gzip, deflate\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n\r\n", path, host, websocketKey)
	reader := bufio.NewReader(conn)
	resp, err := http.ReadResponse(reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close() // a switch of protocols has none
	if resp.StatusCode != http.StatusSwitchingProtocols || resp.Header.Get("Sec-WebSocket-Accept") != acceptOf(websocketKey) {
		t.Fatalf("no WebSocket: %+v", resp)
	}
	return func(text string) (string, error) {
		mask := [4]byte{1, 2, 3, 4}
		frame := append([]byte{0x81, 0x80 | byte(len(text))}, mask[:]...)
		for i := range len(text) {
			frame = append(frame, text[i]^mask[i%4])
		}
		if _, err := conn.Write(frame); err != nil {
			return "", err
		}
		var head [2]byte
		if _, err := io.ReadFull(reader, head[:]); err != nil {
			return "", err
		}
		back := make([]byte, head[1])
		_, err := io.ReadFull(reader, back)
		return string(back), err
	}, conn
}
