"""layers.py: small trees with one fault each, and one without."""

import os
import tempfile
import unittest

import layers

SHELVES = {"low": [], "mid": ["low"], "high": ["mid"]}

CLEAN = {
    "low/CMakeLists.txt": "derpkit_shelf(bottom\n\tSOURCES cup.c)\n",
    "low/cup.h": "void cup_fill(int n);\n",
    "low/cup.c": '#include "cup.h"\n\nvoid\ncup_fill(int n)\n{\n\t(void)n;\n}\n',
    "mid/CMakeLists.txt": "derpkit_shelf(middle\n\tSOURCES tray.c\n\tLINK bottom)\n",
    "mid/tray.h": "void tray_lay(void);\n",
    "mid/tray.c": '#include "tray.h"\n\n#include "cup.h"\n\n'
                  "void\ntray_lay(void)\n{\n\tcup_fill(1);\n}\n",
}


def function(name, body="", lines=0):
    return f"void\n{name}(void)\n{{\n{body}{chr(10) * lines}}}\n"


class Layers(unittest.TestCase):
    def findings(self, **changed):
        """What layers.py finds in the clean tree with these files put in."""
        files = {**CLEAN, **changed.pop("files", {})}
        with tempfile.TemporaryDirectory(prefix="derpkit-") as root:
            for name, text in files.items():
                path = os.path.join(root, name)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "w", encoding="utf-8") as f:
                    f.write(text)
            return layers.check(root, SHELVES, changed.get("exceptions", {}))

    def one(self, pattern, **changed):
        found = self.findings(**changed)
        self.assertEqual(len(found), 1, found)
        self.assertRegex(found[0], pattern)

    def test_a_clean_tree_has_no_findings(self):
        self.assertEqual(self.findings(), [])

    def test_a_circle_of_includes(self):
        self.one(
            r"(?s)circle: low/cup, low/lid\n.*cup -> low/lid: uses lid_shut"
            r".*lid -> low/cup: includes cup.h",
            files={
                "low/lid.h": '#include "cup.h"\nvoid lid_shut(void);\n',
                "low/lid.c": '#include "lid.h"\n' + function("lid_shut"),
                "low/cup.c": '#include "cup.h"\n#include "lid.h"\n'
                + function("cup_fill", "\tlid_shut();\n"),
            },
        )

    def test_a_circle_of_calls(self):
        # a third header declares both, so that neither includes the other
        self.one(
            r"(?s)circle: low/left, low/right\n.*uses right_go.*uses left_go",
            files={
                "low/both.h": "void left_go(void);\nvoid right_go(void);\n",
                "low/left.c": '#include "both.h"\n'
                + function("left_go", "\tright_go();\n"),
                "low/right.c": '#include "both.h"\n'
                + function("right_go", "\tvoid (*f)(void) = left_go;\n"),
            },
        )

    def test_an_arrow_that_points_up(self):
        self.one(
            r"upward: low/cup -> mid/tray .*uses tray_lay",
            files={
                "mid/tray.c": '#include "tray.h"\n' + function("tray_lay"),
                "low/cup.c": '#include "tray.h"\n'
                + function("cup_fill", "\ttray_lay();\n"),
            },
        )

    def test_a_link_that_points_up(self):
        self.one(
            r"low/CMakeLists.txt: upward: bottom links mid",
            files={
                "low/CMakeLists.txt": "derpkit_shelf(bottom\n\tSOURCES cup.c\n"
                "\tLINK middle)\n"
            },
        )

    def test_a_shelf_may_use_what_its_neighbour_may_use(self):
        self.assertEqual(
            self.findings(
                files={
                    "high/room.c": '#include "cup.h"\n'
                    + function("room_set", "\tcup_fill(2);\n")
                }
            ),
            [],
        )

    def test_nobody_uses_a_test(self):
        self.one(
            r"upward: low/cup -> tests/check",
            files={
                "tests/check.h": "void check(int);\n",
                "low/cup.h": '#include "check.h"\nvoid cup_fill(int n);\n',
            },
        )

    def test_a_folder_that_is_on_no_shelf(self):
        self.one(r"attic: no shelf", files={"attic/box.h": "\n"})

    def test_a_header_name_that_is_there_twice(self):
        self.one(r"twice: lid.h is in high and low",
                 files={"high/lid.h": "\n", "low/lid.h": "\n"})

    def test_a_long_function(self):
        most = layers.FUNCTION_LINES
        self.one(
            rf"high/room.c:3: long: room_set has {most + 1} lines",
            files={"high/room.c": "\n\n" + function("room_set", lines=most - 3)},
        )
        self.assertEqual(
            self.findings(
                files={"high/room.c": function("room_set", lines=most - 4)}
            ),
            [],
        )

    def test_a_long_file(self):
        most = layers.FILE_LINES
        self.one(rf"tests/t.c: long: {most + 1} lines",
                 files={"tests/t.c": "\n" * (most + 1)})
        self.assertEqual(self.findings(files={"tests/t.c": "\n" * most}), [])

    def test_a_foreign_name(self):
        files = {"high/room.c": function("door_shut")}
        self.one(r"high/room.c: foreign: exports door_shut", files=files)
        self.assertEqual(
            self.findings(files=files, exceptions={"high/room": ["door"]}), [])
        self.one(r"foreign: exports roomy",
                 files={"high/room.c": function("roomy")})
        self.assertEqual(
            self.findings(files={"high/room_wall.c": function("room_set")
                                 + function("rooms_set") + function("room")
                                 + function("room_wall_set")}), [])

    def test_names_of_functions(self):
        for head, name, static in (
            ("int\nf(void)\n", "f", False),
            ("static void\nf(int a,\n    void (*g)(int (*)[2]))\n", "f", True),
            ("STACK_OF(X) *f(void)\n", "f", False),
            ("__attribute__((format(printf, 1, 0))) static int\nf(int x)\n", "f", True),
        ):
            found = layers.functions("int x;\n\n" + head + "{\n}\n")
            self.assertEqual([(f.name, f.is_static, f.line) for f in found],
                             [(name, static, 3)])

    def test_what_is_no_call(self):
        self.assertEqual(
            self.findings(
                files={
                    "low/cup.h": "/* tray_lay() puts it down */\n"
                    "void cup_fill(int n);\n",
                    "low/cup.c": '#include "cup.h"\n' + function(
                        "cup_fill",
                        '\tint tray_lay = 1; // tray_lay\n'
                        '\tputs("\\"tray_lay(");\n\tx.tray_lay(); y->tray_lay();\n'),
                }
            ),
            [],
        )


if __name__ == "__main__":
    unittest.main()
