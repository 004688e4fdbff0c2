/*
 * yaml_token: what the scanner hands to the parser. Inside doc_yaml only.
 */
#ifndef DERPKIT_YAML_TOKEN_H
#define DERPKIT_YAML_TOKEN_H

#include "doc.h"

enum yaml_token_kind {
	YAML_STREAM_START,
	YAML_STREAM_END,
	YAML_VERSION,  /* %YAML; text: "1.1" */
	YAML_TAG_LINE, /* %TAG; text: handle, more: prefix */
	YAML_DOCUMENT_START,
	YAML_DOCUMENT_END,
	YAML_BLOCK_SEQUENCE,
	YAML_BLOCK_MAPPING,
	YAML_BLOCK_END,
	YAML_FLOW_SEQUENCE,
	YAML_FLOW_SEQUENCE_END,
	YAML_FLOW_MAPPING,
	YAML_FLOW_MAPPING_END,
	YAML_BLOCK_ENTRY,
	YAML_FLOW_ENTRY,
	YAML_KEY,
	YAML_VALUE,
	YAML_ALIAS,  /* text: name */
	YAML_ANCHOR, /* text: name */
	YAML_TAG,    /* text: handle, more: suffix; no handle: as written */
	YAML_SCALAR, /* text: value */
};

struct yaml_token {
	enum yaml_token_kind kind;
	enum doc_style style; /* of a scalar */
	struct slice text;    /* in the text read, or in the arena */
	struct slice more;    /* in the arena */
	struct doc_pos start, end;
};

#endif
