/* completion: see completion.h. */
#include "completion.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What comes after an option, or as a word of a command. */
enum value_kind {
	VALUE_NONE,    /* nothing: the option is a switch */
	VALUE_FILE,    /* a file */
	VALUE_FOLDER,  /* a folder */
	VALUE_CHOICE,  /* one of the names */
	VALUE_UNKNOWN, /* something that no shell can know */
};

struct script {
	FILE *to;
	const struct command_program *program;
	const struct command *command; /* the one that is written */
	struct opts_option options[COMMAND_OPTIONS_MAX];
	size_t option_count;
	/* of a case for a command: before its name; what is done first */
	const char *case_prefix, *case_begin;
};

static bool
is_called(const struct opts_option *o, const char *arg)
{
	return o->arg != NULL && strcasecmp(o->arg, arg) == 0;
}

static enum value_kind
kind_of(const struct opts_option *o)
{
	switch (o->kind) {
	case OPTS_BOOL:
		return VALUE_NONE;
	case OPTS_CHOICE:
		return VALUE_CHOICE;
	case OPTS_TEXT:
	case OPTS_LIST:
		if (is_called(o, "file") || is_called(o, "path"))
			return VALUE_FILE;
		if (is_called(o, "folder") || is_called(o, "dir"))
			return VALUE_FOLDER;
		break;
	case OPTS_INT:
	case OPTS_DECIMAL:
	case OPTS_FLOAT:
	case OPTS_DURATION:
		break;
	}
	return VALUE_UNKNOWN;
}

/* The names of a choice, with blanks between. */
static void
put_names(FILE *to, const struct opts_option *o)
{
	const struct opts_choice *choice = o->to;

	for (size_t i = 0; choice->name(i) != NULL; i++)
		fprintf(to, "%s%s", i > 0 ? " " : "", choice->name(i));
}

/* How an option is written: --name, of one letter -n. */
static const char *
dashes(const struct opts_option *o)
{
	return o->name[1] != '\0' ? "--" : "-";
}

/* A text for single quotes, with a backslash before each of `special`. */
static void
put_escaped(FILE *to, const char *text, const char *special)
{
	for (; *text != '\0'; text++) {
		if (*text == '\'') {
			fputs("'\\''", to);
			continue;
		}
		if (strchr(special, *text) != NULL)
			fputc('\\', to);
		fputc(*text, to);
	}
}

/* Calls put for each command, with its options. -1: memory is short. */
static int
each_command(struct script *s, void (*put)(struct script *s))
{
	for (size_t i = 0; i < s->program->command_count; i++) {
		const struct command *c = &s->program->commands[i];
		void *values = malloc(c->values_size);

		if (values == NULL)
			return -1;
		memcpy(values, c->defaults, c->values_size);
		s->command = c;
		s->option_count = command_options(c, s->options, values);
		put(s);
		free(values);
	}
	return 0;
}

/* --- bash --- */

static void
put_bash_value(FILE *to, const struct opts_option *o)
{
	enum value_kind kind = kind_of(o);

	if (kind == VALUE_NONE)
		return;
	fprintf(to, "\t\t-%s|--%s)\n", o->name, o->name);
	switch (kind) {
	case VALUE_CHOICE:
		fputs("\t\t\tCOMPREPLY=($(compgen -W '", to);
		put_names(to, o);
		fputs("' -- \"$cur\"))\n", to);
		break;
	case VALUE_FOLDER:
		fputs("\t\t\tcompopt -o dirnames +o default\n", to);
		break;
	case VALUE_UNKNOWN:
		fputs("\t\t\tcompopt +o default\n", to);
		break;
	case VALUE_FILE: /* the default */
	case VALUE_NONE:
		break;
	}
	fputs("\t\t\treturn ;;\n", to);
}

