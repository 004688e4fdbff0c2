/* doctor_start: whether a start would work, and what it would warn of. */
#include "doctor_checks.h"

struct about {
	const char *check; /* under which it is reported */
	const char *advice;
};

/* Ports and descriptors have checks of their own. */
static const struct about abouts[CHECK_FACTS_ABOUTS] = {
	[SERVER_SETUP_SETTINGS] = { "start", "correct that flag or variable" },
	[SERVER_SETUP_OPEN_FILES] = { NULL, NULL },
	[SERVER_SETUP_MESH] = { "start",
	    "correct -mesh-psk-file and -mesh-with" },
	[SERVER_SETUP_KEY] = { "start",
	    "give the relay's user a key file that it can read, or a folder "
	    "that it can write to: -c" },
	[SERVER_SETUP_CERTIFICATE] = { "certificate",
	    "put a matching pair for -hostname into -certdir" },
	[SERVER_SETUP_LIMITS] = { "start", "correct -rate-config" },
	[SERVER_SETUP_MAIN_PORT] = { NULL, NULL },
	[SERVER_SETUP_HTTP_PORT] = { NULL, NULL },
	[SERVER_SETUP_STUN_PORT] = { NULL, NULL },
	[SERVER_SETUP_ADMISSION] = { "sources",
	    "correct that source: see derper-verify(5)" },
	[CHECK_FACTS_FLAGS] = { "start", "leave it out, or correct it" },
	[CHECK_FACTS_CONTROL_SOCKET] = { "start",
	    "remove what is there, or choose another -control-socket" },
	[CHECK_FACTS_SOURCES] = { "sources",
	    "correct that source: see derper-verify(5)" },
};

/* What is in the way of a second relay is right for the one that runs. */
static bool
is_left_out(const struct doctor_subject *d, unsigned about)
{
	return abouts[about].check == NULL ||
	    (d->pid != 0 && about == CHECK_FACTS_CONTROL_SOCKET);
}

static unsigned
report(const struct doctor_subject *d, const struct check_facts_notes *notes,
    enum doctor_level level)
{
	unsigned count = 0;

	for (size_t i = 0; i < notes->n; i++) {
		const struct check_facts_note *note = &notes->v[i];
		const struct about *about = &abouts[note->about];

		if (is_left_out(d, note->about))
			continue;
		count++;
		doctor_report_add(d->report, about->check, level,
		    level == DOCTOR_ERROR ? about->advice : NULL, "%s",
		    note->text);
	}
	return count;
}

void
doctor_start(const struct doctor_subject *d)
{
	if (report(d, &d->found->errors, DOCTOR_ERROR) == 0)
		doctor_report_add(d->report, "start", DOCTOR_OK, NULL,
		    "the relay starts with these flags");
	(void)report(d, &d->found->warnings, DOCTOR_WARNING);
}
