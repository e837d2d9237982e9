package identity

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
)

// Devices marks the browsers in which a login was used with its password. Who has a mark has
// typed that password in that browser before, and no more: he still has to type it. A mark
// ends with the password. It is safe for concurrent use.
type Devices struct{ key []byte }

// deviceID is how many bytes tell one browser from another.
const deviceID = 12

// Devices returns the marks of the machines that accept each other's tokens.
func (s *Sessions) Devices() *Devices {
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte("kendro-devices-1"))
	return &Devices{key: mac.Sum(nil)}
}

// Mark returns a new mark for a login with that hash of its password.
func (d *Devices) Mark(user, hash string) string {
	id := make([]byte, deviceID)
	rand.Read(id) // It never fails.
	return base64.RawURLEncoding.EncodeToString(append(id, d.seal(id, user, hash)...))
}

// ID returns which browser a mark names, "" where it is none of this login's.
func (d *Devices) ID(mark, user, hash string) string {
	if len(mark) > 256 {
		return ""
	}
	raw, err := base64.RawURLEncoding.DecodeString(mark)
	if err != nil || len(raw) != deviceID+sha256.Size || !hmac.Equal(raw[deviceID:], d.seal(raw[:deviceID], user, hash)) {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(raw[:deviceID])
}

func (d *Devices) seal(id []byte, user, hash string) []byte {
	mac := hmac.New(sha256.New, d.key)
	for _, part := range [][]byte{id, []byte(user), []byte(hash)} {
		sum := sha256.Sum256(part)
		mac.Write(sum[:])
	}
	return mac.Sum(nil)
}