static void
put_bash_command(struct script *s)
{
	const char *words = s->command->words;

	fprintf(s->to, "\t%s%s)\n\t\tcase $prev in\n", s->case_prefix,
	    s->command->name);
	for (size_t i = 0; i < s->option_count; i++)
		put_bash_value(s->to, &s->options[i]);
	fputs("\t\tesac\n\t\toptions='--help", s->to);
	for (size_t i = 0; i < s->option_count; i++)
		fprintf(
		    s->to, " %s%s", dashes(&s->options[i]), s->options[i].name);
	fputs("'\n", s->to);
	if (words != NULL)
		fprintf(s->to, "\t\tfiles=\n\t\twords='%s'\n", words);
	fputs("\t\t;;\n", s->to);
}

static int
put_bash(struct script *s)
{
	const char *name = s->program->name;

	fprintf(s->to,
	    "# bash completion for %s, made by `%s completion bash`\n"
	    "_%s()\n"
	    "{\n"
	    "\tlocal cur=${COMP_WORDS[COMP_CWORD]} options= words= files=yes\n"
	    "\tlocal prev=${COMP_WORDS[COMP_CWORD-1]}\n"
	    "\tCOMPREPLY=()\n"
	    "\t# bash takes --option=value apart\n"
	    "\tif [[ $cur == = ]]; then\n"
	    "\t\tcur=\n"
	    "\telif [[ $prev == = ]]; then\n"
	    "\t\tprev=${COMP_WORDS[COMP_CWORD-2]}\n"
	    "\tfi\n"
	    "\tif ((COMP_CWORD == 1)); then\n"
	    "\t\tcompopt +o default\n"
	    "\t\tCOMPREPLY=($(compgen -W '",
	    name, name, name);
	for (size_t i = 0; i < s->program->command_count; i++)
		fprintf(s->to, "%s ", s->program->commands[i].name);
	fputs("help --help --version' -- \"$cur\"))\n"
	      "\t\treturn\n"
	      "\tfi\n"
	      "\tcase ${COMP_WORDS[1]} in\n",
	    s->to);
	if (each_command(s, put_bash_command) == -1)
		return -1;
	fputs("\thelp)\n\t\tfiles=\n\t\twords='", s->to);
	for (size_t i = 0; i < s->program->command_count; i++)
		fprintf(s->to, "%s%s", i > 0 ? " " : "",
		    s->program->commands[i].name);
	fprintf(s->to,
	    "' ;;\n"
	    "\tesac\n"
	    "\tif [[ $cur == -* ]]; then\n"
	    "\t\tCOMPREPLY=($(compgen -W \"$options\" -- \"$cur\"))\n"
	    "\telif [[ -z $files ]]; then\n"
	    "\t\tcompopt +o default\n"
	    "\t\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
	    "\tfi\n"
	    "}\n"
	    "complete -o default -F _%s %s\n",
	    name, name);
	return 0;
}

/* --- zsh --- */

static void
put_zsh_option(FILE *to, const struct opts_option *o, const char *dash)
{
	fprintf(to, "\t\t\t'*%s%s%s[", dash, o->name,
	    kind_of(o) != VALUE_NONE && o->name[1] != '\0' ? "=" : "");
	put_escaped(to, o->help, "[]\\");
	fputc(']', to);
	switch (kind_of(o)) {
	case VALUE_NONE:
		break;
	case VALUE_FILE:
		fprintf(to, ":%s:_files", o->arg);
		break;
	case VALUE_FOLDER:
		fprintf(to, ":%s:_files -/", o->arg);
		break;
	case VALUE_CHOICE:
		fprintf(to, ":%s:(", o->arg);
		put_names(to, o);
		fputc(')', to);
		break;
	case VALUE_UNKNOWN:
		fprintf(to, ":%s: ", o->arg != NULL ? o->arg : "value");
		break;
	}
	fputs("' \\\n", to);
}

static void
put_zsh_command(struct script *s)
{
	const char *words = s->command->words;

	fprintf(s->to, "\t\t%s)\n%s\t\t\t_arguments \\\n", s->command->name,
	    s->case_begin);
	for (size_t i = 0; i < s->option_count; i++)
		put_zsh_option(s->to, &s->options[i], dashes(&s->options[i]));
	fputs("\t\t\t'(- *)--help[describe the command]'", s->to);
	if (words == NULL)
		fputs(" \\\n\t\t\t'*:file:_files'", s->to);
	else if (words[0] != '\0')
		fprintf(s->to, " \\\n\t\t\t'*:word:(%s)'", words);
	fputs("\n\t\t\t;;\n", s->to);
}

