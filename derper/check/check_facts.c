/* check_facts: see check_facts.h. */
#include "check_facts.h"

#include "flag_effects.h"
#include "log.h"
#include "server_status.h"
#include "verify.h"

#include <stdio.h>
#include <stdlib.h>

static void
add(struct check_facts_notes *notes, unsigned about, struct slice text)
{
	struct check_facts_note *note;

	if (notes->n == CHECK_FACTS_NOTES)
		return;
	note = &notes->v[notes->n++];
	note->about = about;
	snprintf(note->text, sizeof note->text, "%.*s", (int)text.n,
	    (const char *)text.p);
}

/* What a start would log. */
static void
take_line(void *ctx, enum log_level level, struct slice message)
{
	struct check_facts *c = ctx;
	static const char prefix[] = "derper: ";

	if (level > LOG_LEVEL_WARN)
		return;
	if (slice_starts(message, prefix))
		message = slice_of(message.p + sizeof prefix - 1,
		    message.n - (sizeof prefix - 1));
	add(&c->warnings, c->about, message);
}

static void
note_result(struct check_facts *c, int rc, const struct fail *why)
{
	if (rc == -1)
		add(&c->errors, c->about, slice_str(why->text));
}

static void
notice(void *ctx, const char *text)
{
	(void)ctx;
	log_warn("%s", text);
}

/* The sources, as the engine opens them. */
static int
try_sources(struct check_facts *c, struct fail *why)
{
	struct verify_config *admission = &c->setup.admission;

	if (admission->source_count == 0)
		return 0;
	admission->context.notice = notice;
	return verify_try(admission, why);
}

static void
take_effect_note(void *ctx, const char *text)
{
	struct check_facts *c = ctx;

	add(&c->warnings, CHECK_FACTS_FLAGS, slice_str(text));
}

void
check_facts_look(struct check_facts *c, const struct config *config)
{
	const struct log_sink sink = { take_line, c };
	struct fail why;

	*c = (struct check_facts){ .config = config };
	log_set_sink(&sink);
	server_setup_begin(&c->setup, config, true);
	for (size_t i = 0; i < server_setup_step_count; i++) {
		why = (struct fail){ 0 };
		c->about = server_setup_steps[i].part;
		note_result(
		    c, server_setup_steps[i].run(&c->setup, &why), &why);
	}
	why = (struct fail){ 0 };
	c->about = CHECK_FACTS_CONTROL_SOCKET;
	note_result(c, server_status_try(config, &why), &why);
	why = (struct fail){ 0 };
	c->about = CHECK_FACTS_SOURCES;
	note_result(c, try_sources(c, &why), &why);
	flag_effects(config, take_effect_note, c);
	log_set_sink(NULL);
}

void
check_facts_clear(struct check_facts *c)
{
	server_setup_close(&c->setup);
}

bool
check_facts_has_error(const struct check_facts *c, unsigned about)
{
	for (size_t i = 0; i < c->errors.n; i++)
		if (c->errors.v[i].about == about)
			return true;
	return false;
}

void
check_facts_refuse(
    struct check_facts *c, const struct config *config, const char *why)
{
	*c = (struct check_facts){ .config = config };
	add(&c->errors, CHECK_FACTS_FLAGS, slice_str(why));
}
