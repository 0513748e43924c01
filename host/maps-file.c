#include "host/maps-file.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

FILE *hn_maps_open(int directory, const char *file)
{
	int fd = openat(directory, file, O_RDONLY | O_CLOEXEC);
	FILE *maps;

	if (fd < 0)
		return NULL;
	maps = fdopen(fd, "r");
	if (!maps)
		close(fd);
	return maps;
}

bool hn_maps_next(FILE *maps, char **line, size_t *room, struct hn_maps_line *ret)
{
	while (getline(line, room, maps) > 0) {
		int name = 0;

		(*line)[strcspn(*line, "\n")] = '\0';
		if (sscanf(*line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %*s %" SCNu64 " %n", &ret->start,
			   &ret->end, ret->rights, &ret->offset, &ret->inode, &name) < 5 ||
		    ret->end <= ret->start)
			continue;
		ret->name = *line + name;
		return true;
	}
	return false;
}
