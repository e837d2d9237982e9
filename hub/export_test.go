package hub

import "os"

// What follows opens the package to its own tests.

// SetStep has fn called at every durable step of a snapshot.
func (c *Config) SetStep(fn func(point string)) { c.step = fn }

// CopyFolder copies a server's folder as a kill at this moment would leave it.
func CopyFolder(to, from string) error {
	return copyFolder(to, from, func(*os.File) error { return nil })
}