static int
put_zsh(struct script *s)
{
	const char *name = s->program->name;

	fprintf(s->to,
	    "#compdef %s\n"
	    "# zsh completion for %s, made by `%s completion zsh`\n"
	    "_%s()\n"
	    "{\n"
	    "\tlocal curcontext=$curcontext context state state_descr line\n"
	    "\tlocal -A opt_args\n"
	    "\tlocal -a commands=(\n",
	    name, name, name, name);
	for (size_t i = 0; i < s->program->command_count; i++) {
		fprintf(s->to, "\t\t'%s:", s->program->commands[i].name);
		put_escaped(s->to, s->program->commands[i].summary, ":\\");
		fputs("'\n", s->to);
	}
	fputs("\t\t'help:describe a command'\n"
	      "\t)\n"
	      "\t_arguments -C '1:command:->command' '*::word:->words' \\\n"
	      "\t\t'(- *)--help[show the commands]' "
	      "'(- *)--version[print the version]'\n"
	      "\tcase $state in\n"
	      "\tcommand) _describe command commands ;;\n"
	      "\twords)\n"
	      "\t\tcase $words[1] in\n"
	      "\t\thelp) _describe command commands ;;\n",
	    s->to);
	if (each_command(s, put_zsh_command) == -1)
		return -1;
	fprintf(s->to,
	    "\t\tesac\n"
	    "\t\t;;\n"
	    "\tesac\n"
	    "}\n"
	    "# in a file of fpath it is called, else it is made known\n"
	    "if [ \"$funcstack[1]\" = _%s ]; then\n"
	    "\t_%s \"$@\"\n"
	    "else\n"
	    "\tcompdef _%s %s\n"
	    "fi\n",
	    name, name, name, name);
	return 0;
}

/* --- fish --- */

/* What follows the name of an option. */
static void
put_fish_rest(FILE *to, const struct opts_option *o)
{
	switch (kind_of(o)) {
	case VALUE_NONE:
		break;
	case VALUE_FILE:
		fputs(" -rF", to);
		break;
	case VALUE_FOLDER:
		fputs(" -xa '(__fish_complete_directories)'", to);
		break;
	case VALUE_CHOICE:
		fputs(" -xa '", to);
		put_names(to, o);
		fputc('\'', to);
		break;
	case VALUE_UNKNOWN:
		fputs(" -x", to);
		break;
	}
	fputs(" -d '", to);
	for (const char *c = o->help; *c != '\0'; c++)
		fprintf(to, "%s%c", *c == '\'' || *c == '\\' ? "\\" : "", *c);
	fputs("'\n", to);
}

static void
put_fish_option(struct script *s, const struct opts_option *o)
{
	fprintf(s->to,
	    "complete -c %s -n '__fish_seen_subcommand_from %s' %s %s",
	    s->program->name, s->command->name,
	    o->name[1] != '\0' ? "-l" : "-s", o->name);
	put_fish_rest(s->to, o);
}

static void
put_fish_command(struct script *s)
{
	const char *name = s->program->name, *words = s->command->words;

	fprintf(s->to, "complete -c %s -n __fish_use_subcommand -a %s -d '",
	    name, s->command->name);
	for (const char *c = s->command->summary; *c != '\0'; c++)
		fprintf(
		    s->to, "%s%c", *c == '\'' || *c == '\\' ? "\\" : "", *c);
	fputs("'\n", s->to);
	if (words == NULL || words[0] != '\0')
		fprintf(s->to,
		    "complete -c %s -n '__fish_seen_subcommand_from %s' "
		    "%s%s%s\n",
		    name, s->command->name, words == NULL ? "-F" : "-a '",
		    words != NULL ? words : "", words != NULL ? "'" : "");
	for (size_t i = 0; i < s->option_count; i++)
		put_fish_option(s, &s->options[i]);
	fprintf(s->to,
	    "complete -c %s -n '__fish_seen_subcommand_from %s' -l help -d "
	    "'describe the command'\n",
	    name, s->command->name);
}

