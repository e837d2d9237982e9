package main

import (
	"context"
	"net/url"

	"kendro/web/api"
)

// pages reads a list to its end. Each gets a page and says where the next one
// begins; "" ends the list.
func pages[T any](ctx context.Context, r *reach, path string, query url.Values, each func(*T) (next string)) error {
	client, err := r.client()
	if err != nil {
		return err
	}
	defer client.Close()
	for {
		page := new(T)
		at := path
		if len(query) > 0 {
			at += "?" + query.Encode()
		}
		if err := client.Do(ctx, api.Call{Path: at, Out: page}); err != nil {
			return err
		}
		next := each(page)
		if next == "" {
			return nil
		}
		query.Set("cursor", next)
	}
}
