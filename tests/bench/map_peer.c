/* map-peer FILE: parses a file with bare libyaml, to the last event: what
 * reading a map costs at least. Prints how many events there were. */
#include <yaml.h>

#include <stdio.h>

/* Parses all of it; -1: libyaml rejects the text. */
static int
parse(yaml_parser_t *parser, unsigned long *count)
{
	yaml_event_type_t type;
	yaml_event_t event;

	do {
		if (yaml_parser_parse(parser, &event) == 0)
			return -1;
		type = event.type;
		++*count;
		yaml_event_delete(&event);
	} while (type != YAML_STREAM_END_EVENT);
	return 0;
}

int
main(int argc, char **argv)
{
	FILE *file = argc == 2 ? fopen(argv[1], "rb") : NULL;
	unsigned long count = 0;
	yaml_parser_t parser;
	int result = -1;

	if (file == NULL) {
		fprintf(stderr, "usage: map-peer FILE\n");
		return 2;
	}
	if (yaml_parser_initialize(&parser) == 1) {
		yaml_parser_set_input_file(&parser, file);
		result = parse(&parser, &count);
		yaml_parser_delete(&parser);
	}
	fclose(file);
	printf("%lu\n", count);
	return result == 0 ? 0 : 1;
}
