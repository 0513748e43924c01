/*
 * In the place of screen.c where homenode is built without ncurses: there is no screen, so nothing but the
 * first of these is ever called.
 */
#include <errno.h>

#include "cli/screen.h"
#include "cli/top-model.h"

int hn_screen_open(bool colour, struct hn_screen **ret, struct hn_error *err)
{
	return hn_fail(err, -EOPNOTSUPP,
		       "this homenode was built without ncurses, and top has no full screen; homenode top "
		       "--once prints one picture");
}

void hn_screen_close(struct hn_screen *screen)
{
}

void hn_screen_fit(struct hn_screen *screen)
{
}

unsigned hn_screen_rows(const struct hn_screen *screen)
{
	return 0;
}

unsigned hn_screen_columns(const struct hn_screen *screen)
{
	return 0;
}

void hn_screen_draw(struct hn_screen *screen, const struct hn_canvas *canvas)
{
}

void hn_screen_forget(struct hn_screen *screen)
{
}

int hn_screen_key(struct hn_screen *screen)
{
	return HN_KEY_NONE;
}
