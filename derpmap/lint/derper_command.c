/* derper_command: see derper_command.h. */
#include "derper_command.h"

#include "derper_flags.h"
#include "derper_words.h"

#include <string.h>

/* Where a command ends before its line does. */
#define ENDS_COMMAND ";|&<>()"

/* The words of a text, one after the other. */
struct words {
	struct slice text;
	size_t at;
	struct slice word; /* the last one that was read; empty: the end */
	bool begins_line;  /* nothing but a list's dash is before it */
	bool is_item;      /* a list's dash is before it */
	bool goes_on;      /* joined to the line before: \ or a comma */
	bool is_whole;     /* all of the text is one command */
};

/* Steps over what is between two words. */
static void
skip_gap(struct words *w)
{
	bool joins = false;

	w->begins_line = w->at == 0;
	w->goes_on = false;
	while (w->at < w->text.n && derper_words_separate(w->text.p[w->at])) {
		const uint8_t c = w->text.p[w->at++];

		if (c == '\n') {
			w->goes_on = joins;
			w->begins_line = true;
		}
		joins = c == '\\' || c == ',' ||
		    (joins && c != '\n' && derper_words_separate(c));
	}
}

static void
read_word(struct words *w)
{
	const size_t start = w->at;

	while (w->at < w->text.n && !derper_words_separate(w->text.p[w->at]))
		w->at++;
	w->word = slice_of(w->text.p + start, w->at - start);
}

/* Steps over a comment, up to its line's end. */
static bool
skip_comment(struct words *w)
{
	if (w->at == w->text.n || w->text.p[w->at] != '#')
		return false;
	while (w->at < w->text.n && w->text.p[w->at] != '\n')
		w->at++;
	return true;
}

static void
next_word(struct words *w)
{
	do
		skip_gap(w);
	while (skip_comment(w));
	read_word(w);
	w->is_item = w->begins_line && slice_is(w->word, "-");
	if (w->is_item) {
		skip_gap(w);
		read_word(w);
		w->begins_line = true;
	}
}

/* --- the program --- */

/* The last part of a path or of what is behind a name and =. */
static struct slice
last_part(struct slice word)
{
	for (size_t i = word.n; i > 0; i--)
		if (word.p[i - 1] == '/' || word.p[i - 1] == '=')
			return slice_of(word.p + i, word.n - i);
	return word;
}

/* Words after which a command begins. */
static bool
leads_to_command(struct slice word)
{
	static const char *const words[] = { "exec", "sudo", "env", "nohup",
		"CMD", "ENTRYPOINT", "command:", "entrypoint:", "args:", "&&",
		"||", "|", ";", "then", "do", "else" };

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (slice_is(word, words[i]))
			return true;
	return false;
}

/* Whether the word names the program; before is the word before it. */
static bool
is_program(const struct words *w, struct slice before)
{
	const struct slice part = last_part(w->word);
	struct slice name, version;

	slice_cut(part, ':', &name, &version);
	if (!slice_is(name, "derper") || slice_starts(w->word, "-") ||
	    (!w->begins_line && slice_starts(before, "-")))
		return false;
	return part.n < w->word.n || w->begins_line || leads_to_command(before);
}

/* --- its flags --- */

/* Whether the word is for the shell or a template: what it becomes, or whether
 * the command ends in it, is not known. */
static bool
is_for_others(struct slice word)
{
	for (size_t i = 0; i < word.n && word.p[i] != '='; i++)
		if (word.p[i] == 0 ||
		    strchr("$%{}`" ENDS_COMMAND, word.p[i]) != NULL)
			return true;
	return false;
}

/* Go's package adds these. */
static bool
is_help(struct slice name)
{
	return slice_is(name, "h") || slice_is(name, "help");
}

/* Whether the command ends with the word, as in "443;". */
static bool
ends_command(struct slice word)
{
	return word.n > 0 && word.p[word.n - 1] != 0 &&
	    strchr(ENDS_COMMAND, word.p[word.n - 1]) != NULL;
}

/* Whether the word still belongs to the command. */
static bool
is_in_command(const struct words *w, bool is_list)
{
	if (w->word.n == 0)
		return false;
	return w->is_whole || !w->begins_line || w->goes_on ||
	    (is_list && w->is_item);
}

/* Reads the flags of a command, from the word that was read on; whether one of
 * them is unknown. */
static bool
read_flags(struct words *w, bool is_list, struct derper_command_flag *found)
{
	for (; is_in_command(w, is_list); next_word(w)) {
		const struct derper_flag *flag;
		struct slice name, value;
		size_t dashes = slice_starts(w->word, "--") ? 2 : 1;
		bool is_joined;

		if (!slice_starts(w->word, "-") || w->word.n == dashes ||
		    is_for_others(w->word))
			return false;
		name = slice_of(w->word.p + dashes, w->word.n - dashes);
		is_joined = slice_cut(name, '=', &name, &value);
		flag = derper_flags_find(name);
		if (is_help(name))
			return false;
		if (flag == NULL) {
			found->name = name;
			found->offset = (size_t)(w->word.p - w->text.p);
			return true;
		}
		if (!is_joined && !flag->is_switch) {
			next_word(w);
			if (!is_in_command(w, is_list))
				return false;
		}
		if (ends_command(w->word))
			return false;
	}
	return false;
}

bool
derper_command_next_unknown(
    struct slice text, size_t *at, struct derper_command_flag *found)
{
	struct words w = { .text = text, .at = *at };
	struct slice before = slice_of(text.p, 0);
	bool any = false;

	next_word(&w);
	while (w.word.n > 0 && !any) {
		if (is_program(&w, before)) {
			const bool is_list = w.is_item;

			before = w.word;
			next_word(&w);
			/* where it stops a command may begin */
			any = read_flags(&w, is_list, found);
		} else {
			before = w.word;
			next_word(&w);
		}
	}
	*at = w.at;
	return any;
}

bool
derper_command_unknown_flag(
    struct slice flags, struct derper_command_flag *found)
{
	struct words w = { .text = flags, .is_whole = true };

	next_word(&w);
	return read_flags(&w, false, found);
}
