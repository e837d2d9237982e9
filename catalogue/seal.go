package catalogue

import (
	"cmp"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"io/fs"
	"slices"
	"strings"

	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/protocol"
)

// SealFile says who answers for a folder as it is.
const SealFile = "SEAL"

// sealContext keeps a folder's signature from being taken for any other.
const sealContext = "kendro/catalogue-folder/1\x00"

// hashFiles is the SHA-256 over names and texts; a seal is not part of what it seals.
func hashFiles(files []dcat.File) dcat.Hash {
	files = slices.DeleteFunc(slices.Clone(files), func(f dcat.File) bool { return f.Name == SealFile })
	slices.SortFunc(files, func(a, b dcat.File) int { return cmp.Compare(a.Name, b.Name) })
	return sha256.Sum256(protocol.Marshal(files))
}

// folderFiles are all files of a folder, those whose name begins with a dot aside.
func folderFiles(fsys fs.FS) ([]dcat.File, error) {
	var list []dcat.File
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name != "." && strings.HasPrefix(d.Name(), "."):
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.IsDir():
			return nil
		case len(list) >= 2*MaxFiles:
			return fault.New("catalogue.Seal", fault.Invalid, name, "the folder holds more files than a pack may")
		}
		text, err := readTable(fsys, name)
		list = append(list, dcat.File{Name: name, Text: text})
		return err
	})
	return list, err
}

// Seal returns what the file SEAL of a folder has to hold for the key to answer for the
// folder as it is.
func Seal(fsys fs.FS, key ed25519.PrivateKey) ([]byte, error) {
	var files []dcat.File
	var err error
	if exists(fsys, overlayFile) {
		var found []Finding
		files, found = Files(fsys)
		err = FindingsError("catalogue.Seal", found)
	} else {
		files, err = folderFiles(fsys)
	}
	if err != nil {
		return nil, fault.Wrap("catalogue.Seal", fault.Invalid, "", err)
	}
	public, ok := key.Public().(ed25519.PublicKey)
	if !ok {
		return nil, fault.New("catalogue.Seal", fault.Internal, "", "the key has no public half")
	}
	hash := hashFiles(files)
	s := Signed{Body: hash[:], Key: public, Signature: ed25519.Sign(key, sealed(hash))}
	return []byte(base64.StdEncoding.EncodeToString(protocol.Marshal(&s)) + "\n"), nil
}

func sealed(h dcat.Hash) []byte { return append([]byte(sealContext), h[:]...) }

// sourceOf says what the files are, and who answers for them where they are sealed. It
// fails with [fault.Denied] where a seal does not fit them.
func sourceOf(files []dcat.File) (dcat.Source, error) {
	out := dcat.Source{Hash: hashFiles(files), Signer: []byte{}}
	i := slices.IndexFunc(files, func(f dcat.File) bool { return f.Name == SealFile })
	if i < 0 {
		return out, nil
	}
	const op, changed = "catalogue.Seal", "the folder is not as it was sealed: put the change back, or seal it again with kendro catalogue seal"
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(files[i].Text)))
	var s Signed
	if err != nil || protocol.Unmarshal(raw, 1<<10, "seal", &s) != nil || len(s.Key) != ed25519.PublicKeySize ||
		!ed25519.Verify(s.Key, sealed(out.Hash), s.Signature) {
		return out, fault.New(op, fault.Denied, SealFile, changed)
	}
	out.Signer, out.Sealed = s.Key, true
	return out, nil
}
