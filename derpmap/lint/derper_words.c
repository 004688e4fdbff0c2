/* derper_words: see derper_words.h. */
#include "derper_words.h"

#include "derper_flags.h"

#include <string.h>

struct cursor {
	struct slice text;
	size_t at;
};

/* What is between words in any of the forms. */
bool
derper_words_separate(uint8_t c)
{
	return c != 0 && strchr(" \t\r\n\"'[],\\", c) != NULL;
}

/* The next word that is not in a comment; word->n is 0 at the end. */
static struct slice
next_word(struct cursor *c)
{
	const struct slice t = c->text;
	size_t start;

	for (;;) {
		while (c->at < t.n && derper_words_separate(t.p[c->at]))
			c->at++;
		if (c->at == t.n || t.p[c->at] != '#')
			break;
		while (c->at < t.n && t.p[c->at] != '\n')
			c->at++;
	}
	start = c->at;
	while (c->at < t.n && !derper_words_separate(t.p[c->at]))
		c->at++;
	return slice_of(t.p + start, c->at - start);
}

static struct slice
without_start(struct slice word, size_t n)
{
	return slice_of(word.p + n, word.n - n);
}

/* Whether the word is the option or variable of that name; *value is what is
 * joined to it, *is_joined whether something is. */
static bool
is_setting(struct slice word, const char *name, char sign, struct slice *value,
    bool *is_joined)
{
	const size_t n = strlen(name);

	if (!slice_starts(word, name))
		return false;
	*value = without_start(word, n);
	*is_joined = value->n > 0 && value->p[0] == (uint8_t)sign;
	if (*is_joined)
		*value = without_start(*value, 1);
	else if (value->n > 0)
		return false;
	return true;
}

/* The value of an option or variable whose word stands alone: the next word
 * unless it is another option. */
static struct slice
next_value(struct cursor c)
{
	struct slice word = next_word(&c);

	return slice_starts(word, "-") ? slice_of(word.p, 0) : word;
}

/* A variable that holds options, such as DERPER_ARGS=-derp, is read as them. */
static struct slice
without_variable(struct slice word)
{
	size_t n = 0;

	while (n < word.n &&
	    ((word.p[n] >= 'A' && word.p[n] <= 'Z') || word.p[n] == '_'))
		n++;
	if (n == 0 || !slice_starts(without_start(word, n), "=-"))
		return word;
	return without_start(word, n + 1);
}

static bool
find_option(struct slice text, const char *name, struct derper_word *found)
{
	struct cursor c = { text, 0 };
	struct slice word, value;
	bool is_joined, any = false;

	for (word = next_word(&c); word.n > 0; word = next_word(&c)) {
		const struct slice option = without_variable(word);
		size_t offset = (size_t)(option.p - text.p);
		size_t dashes = slice_starts(option, "--") ? 2
		    : slice_starts(option, "-")            ? 1
							   : 0;

		if (dashes == 0 ||
		    !is_setting(without_start(option, dashes), name, '=',
			&value, &is_joined))
			continue;
		if (!is_joined)
			value = next_value(c);
		*found = (struct derper_word){ value, offset };
		any = true;
	}
	return any;
}

static bool
find_variable(struct slice text, const char *name, struct derper_word *found)
{
	struct cursor c = { text, 0 };
	char variable[DERPER_VARIABLE_MAX];
	struct slice word, value;
	bool is_joined, any = false;

	derper_flags_variable(name, variable);
	for (word = next_word(&c); word.n > 0; word = next_word(&c)) {
		size_t offset = (size_t)(word.p - text.p);

		if (slice_starts(word, "Environment="))
			word = without_start(word, strlen("Environment="));
		if (!is_setting(word, variable, '=', &value, &is_joined) &&
		    !is_setting(word, variable, ':', &value, &is_joined))
			continue;
		/* in YAML the value is the next word */
		if (value.n == 0)
			value = next_value(c);
		*found = (struct derper_word){ value, offset };
		any = true;
	}
	return any;
}

bool
derper_words_find(struct slice text, const char *name, struct derper_word *word)
{
	return find_option(text, name, word) || find_variable(text, name, word);
}

bool
derper_words_is_on(struct slice text, const char *name)
{
	struct derper_word word;

	return derper_words_find(text, name, &word) &&
	    !slice_is_nocase(word.value, "false") &&
	    !slice_is(word.value, "0") && !slice_is_nocase(word.value, "f");
}

bool
derper_words_next_variable(
    struct slice text, size_t *at, struct derper_word *found)
{
	struct cursor c = { text, *at };
	struct slice word;

	for (word = next_word(&c); word.n > 0; word = next_word(&c)) {
		size_t n = 0;

		if (slice_starts(word, "Environment="))
			word = without_start(word, strlen("Environment="));
		if (!slice_starts(word, "DERP_"))
			continue;
		while (n < word.n &&
		    ((word.p[n] >= 'A' && word.p[n] <= 'Z') ||
			(word.p[n] >= '0' && word.p[n] <= '9') ||
			word.p[n] == '_'))
			n++;
		if (n == word.n || (word.p[n] != '=' && word.p[n] != ':'))
			continue;
		*found = (struct derper_word){ slice_of(word.p, n),
			(size_t)(word.p - text.p) };
		*at = c.at;
		return true;
	}
	return false;
}

/* Where the program's name is in a word that is its path; false: it is not. Of
 * a unit's settings one starts it, and others may end with the same name. */
static bool
is_program(struct slice word, size_t *at)
{
	static const char name[] = "derper", starts[] = "ExecStart=";
	const size_t n = strlen(name);
	struct slice path = word;

	if (slice_starts(word, starts))
		path = without_start(word, strlen(starts));
	if (path.n < n || memcmp(path.p + path.n - n, name, n) != 0 ||
	    memchr(path.p, '=', path.n) != NULL)
		return false;
	*at = word.n - n;
	return path.n == n || word.p[*at - 1] == '/';
}

static bool
find_text(struct slice text, const char *wanted, size_t *offset)
{
	const uint8_t *at =
	    text.n > 0 ? memmem(text.p, text.n, wanted, strlen(wanted)) : NULL;

	if (at != NULL)
		*offset = (size_t)(at - text.p);
	return at != NULL;
}

static bool
find_program(struct slice text, size_t from, size_t *offset)
{
	struct cursor c = { text, from };
	struct slice word;
	size_t in_word;

	for (word = next_word(&c); word.n > 0; word = next_word(&c))
		if (is_program(word, &in_word)) {
			*offset = (size_t)(word.p - text.p) + in_word;
			return true;
		}
	return false;
}

/* Not where a manual page, a folder or a description has that name. */
bool
derper_words_start(struct slice text, size_t *offset)
{
	size_t starts;

	return (find_text(text, "\nExecStart=", &starts) &&
		   find_program(text, starts, offset)) ||
	    find_program(text, 0, offset) ||
	    find_text(text, "derper", offset) ||
	    find_text(text, "DERP_", offset);
}
