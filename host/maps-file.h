#pragma once
/*
 * maps-file - the lines of /proc/PID/maps, taken apart.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct hn_maps_line {
	uint64_t start, end;
	uint64_t offset, inode; /* in its file; 0 anonymous */
	char rights[5];         /* "rw-p", "rw-s" */
	const char *name;       /* in the line, up to its end; "" none */
};

/* A file of an open /proc/PID to be read line by line; NULL with errno. The caller closes it. */
FILE *hn_maps_open(int directory, const char *file);

/* The next mapping in order of address; false at the end. line and room are getline's, for the caller to
 * free; the name is good until the next call. */
bool hn_maps_next(FILE *maps, char **line, size_t *room, struct hn_maps_line *ret);
