"""words.py: what it finds and what it leaves alone."""

import unittest

import words


class Words(unittest.TestCase):
    def found(self, text, path="tests/x.py"):
        return [f.split('"')[1] for f in words.findings(path, text)]

    def test_words_alone_and_in_identifiers(self):
        self.assertEqual(self.found("a Stranger\nlog_stranger(x)"),
                         ["Stranger", "stranger"])
        self.assertEqual(self.found("hand-over, handover_post()"),
                         ["hand-over", "handover"])
        self.assertEqual(self.found("estranged; entwined; remarkable"), [])

    def test_where_it_is(self):
        self.assertEqual(words.findings("lib/a.c", "\n\nint goodbye;"),
                         ['lib/a.c:3: "goodbye": shutdown, close_notify'])

    def test_sentences_turned_round(self):
        self.assertEqual(self.found("port 0 is no port"), ["is no port"])
        self.assertEqual(
            self.found("there is no port; it is no longer; is not a port"), [])

    def test_what_only_programs_must_not_say(self):
        self.assertEqual(self.found("a crowd"), [])
        self.assertEqual(self.found("a crowd", "derper/x.c"), ["crowd"])

    def test_which_files(self):
        self.assertTrue(words.is_checked("tests/lint/run.py"))
        self.assertFalse(words.is_checked("tests/lint/A01/expect.txt"))
        self.assertFalse(words.is_checked("tests/words.py"))


if __name__ == "__main__":
    unittest.main()
