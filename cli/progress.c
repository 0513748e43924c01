#include "cli/progress.h"

#include <langinfo.h>
#include <string.h>
#include <sys/ioctl.h>

#include "cli/canvas.h"

#define COLUMNS_DEFAULT 80 /* of a terminal that does not tell */
#define COLUMNS_MOST 400   /* nobody says more in one line */

static unsigned columns_of(FILE *terminal)
{
	struct winsize size;
	unsigned columns = COLUMNS_DEFAULT;

	if (ioctl(fileno(terminal), TIOCGWINSZ, &size) == 0 && size.ws_col > 1)
		columns = size.ws_col;
	return columns < COLUMNS_MOST ? columns : COLUMNS_MOST;
}

void hn_progress_draw(FILE *terminal, const char *text)
{
	/* the last column stays free: what is written there moves some terminals' cursors to the next line */
	unsigned columns = columns_of(terminal) - 1;
	HN_AUTO(hn_canvas)
	struct hn_canvas *line = hn_canvas_new(1, columns, strcmp(nl_langinfo(CODESET), "UTF-8") == 0);
	char shown[4 * COLUMNS_MOST + 64];

	if (!line)
		return;
	hn_canvas_put(line, 0, 0, (int)columns, HN_TONE_PLAIN, text);
	fprintf(terminal, "\r\033[K%s", hn_canvas_row(line, 0, false, shown, sizeof(shown)));
	fflush(terminal);
}

void hn_progress_clear(FILE *terminal)
{
	fputs("\r\033[K", terminal);
	fflush(terminal);
}
