package webhooks

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"time"
)

// The headers of a request, by Standard Webhooks.
const (
	HeaderID        = "Webhook-Id"        // the same in each attempt of a message
	HeaderTimestamp = "Webhook-Timestamp" // of the attempt, in seconds
	HeaderSignature = "Webhook-Signature" // "v1," and base64, one for each secret in force, separated by spaces
)

const secretPrefix = "whsec_"

// newSecret makes a key of 256 bits.
func newSecret() []byte {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails: Go ends the program instead
	return key
}

// shown is how people and libraries write a secret.
func shown(key []byte) string { return secretPrefix + base64.StdEncoding.EncodeToString(key) }

// sign returns the signatures of a request by all keys.
func sign(id string, at time.Time, body string, keys ...[]byte) string {
	signatures := ""
	for _, key := range keys {
		mac := hmac.New(sha256.New, key)
		_, _ = mac.Write([]byte(id + "." + strconv.FormatInt(at.Unix(), 10) + "." + body)) // a hash never fails
		if signatures != "" {
			signatures += " "
		}
		signatures += "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	return signatures
}

// randomName names a process in leases.
func randomName() string {
	var name [8]byte
	_, _ = rand.Read(name[:]) // likewise
	return hex.EncodeToString(name[:])
}
