#pragma once
/*
 * plain - text that others have chosen and people will read: names of threads, files and guests.
 */

/*
 * A blank for a tab and the end of a line, '?' for each byte of any other control character: C0, DEL, and C1,
 * which in UTF-8 is two bytes. A terminal or the lines of a log would obey them.
 */
void hn_make_plain(char *text);