static int
put_fish(struct script *s)
{
	const char *name = s->program->name;

	fprintf(s->to,
	    "# fish completion for %s, made by `%s completion fish`\n"
	    "complete -c %s -f\n"
	    "complete -c %s -n __fish_use_subcommand -a help -d 'describe a "
	    "command'\n"
	    "complete -c %s -n __fish_use_subcommand -l help -d 'show the "
	    "commands'\n"
	    "complete -c %s -n __fish_use_subcommand -l version -d 'print the "
	    "version'\n"
	    "complete -c %s -n '__fish_seen_subcommand_from help' -a '",
	    name, name, name, name, name, name, name);
	for (size_t i = 0; i < s->program->command_count; i++)
		fprintf(s->to, "%s%s", i > 0 ? " " : "",
		    s->program->commands[i].name);
	fputs("'\n", s->to);
	return each_command(s, put_fish_command);
}

/* --- flags without commands --- */

struct flag_script {
	FILE *to;
	const char *program;
	const struct opts_option *flags;
	size_t count;
	struct script *commands; /* borrowed */
};

/* The names of the commands, with a blank after each. */
static void
put_command_names(const struct flag_script *s)
{
	const struct command_program *program = s->commands->program;

	for (size_t i = 0; i < program->command_count; i++)
		fprintf(s->to, "%s ", program->commands[i].name);
}

static int
put_bash_flags(const struct flag_script *s)
{
	fprintf(s->to,
	    "# bash completion for %s, made by `%s -completion bash`\n"
	    "_%s()\n"
	    "{\n"
	    "\tlocal cur=${COMP_WORDS[COMP_CWORD]} options= words= files=\n"
	    "\tlocal prev=${COMP_WORDS[COMP_CWORD-1]}\n"
	    "\tCOMPREPLY=()\n"
	    "\t# bash takes -flag=value apart\n"
	    "\tif [[ $cur == = ]]; then\n"
	    "\t\tcur=\n"
	    "\telif [[ $prev == = ]]; then\n"
	    "\t\tprev=${COMP_WORDS[COMP_CWORD-2]}\n"
	    "\tfi\n"
	    "\tcase $((COMP_CWORD > 1))${COMP_WORDS[1]} in\n",
	    s->program, s->program, s->program);
	if (each_command(s->commands, put_bash_command) == -1)
		return -1;
	fputs("\tesac\n"
	      "\tif [[ -n $options ]]; then\n"
	      "\t\tcompopt +o default\n"
	      "\t\tCOMPREPLY=($(compgen -W \"$options\" -- \"$cur\"))\n"
	      "\t\treturn\n"
	      "\tfi\n"
	      "\tcase $prev in\n",
	    s->to);
	for (size_t i = 0; i < s->count; i++)
		put_bash_value(s->to, &s->flags[i]);
	fputs("\tesac\n"
	      "\tcompopt +o default\n"
	      "\t((COMP_CWORD == 1)) && words='",
	    s->to);
	put_command_names(s);
	fputs("help'\n\tCOMPREPLY=($(compgen -W \"$words -h", s->to);
	for (size_t i = 0; i < s->count; i++)
		fprintf(s->to, " -%s", s->flags[i].name);
	fprintf(s->to,
	    "\" -- \"$cur\"))\n"
	    "}\n"
	    "complete -o default -F _%s %s\n",
	    s->program, s->program);
	return 0;
}

