#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/log.h>
#include <base/settings.h>

/* An environment of one variable. */
struct variable {
	const char *name;
	const char *value;
};

static const char *get_variable(void *user, const char *name)
{
	const struct variable *variable = user;

	return strcmp(variable->name, name) == 0 ? variable->value : NULL;
}

static struct kiln_env_source only(struct variable *variable)
{
	return (struct kiln_env_source){.get = get_variable, .user = variable};
}

static struct {
	unsigned count;
	char message[500];
} warnings;

static void catch (void *user, enum kiln_log_level level, const char *message)
{
	(void)user;
	if (level != KILN_LOG_WARN)
		return;
	warnings.count++;
	snprintf(warnings.message, sizeof(warnings.message), "%s", message);
}

static const struct {
	enum kiln_setting setting;
	const char *name;
} texts[] = {
	{KILN_SETTING_DEVICE, "KILN_DEVICE"},
	{KILN_SETTING_CACHE_DIR, "KILN_CACHE_DIR"},
	{KILN_SETTING_CACHE_PACKS, "KILN_CACHE_PACKS"},
	{KILN_SETTING_CACHE_SECRET_FILE, "KILN_CACHE_SECRET_FILE"},
	{KILN_SETTING_AUTOTUNE_STORE, "KILN_AUTOTUNE_STORE"},
};

static void text_is_taken_as_it_is(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct variable variable = {texts[i].name, "any thing"};
		struct kiln_env_source env = only(&variable);

		assert_string_equal(kiln_setting_text(&env, texts[i].setting), "any thing");
		variable.value = "";
		assert_null(kiln_setting_text(&env, texts[i].setting));
		variable.value = NULL;
		assert_null(kiln_setting_text(&env, texts[i].setting));
	}
}

static const struct {
	enum kiln_setting setting;
	const char *name;
	uint64_t initial;
} numbers[] = {
	{KILN_SETTING_CACHE_MAX_BYTES, "KILN_CACHE_MAX_BYTES", 1073741824},
	{KILN_SETTING_PIPELINE_CACHE_ENTRIES, "KILN_PIPELINE_CACHE_ENTRIES", 256},
	{KILN_SETTING_PIPELINE_CACHE_BYTES, "KILN_PIPELINE_CACHE_BYTES", 268435456},
};

static void number_is_read_or_default(void **state)
{
	static const char *const rubbish[] = {"0",       "-1",   "12x", "1.5", " 7",  "7 ",
	                                      "+7",      "0x10", "K",   "9M9", "1KB", "99999999999999999999",
	                                      "infinity"};

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		struct variable variable = {numbers[i].name, "77"};
		struct kiln_env_source env = only(&variable);

		assert_true(kiln_setting_number(&env, numbers[i].setting) == 77);
		variable.value = "3K";
		assert_true(kiln_setting_number(&env, numbers[i].setting) == 3072);
		variable.value = "";
		assert_true(kiln_setting_number(&env, numbers[i].setting) == numbers[i].initial);
		variable.value = NULL;
		assert_true(kiln_setting_number(&env, numbers[i].setting) == numbers[i].initial);
		for (size_t j = 0; j < sizeof(rubbish) / sizeof(rubbish[0]); j++) {
			variable.value = rubbish[j];
			assert_true(kiln_setting_number(&env, numbers[i].setting) == numbers[i].initial);
			assert_false(kiln_setting_fact(&env, numbers[i].setting).valid);
		}
	}
}

static const struct {
	enum kiln_setting setting;
	const char *name;
	int initial;
	struct {
		const char *word;
		int choice;
	} words[5];
} choices[] = {
	{KILN_SETTING_CACHE,
         "KILN_CACHE",
         KILN_CACHE_MODE_RW,
         {{"off", KILN_CACHE_MODE_OFF}, {"ro", KILN_CACHE_MODE_RO}, {"rw", KILN_CACHE_MODE_RW}}},
	{KILN_SETTING_CACHE_EXPECT,
         "KILN_CACHE_EXPECT",
         KILN_CACHE_EXPECT_NOTHING,
         {{"warm", KILN_CACHE_EXPECT_WARM}}},
	{KILN_SETTING_AUTOTUNE,
         "KILN_AUTOTUNE",
         KILN_AUTOTUNE_MODE_USE,
         {{"off", KILN_AUTOTUNE_MODE_OFF},
          {"use", KILN_AUTOTUNE_MODE_USE},
          {"tune", KILN_AUTOTUNE_MODE_TUNE},
          {"retune", KILN_AUTOTUNE_MODE_RETUNE}}},
	{KILN_SETTING_VALIDATION, "KILN_VALIDATION", 0, {{"0", 0}, {"1", 1}}},
	{KILN_SETTING_LOG,
         "KILN_LOG",
         KILN_LOG_WARN,
         {{"error", KILN_LOG_ERROR},
          {"warn", KILN_LOG_WARN},
          {"info", KILN_LOG_INFO},
          {"debug", KILN_LOG_DEBUG}}},
};

