#include "script.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *const names[HOSTILE_RULE_COUNT] = {
#define NAME(rule, name) [HOSTILE_##rule] = name,
	HOSTILE_RULES(NAME)
#undef NAME
};

static _Noreturn void refuse(const char *rule)
{
	fprintf(stderr, "HOSTILE: '%s' is no rule. Fix: name[=value][@call], with a name of script.h\n",
	        rule);
	abort();
}

static enum hostile_rule find(const char *name, size_t length)
{
	for (int i = 0; i < HOSTILE_RULE_COUNT; i++)
		if (strlen(names[i]) == length && memcmp(names[i], name, length) == 0)
			return (enum hostile_rule)i;
	refuse(name);
}

/* The number after `sign`, if it is next. */
static uint32_t number_after(char sign, const char **at, const char *rule)
{
	char *end;
	unsigned long number;

	if (**at != sign)
		return 0;
	number = strtoul(*at + 1, &end, 10);
	if (number == 0 || number > UINT32_MAX || end == *at + 1)
		refuse(rule);
	*at = end;
	return (uint32_t)number;
}

static void parse(struct hostile_script *script, const char *text)
{
	while (*text) {
		const char *rule = text;
		enum hostile_rule i = find(rule, strcspn(rule, "=@,"));

		text += strcspn(rule, "=@,");
		script->rules[i].set = true;
		script->rules[i].value = number_after('=', &text, rule);
		script->rules[i].call = number_after('@', &text, rule);
		if (*text && *text != ',')
			refuse(rule);
		text += *text == ',';
	}
}

void hostile_script_init(struct hostile_script *script)
{
	const char *rules = getenv("HOSTILE"), *log = getenv("HOSTILE_LOG");

	*script = (struct hostile_script){.log = -1};
	if (log && *log)
		script->log = open(log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	parse(script, rules ? rules : "");
}

void hostile_script_finish(struct hostile_script *script)
{
	if (script->log >= 0)
		close(script->log);
}

void hostile_log(struct hostile_script *script, const char *format, ...)
{
	char line[256];
	va_list args;
	int length;

	if (script->log < 0)
		return;
	va_start(args, format);
	length = vsnprintf(line, sizeof(line) - 1, format, args);
	va_end(args);
	if (length < 0)
		abort();
	if ((size_t)length > sizeof(line) - 2)
		length = (int)sizeof(line) - 2;
	line[length++] = '\n';
	if (write(script->log, line, (size_t)length) != length)
		abort();
}

bool hostile_strikes(struct hostile_script *script, enum hostile_rule rule)
{
	unsigned call;

	if (!script->rules[rule].set)
		return false;
	call = atomic_fetch_add(&script->rules[rule].calls, 1) + 1;
	if (script->rules[rule].call && script->rules[rule].call != call)
		return false;
	hostile_log(script, "strike %s", names[rule]);
	return true;
}

uint32_t hostile_value(struct hostile_script *script, enum hostile_rule rule)
{
	return hostile_strikes(script, rule) ? script->rules[rule].value : 0;
}

void hostile_pause(struct hostile_script *script, enum hostile_rule rule)
{
	uint32_t ms = hostile_value(script, rule);
	struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

	while (ms && nanosleep(&left, &left) < 0 && errno == EINTR)
		continue;
}

void hostile_crash(void)
{
	signal(SIGSEGV, SIG_DFL);
	raise(SIGSEGV);
	abort();
}
