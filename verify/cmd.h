/*
 * cmd: the subcommands of derpverify.
 *
 * Each gets its own words: argv[0] is the subcommand's name. Each returns the
 * program's exit status. Results go to standard output, everything else to
 * standard error.
 */
#ifndef DERPKIT_CMD_H
#define DERPKIT_CMD_H

#define CMD_OK 0
#define CMD_DENIED 1 /* check: somebody is denied */
#define CMD_UNUSABLE                                            \
	2 /* bad usage, unusable input; check: somebody unknown \
	   */

int cmd_check(int argc, char **argv);
int cmd_list(int argc, char **argv);

/* Prints "derpverify: " and the text, and returns CMD_UNUSABLE. */
__attribute__((format(printf, 1, 2))) int cmd_unusable(const char *fmt, ...);

/* -format: 0 text, 1 json, -1 neither (and said so). */
int cmd_wants_json(const char *format);

#endif