static void choice_is_read_or_default(void **state)
{
	static const char *const rubbish[] = {"yes", "RW", "off ", "2", "wa", "warmer"};

	(void)state;
	for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
		struct variable variable = {choices[i].name, NULL};
		struct kiln_env_source env = only(&variable);

		assert_int_equal(kiln_setting_choice(&env, choices[i].setting), choices[i].initial);
		variable.value = "";
		assert_int_equal(kiln_setting_choice(&env, choices[i].setting), choices[i].initial);
		for (size_t j = 0; j < 5 && choices[i].words[j].word != NULL; j++) {
			variable.value = choices[i].words[j].word;
			assert_int_equal(kiln_setting_choice(&env, choices[i].setting),
			                 choices[i].words[j].choice);
			assert_true(kiln_setting_fact(&env, choices[i].setting).valid);
		}
		for (size_t j = 0; j < sizeof(rubbish) / sizeof(rubbish[0]); j++) {
			variable.value = rubbish[j];
			assert_int_equal(kiln_setting_choice(&env, choices[i].setting), choices[i].initial);
			assert_false(kiln_setting_fact(&env, choices[i].setting).valid);
		}
	}
}

/* Runs first: a variable's warning is given once per process, and not used up while nobody listens. */
static void rubbish_warns_once_per_variable(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		struct variable variable = {numbers[i].name, "rubbish"};
		struct kiln_env_source env = only(&variable);

		kiln_log_set(NULL, NULL, 0);
		kiln_setting_number(&env, numbers[i].setting);
		kiln_log_set(catch, NULL, KILN_LOG_WARN);
		warnings.count = 0;
		kiln_setting_number(&env, numbers[i].setting);
		assert_int_equal(warnings.count, 1);
		assert_non_null(strstr(warnings.message, numbers[i].name));
		assert_non_null(strstr(warnings.message, "'rubbish'"));
		assert_non_null(strstr(warnings.message, "Fix: "));
		kiln_setting_number(&env, numbers[i].setting);
		assert_int_equal(warnings.count, 1);
	}
	for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
		struct variable variable = {choices[i].name, "rubbish"};
		struct kiln_env_source env = only(&variable);

		warnings.count = 0;
		kiln_setting_choice(&env, choices[i].setting);
		kiln_setting_choice(&env, choices[i].setting);
		assert_int_equal(warnings.count, 1);
		assert_non_null(strstr(warnings.message, choices[i].name));
	}
	kiln_log_set(NULL, NULL, 0);
}

static void looking_at_facts_never_warns(void **state)
{
	struct variable variable = {"KILN_CACHE", "nonsense"};
	struct kiln_env_source env = only(&variable);

	(void)state;
	kiln_log_set(catch, NULL, KILN_LOG_WARN);
	warnings.count = 0;
	assert_false(kiln_setting_fact(&env, KILN_SETTING_CACHE).valid);
	assert_int_equal(warnings.count, 0);
	kiln_log_set(NULL, NULL, 0);
}

static void suffixes_are_powers_of_1024_without_overflow(void **state)
{
	uint64_t value = 5;

	(void)state;
	assert_true(kiln_parse_number("1", &value) && value == 1);
	assert_true(kiln_parse_number("007", &value) && value == 7);
	assert_true(kiln_parse_number("18446744073709551615", &value) && value == UINT64_MAX);
	assert_true(kiln_parse_number("2K", &value) && value == 2048);
	assert_true(kiln_parse_number("3M", &value) && value == 3 * 1048576);
	assert_true(kiln_parse_number("17179869183G", &value) && value == UINT64_C(17179869183) << 30);
	value = 5;
	assert_false(kiln_parse_number("17179869184G", &value));
	assert_false(kiln_parse_number("18446744073709551616", &value));
	assert_false(kiln_parse_number("", &value));
	assert_false(kiln_parse_number("0K", &value));
	assert_false(kiln_parse_number("1k", &value));
	assert_false(kiln_parse_number("1KK", &value));
	assert_int_equal(value, 5);
}

