/* For against_tomllib.py: loads each file named on standard input and prints one line, the status and,
 * when it is 0, the records, in the order of the store. With --put, first puts one record and saves. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <kiln/autotune.h>

static void print_hex(const char *text)
{
	printf(" ");
	if (text == NULL)
		printf("-");
	for (; text != NULL && *text != '\0'; text++)
		printf("%02x", (unsigned char)*text);
}

static bool print_record(void *user, const struct kiln_tune_record *record)
{
	char key[KILN_TUNE_KEY_HEX];

	(void)user;
	kiln_tune_key_encode(&record->key, key);
	printf("\t%s %u %u %u %u %u %u %u", key, record->workgroup_size[0], record->workgroup_size[1],
	       record->workgroup_size[2], record->unroll, record->tile[0], record->tile[1], record->tile[2]);
	printf(" %u %u %.0f %d", record->bucket, record->rounds, record->ratio_default * 10000, (int)record->status);
	print_hex(record->bad);
	print_hex(record->adapter);
	print_hex(record->recorded_at);
	print_hex(record->driver);
	return true;
}

static enum kiln_status put_and_save(struct kiln_store *store)
{
	const struct kiln_tune_record record = {
		.key = {{0x11, 0x22, 0x33}},
		.adapter = "a",
		.workgroup_size = {8, 4, 2},
		.unroll = 3,
		.tile = {1, 2, 3},
		.recorded_at = "2001-02-03",
		.bucket = 9,
		.rounds = 20,
		.ratio_default = 0.75,
		.status = KILN_TUNE_KEPT,
		.bad = "hung 1x1x1\nwrong \"2x1x1\"",
	};

	KILN_TRY(kiln_store_put(store, &record));
	return kiln_store_save_if_dirty(store, NULL);
}

int main(int argc, char **argv)
{
	bool put = argc > 1 && strcmp(argv[1], "--put") == 0;
	char path[4096];

	while (fgets(path, sizeof(path), stdin) != NULL) {
		struct kiln_store *store = NULL;
		enum kiln_status status;

		path[strcspn(path, "\n")] = '\0';
		status = kiln_store_open(path, &store);
		if (status == KILN_OK && put)
			status = put_and_save(store);
		if (status == KILN_OK)
			status = kiln_store_load(store);
		printf("%s", kiln_status_name(status));
		if (status == KILN_OK)
			kiln_store_each(store, print_record, NULL);
		else
			printf("\t%s", kiln_error_message());
		printf("\n");
		kiln_store_close(&store);
	}
	return 0;
}
