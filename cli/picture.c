#include "cli/picture.h"

#include <stdlib.h>

struct hn_picture *hn_picture_new(void)
{
	return calloc(1, sizeof(struct hn_picture));
}

void hn_picture_free(struct hn_picture *picture)
{
	if (!picture)
		return;
	hn_brief_list_done(&picture->guests);
	hn_report_free(picture->detail);
	hn_activity_free(picture->activity);
	hn_host_free(picture->host);
	free(picture);
}