static void every_variable_is_a_complete_fact(void **state)
{
	(void)state;
	assert_int_equal(kiln_env_count(), KILN_SETTING_COUNT);
	for (size_t i = 0; i < kiln_env_count(); i++) {
		struct kiln_env_fact fact = kiln_env_fact(i);

		assert_int_equal(strncmp(fact.name, "KILN_", 5), 0);
		assert_in_range(strlen(fact.meaning), 5, 80);
		assert_in_range(strlen(fact.accepts), 4, 80);
		assert_in_range(strlen(fact.default_value), 1, 80);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(fact.name, kiln_env_fact(j).name);
	}
	assert_null(kiln_env_fact(kiln_env_count()).name);
}

static void facts_show_the_process_environment(void **state)
{
	struct kiln_env_fact fact;

	(void)state;
	setenv("KILN_DEVICE", "cpu", 1);
	fact = kiln_env_fact(KILN_SETTING_DEVICE);
	assert_string_equal(fact.name, "KILN_DEVICE");
	assert_string_equal(fact.value, "cpu");
	assert_true(fact.valid);
	setenv("KILN_VALIDATION", "maybe", 1);
	fact = kiln_env_fact(KILN_SETTING_VALIDATION);
	assert_string_equal(fact.value, "maybe");
	assert_false(fact.valid);
	unsetenv("KILN_DEVICE");
	unsetenv("KILN_VALIDATION");
	fact = kiln_env_fact(KILN_SETTING_VALIDATION);
	assert_null(fact.value);
	assert_true(fact.valid);
}

static void secret_is_taken_and_never_shown(void **state)
{
	struct variable variable = {"KILN_CACHE_SECRET", "correct horse battery"};
	struct kiln_env_source env = only(&variable);
	struct kiln_env_fact fact = kiln_setting_fact(&env, KILN_SETTING_CACHE_SECRET);
	char longest[KILN_SECRET_BYTES_MAX + 2];

	(void)state;
	assert_string_equal(kiln_setting_text(&env, KILN_SETTING_CACHE_SECRET), "correct horse battery");
	assert_string_equal(fact.value, "(hidden)");
	assert_true(fact.valid);
	variable.value = "too short";
	fact = kiln_setting_fact(&env, KILN_SETTING_CACHE_SECRET);
	assert_string_equal(fact.value, "(hidden)");
	assert_false(fact.valid);
	memset(longest, 'x', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	variable.value = longest;
	assert_false(kiln_setting_fact(&env, KILN_SETTING_CACHE_SECRET).valid);
	variable.value = longest + 1;
	assert_true(kiln_setting_fact(&env, KILN_SETTING_CACHE_SECRET).valid);
	variable.value = "";
	fact = kiln_setting_fact(&env, KILN_SETTING_CACHE_SECRET);
	assert_null(fact.value);
	assert_true(fact.valid);
}

static const char *two_secrets(void *user, const char *name)
{
	(void)user;
	if (strcmp(name, "KILN_CACHE_SECRET") == 0)
		return "correct horse battery";
	return strcmp(name, "KILN_CACHE_SECRET_FILE") == 0 ? "/secret" : NULL;
}

/* With both the cache stays closed. */
static void secret_beside_a_secret_file_makes_no_sense(void **state)
{
	struct kiln_env_source env = {.get = two_secrets};

	(void)state;
	assert_false(kiln_setting_fact(&env, KILN_SETTING_CACHE_SECRET).valid);
	assert_true(kiln_setting_fact(&env, KILN_SETTING_CACHE_SECRET_FILE).valid);
}

/* The printed default is what the code does. */
static void printed_number_defaults_are_true(void **state)
{
	uint64_t value;

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		assert_true(kiln_parse_number(kiln_env_fact(numbers[i].setting).default_value, &value));
		assert_true(value == numbers[i].initial);
	}
	for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
		struct variable variable = {choices[i].name, kiln_env_fact(choices[i].setting).default_value};
		struct kiln_env_source env = only(&variable);

		assert_int_equal(kiln_setting_choice(&env, choices[i].setting), choices[i].initial);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rubbish_warns_once_per_variable),
		cmocka_unit_test(text_is_taken_as_it_is),
		cmocka_unit_test(number_is_read_or_default),
		cmocka_unit_test(choice_is_read_or_default),
		cmocka_unit_test(looking_at_facts_never_warns),
		cmocka_unit_test(suffixes_are_powers_of_1024_without_overflow),
		cmocka_unit_test(every_variable_is_a_complete_fact),
		cmocka_unit_test(facts_show_the_process_environment),
		cmocka_unit_test(printed_number_defaults_are_true),
		cmocka_unit_test(secret_is_taken_and_never_shown),
		cmocka_unit_test(secret_beside_a_secret_file_makes_no_sense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
