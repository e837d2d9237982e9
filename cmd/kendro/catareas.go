package main

import (
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"

	"kendro/catalogue"
	"kendro/domain/fault"
	"kendro/pack/bd"
)

func catalogueAreasCmd() *cobra.Command {
	var pack string
	cmd := &cobra.Command{
		Use: "areas FOLDER", Short: "Make a pack's areas.csv from published lists", Args: cobra.ExactArgs(1),
		Long: `Reads divisions.csv, districts.csv, upazilas.csv and unions.csv of a folder, none with a
header: the list's own number, the number of the area above (not for divisions), the
name in English, the name in Bangla, and whatever follows. Divisions and districts must
stand in the pack under their official codes; the lists' own numbers are not kept. What
the pack has not yet gets a provisional code of two digits, alphabetical within the area
above, with gaps. Replace it by the official one before a centre there is enrolled.`,
		Example: "  kendro catalogue areas lists --pack bd",
		RunE: func(cmd *cobra.Command, args []string) error {
			lists, err := folder(args[0])
			if err != nil {
				return err
			}
			return printAreas(lists, pack, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringVar(&pack, "pack", "bd", "pack to begin with: bd, the one in this binary, or a folder")
	return cmd
}

func printAreas(lists fs.FS, pack string, out, say io.Writer) error {
	files := bd.Pack()
	if pack != "bd" {
		var err error
		if files, err = folder(pack); err != nil {
			return err
		}
	}
	p, found := catalogue.LoadPack(files)
	if len(found) > 0 {
		return fault.New("catalogue.areas", fault.Invalid, pack, "run kendro catalogue lint on it first: "+found[0].String())
	}
	h, err := catalogue.ReadHierarchy(lists, p.Directory.Areas)
	if err != nil {
		return err
	}
	text, err := catalogue.WriteAreas(areasComment(h), h.Areas)
	if err != nil {
		return err
	}
	if _, err := out.Write(text); err != nil {
		return printed(err)
	}
	for _, d := range h.Doubles {
		_, _ = fmt.Fprintf(say, "left out, listed twice: %s\n", d) // Nobody is told of a closed stderr.
	}
	for _, u := range h.Unlisted {
		_, _ = fmt.Fprintf(say, "in the pack and not in the lists, perhaps spelt otherwise there: %s\n", u)
	}
	_, err = fmt.Fprintf(say, "%d areas; provisional codes: %d upazilas, %d unions\n",
		len(h.Areas), h.Provisional["upazila"], h.Provisional["union"])
	return printed(err)
}

// areasComment heads the file, so that nobody enrols a centre under a code that
// will change.
func areasComment(h *catalogue.Hierarchy) []string {
	text := fmt.Sprintf(`Areas: code,parent,level,bn,en

Made by kendro catalogue areas. PROVISIONAL: the codes of %d upazilas and %d unions,
which no official list gave. Replace them BEFORE the first centre there is enrolled:
a centre keeps its code for ever.`, h.Provisional["upazila"], h.Provisional["union"])
	return strings.Split(text, "\n")
}
