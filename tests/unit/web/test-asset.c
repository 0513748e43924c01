#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "web/asset.h"

static void assert_is_file(const struct hn_asset *asset)
{
	char path[512], *bytes = malloc(asset->length + 1);
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", PAGE_FOLDER, asset->name);
	file = fopen(path, "r");
	assert_non_null(file);
	assert_non_null(bytes);
	assert_int_equal(fread(bytes, 1, asset->length + 1, file), asset->length);
	assert_memory_equal(bytes, asset->data, asset->length);
	fclose(file);
	free(bytes);
}

static void test_every_file_is_in(void **state)
{
	DIR *folder = opendir(PAGE_FOLDER);
	const struct dirent *entry;
	size_t found = 0, in = 0;

	assert_non_null(folder);
	while ((entry = readdir(folder))) {
		const struct hn_asset *asset = hn_asset_find(entry->d_name);

		if (entry->d_name[0] == '.')
			continue;
		assert_non_null(asset);
		assert_string_equal(asset->name, entry->d_name);
		assert_is_file(asset);
		found++;
	}
	closedir(folder);
	while (hn_assets[in].name)
		in++;
	assert_int_equal(found, in);
	assert_true(in > 0);
}

static void test_no_other(void **state)
{
	static const char *const names[] = {
		"", "host", "HOST.HTML", "host.html ", "../page/host.html", "nothing.js"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		assert_null(hn_asset_find(names[i]));
}

static void test_tags_tell_files_apart(void **state)
{
	for (const struct hn_asset *a = hn_assets; a->name; a++) {
		/* a strong tag: quoted, nothing in front */
		assert_int_equal(strlen(a->tag), 18);
		assert_true(a->tag[0] == '"' && a->tag[17] == '"');
		for (const struct hn_asset *b = hn_assets; b < a; b++)
			assert_string_not_equal(a->tag, b->tag);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_file_is_in),
		cmocka_unit_test(test_no_other),
		cmocka_unit_test(test_tags_tell_files_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
