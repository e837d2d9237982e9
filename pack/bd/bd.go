// Package bd is Bangladesh as embedded data: areas, offices, posts, calendar and
// services, with Jashore district complete.
//
// Enter at [Pack], and hand it to the package kendro/catalogue. The files under
// data are the pack; a folder of the same layout on disk loads identically.
//
// It refuses to hold code: what is particular to the country is in the files.
package bd

import (
	"embed"
	"io/fs"
)

//go:embed data
var data embed.FS

// Pack returns the pack's files, with pack.yaml at the root.
func Pack() fs.FS {
	sub, err := fs.Sub(data, "data")
	if err != nil {
		panic(err) // The folder is embedded, so only a defect of ours gets here.
	}
	return sub
}