static int
put_zsh_flags(const struct flag_script *s)
{
	fprintf(s->to,
	    "#compdef %s\n"
	    "# zsh completion for %s, made by `%s -completion zsh`\n"
	    "_%s()\n"
	    "{\n"
	    "\tif (( CURRENT > 2 )) && [[ ' ",
	    s->program, s->program, s->program, s->program);
	put_command_names(s);
	fputs("' == *\" $words[2] \"* ]]; then\n"
	      "\t\tcase $words[2] in\n",
	    s->to);
	if (each_command(s->commands, put_zsh_command) == -1)
		return -1;
	fputs("\t\tesac\n"
	      "\t\treturn\n"
	      "\tfi\n"
	      "\t_arguments \\\n"
	      "\t\t\t'1:command:(",
	    s->to);
	put_command_names(s);
	fputs("help)' \\\n", s->to);
	for (size_t i = 0; i < s->count; i++)
		put_zsh_option(s->to, &s->flags[i], "-");
	fprintf(s->to,
	    "\t\t\t'(- *)-h[list the flags]'\n"
	    "}\n"
	    "# in a file of fpath it is called, else it is made known\n"
	    "if [ \"$funcstack[1]\" = _%s ]; then\n"
	    "\t_%s \"$@\"\n"
	    "else\n"
	    "\tcompdef _%s %s\n"
	    "fi\n",
	    s->program, s->program, s->program, s->program);
	return 0;
}

static int
put_fish_flags(const struct flag_script *s)
{
	fprintf(s->to,
	    "# fish completion for %s, made by `%s -completion fish`\n"
	    "complete -c %s -f\n"
	    "complete -c %s -n __fish_use_subcommand -a help -d 'describe a "
	    "command'\n"
	    "complete -c %s -o h -d 'list the flags'\n",
	    s->program, s->program, s->program, s->program, s->program);
	for (size_t i = 0; i < s->count; i++) {
		fprintf(s->to, "complete -c %s -o %s", s->program,
		    s->flags[i].name);
		put_fish_rest(s->to, &s->flags[i]);
	}
	return each_command(s->commands, put_fish_command);
}

enum completion_result
completion_put_flags(FILE *to, const struct command_program *program,
    const char *shell, const struct opts_option *flags, size_t count)
{
	struct script commands = { .to = to,
		.program = program,
		.case_prefix = "1", /* there is a word after it */
		.case_begin = "\t\t\tshift words; (( CURRENT-- ))\n" };
	const struct flag_script s = { to, program->name, flags, count,
		&commands };
	int rc;

	if (strcmp(shell, "bash") == 0)
		rc = put_bash_flags(&s);
	else if (strcmp(shell, "zsh") == 0)
		rc = put_zsh_flags(&s);
	else if (strcmp(shell, "fish") == 0)
		rc = put_fish_flags(&s);
	else
		return COMPLETION_NO_SHELL;
	return rc == 0 ? COMPLETION_DONE : COMPLETION_NO_MEMORY;
}

/* --- the command --- */

static int
run(const struct command_call *call)
{
	static const struct {
		const char *name;
		int (*put)(struct script *s);
	} shells[] = { { "bash", put_bash }, { "zsh", put_zsh },
		{ "fish", put_fish } };
	struct script s = { .to = stdout,
		.program = call->program,
		.case_prefix = "",
		.case_begin = "" };

	for (size_t i = 0;
	     call->word_count == 1 && i < sizeof shells / sizeof shells[0]; i++)
		if (strcmp(call->words[0], shells[i].name) == 0)
			return shells[i].put(&s) == 0
			    ? command_flush(call)
			    : command_fail(call, "not enough memory");
	return command_misuse(call, "give one SHELL: bash, zsh or fish");
}

static const char no_values = 0;

const struct command completion_command = {
	.name = "completion",
	.summary = "a script with which a shell completes commands and options",
	.arguments = "SHELL",
	.text =
	    "Prints a script for bash, zsh or fish that completes commands,\n"
	    "options, their values and files. Packages install it; without\n"
	    "one, see the examples.\n",
	.examples =
	    "  source <(derpmap completion bash)           # in ~/.bashrc\n"
	    "  source <(derpmap completion zsh)            # in ~/.zshrc, "
	    "after compinit\n"
	    "  derpmap completion fish | source            # in config.fish\n"
	    "  derpverify completion bash > \\\n"
	    "      ~/.local/share/bash-completion/completions/derpverify\n",
	.defaults = &no_values,
	.values_size = sizeof no_values,
	.words = "bash zsh fish",
	.run = run,
};
