package protocol

import (
	"strings"

	"kendro/domain/fault"
)

// base45 is the alphabet of RFC 9285: what a QR code holds in 5.5 bits a letter.
const base45 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"

// toBase45 writes two bytes as three letters, and a last one as two.
func toBase45(b []byte) string {
	var out strings.Builder
	for ; len(b) >= 2; b = b[2:] {
		n := int(b[0])<<8 | int(b[1])
		out.Write([]byte{base45[n%45], base45[n/45%45], base45[n/(45*45)]})
	}
	if len(b) == 1 {
		out.Write([]byte{base45[b[0]%45], base45[b[0]/45]})
	}
	return out.String()
}

// fromBase45 reads it back, or fails with [fault.Invalid].
func fromBase45(s string) ([]byte, error) {
	const op = "protocol.Base45"
	wrong := fault.New(op, fault.Invalid, "code", "it was not read whole: scan or copy it again")
	out := make([]byte, 0, len(s)/3*2+1)
	for ; len(s) >= 2; s = s[min(3, len(s)):] {
		n, most := 0, 1<<16
		if len(s) == 2 {
			most = 1 << 8
		}
		for i := min(3, len(s)) - 1; i >= 0; i-- {
			d := strings.IndexByte(base45, s[i])
			if d < 0 {
				return nil, wrong
			}
			n = n*45 + d
		}
		if n >= most {
			return nil, wrong
		}
		if most == 1<<16 {
			out = append(out, byte(n>>8))
		}
		out = append(out, byte(n))
	}
	if len(s) != 0 {
		return nil, wrong
	}
	return out, nil
}
