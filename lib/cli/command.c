/* command: see command.h. */
#include "command.h"

#include "quote.h"
#include "spelling.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGE_MAX 8192

/* One line, escaped: a message quotes files, servers and names of files. */
static void
print_text(const char *prefix, const char *fmt, va_list args)
{
	char text[MESSAGE_MAX], clean[MESSAGE_MAX * QUOTE_PUT_GROWTH];
	struct writer w = writer_of(clean, sizeof clean);

	if (vsnprintf(text, sizeof text, fmt, args) < 0)
		text[0] = '\0';
	quote_put(&w, slice_str(text));
	fprintf(stderr, "%s%.*s\n", prefix, (int)w.n, clean);
}

void
command_note(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	print_text("", fmt, args);
	va_end(args);
}

/* Who speaks, before what went wrong. */
static void
print_fault(const struct command_call *call, const char *fmt, va_list args)
{
	char prefix[64];

	snprintf(prefix, sizeof prefix, "%s: ", call->program->name);
	print_text(prefix, fmt, args);
}

static void
print_usage(FILE *to, const struct command_call *call)
{
	fprintf(to, "usage: %s %s %s\n", call->program->name,
	    call->command->name, call->command->arguments);
}

int
command_misuse(const struct command_call *call, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	print_fault(call, fmt, args);
	va_end(args);
	print_usage(stderr, call);
	return COMMAND_UNUSABLE;
}

int
command_fail(const struct command_call *call, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	print_fault(call, fmt, args);
	va_end(args);
	return COMMAND_UNUSABLE;
}

/* Whether it is a reason for which output cannot be written. */
static bool
is_write_error(int error)
{
	return error == ENOSPC || error == EIO || error == EPIPE ||
	    error == EFBIG || error == EDQUOT;
}

static int
flush(const char *program)
{
	const int before = errno;

	errno = 0;
	if (fflush(stdout) == 0 && !ferror(stdout))
		return COMMAND_DONE;
	/* an earlier write failed, and there was nothing left to flush */
	if (errno == 0 && is_write_error(before))
		errno = before;
	fprintf(stderr, "%s: cannot write to standard output%s%s\n", program,
	    errno != 0 ? ": " : "", errno != 0 ? strerror(errno) : "");
	return COMMAND_UNUSABLE;
}

int
command_flush(const struct command_call *call)
{
	return flush(call->program->name);
}

static void
print_program_help(FILE *to, const struct command_program *program)
{
	int width = 0;

	for (size_t i = 0; i < program->command_count; i++)
		if ((int)strlen(program->commands[i].name) > width)
			width = (int)strlen(program->commands[i].name);
	fprintf(to, "usage: %s COMMAND [options] ...\n\n%s\ncommands:\n",
	    program->name, program->text);
	for (size_t i = 0; i < program->command_count; i++)
		fprintf(to, "  %-*s  %s\n", width, program->commands[i].name,
		    program->commands[i].summary);
	fprintf(to,
	    "\n%s help COMMAND describes a command, %s --version prints the "
	    "version.\n\nexamples:\n%s",
	    program->name, program->name, program->examples);
}

static void
print_command_help(const struct command_call *call, const struct opts *o)
{
	const struct command *command = call->command;

	print_usage(stdout, call);
	printf("\n%s", command->text);
	if (o->count > 0)
		printf("\noptions:\n");
	opts_print(o, stdout);
	if (command->notes != NULL)
		printf("\n%s", command->notes);
	printf("\nexamples:\n%s", command->examples);
}

size_t
command_options(
    const struct command *command, struct opts_option *table, void *values)
{
	size_t count = 0;

	if (command->more_options != NULL)
		count =
		    command->more_options(table, COMMAND_OPTIONS_MAX, values);
	return count +
	    opts_bind(table + count, COMMAND_OPTIONS_MAX - count,
		command->options, command->option_count, values);
}

static int
parse_and_run(struct command_call *call, int argc, char **argv)
{
	const struct command *command = call->command;
	struct opts_option table[COMMAND_OPTIONS_MAX];
	struct opts o = { .table = table, .mixed = true };
	struct fail why = { .text = "" };

	o.count = command_options(command, table, call->values);
	switch (opts_parse(&o, argc, argv, &why)) {
	case OPTS_OK:
		break;
	case OPTS_HELP:
		print_command_help(call, &o);
		return command_flush(call);
	case OPTS_BAD:
		return command_misuse(call, "%s", why.text);
	}
	call->words = o.words;
	call->word_count = o.word_count;
	if (call->program->start != NULL && call->program->start(&why) == -1)
		return command_fail(call, "%s", why.text);
	return command->run(call);
}

static int
run_command(const struct command_program *program,
    const struct command *command, int argc, char **argv)
{
	struct command_call call = { .program = program, .command = command };
	int status;

	call.values = malloc(command->values_size);
	if (call.values == NULL)
		return command_fail(&call, "not enough memory");
	memcpy(call.values, command->defaults, command->values_size);
	status = parse_and_run(&call, argc, argv);
	free(call.values);
	return status;
}

/* -name, --name or name. */
static bool
is_word(const char *word, const char *name)
{
	while (*word == '-')
		word++;
	return strcmp(word, name) == 0;
}

static const struct command *
find_command(const struct command_program *program, const char *name)
{
	for (size_t i = 0; i < program->command_count; i++)
		if (strcmp(name, program->commands[i].name) == 0)
			return &program->commands[i];
	return NULL;
}

/* The help of a command, as with its --help. */
static int
help_of(const struct command_program *program, const struct command *command)
{
	char name[] = "help", option[] = "--help";
	char *words[] = { name, option, NULL };

	return run_command(program, command, 2, words);
}

/* Says that there is no such command, and which may be meant. */
static int
no_command(const struct command_program *program, const char *name)
{
	struct spelling near = spelling_of(slice_str(name));
	const char *meant;

	for (size_t i = 0; i < program->command_count; i++)
		spelling_consider(&near, program->commands[i].name);
	meant = spelling_best(&near);
	command_note("%s: no command \"%s\"%s%s%s; %s help lists them",
	    program->name, name, meant != NULL ? " (did you mean " : "",
	    meant != NULL ? meant : "", meant != NULL ? "?)" : "",
	    program->name);
	return COMMAND_UNUSABLE;
}

int
command_main(const struct command_program *program, int argc, char **argv)
{
	const struct command *command;

	if (argc < 2) {
		print_program_help(stderr, program);
		return COMMAND_UNUSABLE;
	}
	command = find_command(program, argv[1]);
	if (command != NULL)
		return run_command(program, command, argc - 1, argv + 1);
	if (program->version != NULL && is_word(argv[1], "version")) {
		printf("%s %s\n", program->name, program->version);
		return flush(program->name);
	}
	if (is_word(argv[1], "help") || strcmp(argv[1], "-h") == 0 ||
	    strcmp(argv[1], "--h") == 0) {
		command = argc > 2 ? find_command(program, argv[2]) : NULL;
		if (command != NULL)
			return help_of(program, command);
		if (argc <= 2) {
			print_program_help(stdout, program);
			return flush(program->name);
		}
		argv++;
	}
	return no_command(program, argv[1]);
}
