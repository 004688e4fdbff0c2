/* doc: the builder that the readers use, and the look-ups. */
#include "check.h"

#include "doc.h"

static const struct doc_pos here = { 1, 2, 3 };

static void
doc_builder_makes_a_tree(void **state)
{
	struct arena *a = arena_new(65536);
	struct doc_builder b;
	struct doc_node *root, *key, *list;
	struct doc d;

	(void)state;
	doc_builder_init(&b, a, &d, 2);
	root = doc_builder_add(&b, DOC_MAPPING, here);
	check_null(doc_builder_top(&b));
	check_int(doc_builder_open(&b, root), 0);
	check_ptr(doc_builder_top(&b), root);
	key = doc_builder_add(&b, DOC_SCALAR, here);
	key->text = slice_str("list");
	list = doc_builder_add(&b, DOC_SEQUENCE, here);
	/* an open one has no items yet */
	check_null(doc_get(root, "list"));
	check(doc_builder_has_items(&b));
	check_int(doc_builder_open(&b, list), 0);
	check(!doc_builder_has_items(&b));
	for (int i = 0; i < 100; i++)
		check(doc_builder_add(&b, DOC_SCALAR, here) != NULL);
	check_int(doc_builder_close(&b, (struct doc_pos){ 4, 5, 6 }), 0);
	check_size(list->count, 100);
	check_int(list->end.line, 4);
	check_size(root->count, 0);
	check_int(doc_builder_close(&b, here), 0);
	check_size(root->count, 1);
	check_ptr(doc_get(root, "list"), list);
	check(!doc_builder_has_items(&b));
	check_null(doc_builder_top(&b));
	check_ptr(d.root, root);
	arena_free(a);
}

static void
doc_builder_limits_depth(void **state)
{
	struct arena *a = arena_new(65536);
	struct doc_builder b;
	struct doc d;

	(void)state;
	doc_builder_init(&b, a, &d, 1);
	check_int(
	    doc_builder_open(&b, doc_builder_add(&b, DOC_SEQUENCE, here)), 0);
	check_int(
	    doc_builder_open(&b, doc_builder_add(&b, DOC_SEQUENCE, here)), -1);
	check_int(d.error, DOC_LIMIT);
	check_null(d.root);
	/* and stays failed, with the first error */
	check_null(doc_builder_add(&b, DOC_SCALAR, here));
	doc_builder_fail(&b, DOC_SYNTAX, here, "later");
	check_int(d.error, DOC_LIMIT);
	check_int(doc_builder_close(&b, here), -1);
	arena_free(a);
}

static void
doc_notes_keep_their_order(void **state)
{
	struct arena *a = arena_new(65536);
	struct doc_builder b;
	struct doc d;

	(void)state;
	doc_builder_init(&b, a, &d, 1);
	check_null(doc_note_find(&d, DOC_NOTE_BOM));
	doc_builder_note(&b, DOC_NOTE_UTF16, here);
	doc_builder_note(&b, DOC_NOTE_BOM, here);
	check_int(d.notes->kind, DOC_NOTE_UTF16);
	check_int(d.notes->next->kind, DOC_NOTE_BOM);
	check_ptr(doc_note_find(&d, DOC_NOTE_BOM), d.notes->next);
	arena_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(doc_builder_makes_a_tree),
		cmocka_unit_test(doc_builder_limits_depth),
		cmocka_unit_test(doc_notes_keep_their_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
