/*
 * What the keys do and what the columns mean.
 */
#include <string.h>

#include "base/cleanup.h"
#include "cli/top-view.h"

static const char *const lines[] = {
	"Keys",
	"  Up Down PgUp PgDn Home End   choose a guest; on other pages: scroll",
	"  Enter     the guest in full, and back     Left Right: more nodes",
	"  s         sort by loss, name, locality, memory, activity",
	"  /         show only guests with that in their name; Esc shows all",
	"  c         hide cells, or show them",
	"  n         all nodes of the host",
	"  q         quit            ?  this page",
	"",
	"Nodes",
	"  3d        node 3 is being drained: homenode drain, undrain",
	"  BUSY      CPU time of guests' threads there, of all its CPUs",
	"  IN USE    memory that is neither free nor in a free huge page",
	"  FREE 4K   free base pages and clean page cache; FREE 2M, 1G: free huge pages",
	"",
	"Guests",
	"  LOCAL     share of accesses expected to be local, with how far it may be off",
	"  0123      one character a node: how much of its memory is there, from",
	"@heat",
	"            (on wide hosts a character stands for several neighbours)",
	"  HOME      where it should live; - where homenode decides nothing (observe)",
	"  TREND     of its last dozen looks: better, worse or the same; those watched",
	"  NOW       what is being done or in the way; in full for the guest chosen",
	"",
	"loss: CPUs that vCPUs keep busy, times the share of accesses that are not local.",
};

void hn_top_draw_help(struct hn_top *top, struct hn_canvas *canvas, int from, int to)
{
	int first = hn_top_page_scroll(top, HN_COUNT(lines), (unsigned)(to - from));

	for (int row = from; row < to && first + row - from < (int)HN_COUNT(lines); row++) {
		const char *line = lines[first + row - from];

		if (strcmp(line, "@heat") == 0)
			line = canvas->unicode
				       ? "            · none, ▁ an eighth or less, to █ all of it"
				       : "            . none, 0 less than a tenth, to 9 nine tenths and more";
		hn_canvas_put(canvas, row, 1, (int)canvas->columns - 2, HN_TONE_PLAIN, line);
		if (line[0] != ' ' && line[0] >= 'A' && line[0] <= 'Z')
			hn_canvas_mark(canvas, row, HN_STYLE_BOLD);
	}
}
