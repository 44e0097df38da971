"""CIBs in files: the tools with CIB_file and CIB_shadow, crm_shadow and crm_diff (section 4)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from cib_store.document.codec import parse
from cib_store.document.path import find
from raftmaker.vocabulary.codes import ExitCode

CIB = """<cib epoch="3" num_updates="0" admin_epoch="0" validate-with="pacemaker-4.0">
<configuration><crm_config/><nodes/><resources><primitive id="a" class="lsb" type="x"/></resources>
<constraints/></configuration><status/></cib>"""
B = '<primitive id="b" class="lsb" type="y"/>'
MAIN = "import sys; from {} import main; sys.argv[0] = '{}'; sys.exit(main())"


class Desk:
    """A folder with a CIB, and the tools run in it without any cluster."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "cib.xml"
        self.file.write_text(CIB)
        self.environment = {"CIB_file": str(self.file), "CIB_shadow_dir": str(folder / "shadows"),
                            "PATH": "/bin", "HOME": str(folder)}  # fmt: skip

    def run(
        self, module: str, *words: str, given: str = "", **environment: str
    ) -> tuple[int, str, str]:
        done = subprocess.run(
            [sys.executable, "-c", MAIN.format(module, module.rpartition(".")[2]), *words],
            env={**self.environment, **environment}, input=given, text=True, capture_output=True,
            check=False, cwd=Path(__file__).parents[3], timeout=60,
        )  # fmt: skip
        return done.returncode, done.stdout, done.stderr

    def cibadmin(self, *words: str, given: str = "", **environment: str) -> tuple[int, str, str]:
        return self.run("crm_shell.tools.cibadmin", *words, given=given, **environment)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_cibadmin_works_on_a_file(desk: Desk) -> None:
    """features 4.30"""
    assert desk.cibadmin("-C", "-o", "resources", "-X", B)[0] == 0
    cib = parse(desk.file.read_text())
    assert cib.get("epoch") == "4"
    assert find(cib, "/cib/configuration/resources/primitive[@id='b']") is not None
    code, _, told = desk.cibadmin("-C", "-o", "resources", "-X", B)
    assert (code, "File exists" in told) == (108, True)
    code, _, told = desk.cibadmin("-M", "-X", '<primitive id="a" colour="red"/>')
    assert (code, "colour" in told) == (78, True)


def test_input_comes_from_a_file_or_a_pipe(desk: Desk) -> None:
    """features 4.11"""
    (desk.folder / "b.xml").write_text(B)
    assert desk.cibadmin("-C", "-o", "resources", "-x", str(desk.folder / "b.xml"))[0] == 0
    c = B.replace('"b"', '"c"')
    assert desk.cibadmin("-C", "-o", "resources", "-p", given=c)[0] == 0
    assert 'id="c"' in desk.cibadmin("-Q")[1]
    assert desk.cibadmin("-C", "-x", str(desk.folder / "none.xml"))[0] == 66
    assert desk.cibadmin("-C", "-X", "<a")[0] == 65
    assert desk.cibadmin("-C", "-X", B, "-p", given=c)[0] == 64


def test_flags_of_queries_and_changes(desk: Desk) -> None:
    """features 4.5, 4.12, 4.13, 4.14"""
    assert desk.cibadmin("-Q", "-e", "-A", "//primitive")[1].split() == [
        "/cib/configuration/resources/primitive[@id='a']"
    ]
    assert desk.cibadmin("-Q", "-A", "//group")[0] == 105
    assert desk.cibadmin("-Q", "-o", "resources", "-n")[1].strip() == "<resources/>"
    assert desk.cibadmin("-Q", "-l", "-N", "n1", "-s", "-t", "5")[0] == 0
    assert desk.cibadmin("-d")[0] == 64, "all that matches what?"
    assert desk.cibadmin("-E")[0] == 107, "dangerous without --force"
    pairs = '<crm_config><cluster_property_set id="o"><nvpair id="n" name="priority" value="{}"/>'
    pairs += "</cluster_property_set></crm_config>"
    for value in ("5", "value++", "value+=4"):
        assert desk.cibadmin("-M", "-c", "--score", "-X", pairs.format(value))[0] == 0
    assert 'value="10"' in desk.cibadmin("-Q")[1]
    assert desk.cibadmin("-d", "-A", "//nvpair")[0] == 0
    assert "nvpair" not in desk.cibadmin("-Q")[1]


def test_digests_of_the_form_on_disk_and_of_the_versioned_form(desk: Desk) -> None:
    """features 4.9"""
    status = CIB.replace("<status/>", '<status><node_state id="1"/></status>')
    other = CIB.replace('"lsb" type="x"', '"lsb" type="z"')
    turned = CIB.replace('epoch="3" num_updates="0"', 'num_updates="0" epoch="3"')
    disk, versioned = (
        [desk.cibadmin(flag, "-X", xml)[1] for xml in (CIB, status, other, turned)]
        for flag in ("-5", "-6")
    )
    assert len(disk[0].strip()) == 32
    assert disk[0] == disk[1], "the status is not on disk"
    assert disk[0] != disk[2]
    assert versioned[0] != versioned[1]
    assert versioned[0] == versioned[3], "the order of attributes does not count"


def test_an_empty_cib_names_its_schema(desk: Desk) -> None:
    """features 4.7"""
    assert 'validate-with="pacemaker-4.0"' in desk.cibadmin("--empty")[1]
    assert 'validate-with="pacemaker-3.9"' in desk.cibadmin("--empty", "pacemaker-3.9")[1]


def test_show_access_says_what_a_user_may(desk: Desk) -> None:
    """features 4.10, 20.13"""
    acls = (
        '<acls><acl_target id="alice"><role id="r"/></acl_target><acl_role id="r">'
        '<acl_permission id="p" kind="read" xpath="/cib"/>'
        '<acl_permission id="q" kind="write" reference="a"/>'
        '<acl_permission id="d" kind="deny" xpath="//acls"/></acl_role></acls>'
    )
    option = (
        '<crm_config><cluster_property_set id="o"><nvpair id="e" name="enable-acl" value="true"/>'
        "</cluster_property_set></crm_config>"
    )
    text = CIB.replace("<crm_config/>", option)
    desk.file.write_text(text.replace("<constraints/>", "<constraints/>" + acls))
    _, text, _ = desk.cibadmin("--show-access=text", "-U", "alice")
    lines = text.splitlines()
    assert lines[0] == "vvv---[ READABLE ]---vvv"
    assert lines[lines.index("vvv---[ WRITABLE ]---vvv") + 1].strip().startswith("<primitive")
    assert lines[lines.index("vvv---[ DENIED ]---vvv") + 1].strip().startswith("<acls")
    _, text, _ = desk.cibadmin("--show-access=ns-full", "-U", "alice")
    assert "<writable:primitive writable:id=" in text
    assert "\x1b[31m" in desk.cibadmin("--show-access=color", "-U", "alice")[1]
    assert "READABLE" not in desk.cibadmin("--show-access=text", "-U", "root")[1]


def test_crm_diff_makes_a_patch_that_cibadmin_applies(desk: Desk) -> None:
    """features 4.6, 27.28"""
    new = CIB.replace("</resources>", B + "</resources>").replace('epoch="3"', 'epoch="4"')
    diff = "crm_shell.tools.crm_diff"
    code, patch, _ = desk.run(diff, "-c", "-o", str(desk.file), "-N", new)
    assert code == 1
    assert 'operation="create"' in patch
    assert desk.run(diff, "-o", str(desk.file), "-O", CIB, "-N", new)[0] == 64
    assert desk.run(diff, "-O", CIB, "-N", CIB)[:2] == (0, "")
    assert "<version>" not in desk.run(diff, "-u", "-O", CIB, "-N", new)[1]
    (desk.folder / "patch.xml").write_text(patch)
    code, made, _ = desk.run(diff, "-o", str(desk.file), "-p", str(desk.folder / "patch.xml"))
    assert (code, parse(made)) == (0, parse(new))
    assert desk.run(diff, "-O", new, "-s", given=patch)[0] == 103, "another version"
    assert desk.cibadmin("-P", "-x", str(desk.folder / "patch.xml"))[0] == 0
    assert 'id="b"' in desk.cibadmin("-Q")[1]


def test_a_patch_whose_result_is_another_is_refused(desk: Desk) -> None:
    """features 4.19"""
    new = CIB.replace('type="x"', 'type="z"')
    patch = desk.run("crm_shell.tools.crm_diff", "-c", "-O", CIB, "-N", new)[1]
    other = CIB.replace("<nodes/>", '<nodes><node id="1" uname="n"/></nodes>')
    assert desk.run("crm_shell.tools.crm_diff", "-O", other, "-s", given=patch)[0] == 104


def test_a_shadow_is_made_edited_compared_and_committed(desk: Desk) -> None:
    """features 4.31, 27.23"""
    tool = "crm_shell.tools.crm_shadow"
    assert desk.run(tool, "-c", "try", "-b")[0] == 0
    assert desk.run(tool, "-c", "try", "-b")[0] == 73, "it exists"
    assert desk.run(tool, "-w")[0] == 105, "none is in use"
    shadow = {"CIB_shadow": "try"}
    assert desk.run(tool, "-w", **shadow)[1].strip() == "try"
    assert desk.run(tool, "-F", **shadow)[1].strip().endswith("shadows/shadow.try")
    assert desk.run(tool, "-d", **shadow)[:2] == (0, "")
    assert desk.cibadmin("-C", "-o", "resources", "-X", B, **shadow)[0] == 0
    assert 'id="b"' in desk.run(tool, "-p", **shadow)[1]
    assert 'id="b"' not in desk.file.read_text(), "the cluster is untouched"
    code, patch, _ = desk.run(tool, "-d", **shadow)
    assert (code, 'id="b"' in patch) == (1, True)
    assert desk.run(tool, "-C", "try")[0] == 107, "dangerous without --force"
    assert desk.run(tool, "-C", "try", "-f")[0] == 0
    assert 'id="b"' in desk.file.read_text()
    assert desk.run(tool, "-e", "new", "-b", "-v", "pacemaker-3.9")[0] == 0
    assert desk.run(tool, "-r", "new", "-f")[0] == 0
    assert desk.run(tool, "-D", "new", "-f")[0] == 0
    code, _, told = desk.run(tool, "-s", "new", "-b")
    assert (code, "known: try" in told) == (105, True)


def test_the_shell_works_on_shadows(desk: Desk) -> None:
    """features 30.10, 4.31"""
    commands = """
cib new try
configure primitive fresh ocf:heartbeat:Dummy
cib list
cib use
configure show
cib diff try
cib commit try
cib delete try
configure show
"""
    code, text, told = desk.run("crm_shell.main", "-F", given=commands)
    assert code == 0, told
    assert text.splitlines() == [
        "try (in use)",
        "primitive a lsb:x",
        "--- live",
        "+++ try",
        "@@ -1 +1,2 @@",
        " primitive a lsb:x",
        "+primitive fresh Dummy",
        "primitive a lsb:x",
        "primitive fresh Dummy",
    ]


def test_errors_name_the_line(desk: Desk) -> None:
    """features 4.20"""
    wrong = CIB.replace('class="lsb"', 'clas="lsb"')
    desk.file.write_text(wrong)
    code, _, told = desk.run("crm_shell.tools.crm_verify", "-x", str(desk.file))
    assert code == 78
    assert "line 2: " in told
    assert "primitive has no attribute clas" in told
    assert "known: class" in told


def test_an_old_file_is_upgraded(desk: Desk) -> None:
    """features 4.8, 30.46"""
    old = CIB.replace("pacemaker-4.0", "pacemaker-3.2").replace(
        "<primitive", '<master id="m"><primitive', 1
    )
    desk.file.write_text(old.replace("</resources>", "</master></resources>"))
    assert desk.cibadmin("--upgrade")[0] == 107
    assert desk.cibadmin("--upgrade", "--force")[0] == 0
    text = desk.file.read_text()
    assert "pacemaker-4.0" in text
    assert "<clone" in text
    _, _, told = desk.run("crm_shell.main", "configure", "upgrade")
    assert "newest schema" in told


def test_a_remote_cluster_is_refused_and_this_one_left_alone(tmp_path: Path) -> None:
    """features 4.30, 4.32: CIB_server must not make a tool change the cluster of this machine."""
    desk = Desk(tmp_path)
    code, said, why = desk.run("crm_shell.tools.cibadmin", "-B", CIB_server="far.example")
    assert (code, said) == (ExitCode.UNIMPLEMENT_FEATURE, "")
    assert "CIB_server" in why
    assert "ssh" in why
    assert parse(desk.file.read_text()).get("epoch") == "3"


def test_a_scope_that_is_none_is_told_before_anybody_is_asked(tmp_path: Path) -> None:
    """features 4.12"""
    code, _, why = Desk(tmp_path).run("crm_shell.tools.cibadmin", "-Q", "-o", "resorces")
    assert code == ExitCode.USAGE
    assert "did you mean resources?" in why


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("<resources>\n", "</resources>", ("-R", "-o", "resources")),
        (
            "<configuration>\n<crm_config/><nodes/><constraints/><resources>\n",
            "</resources></configuration>",
            ("-R",),
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_line(
    tmp_path: Path, before: str, after: str, words: tuple[str, ...]
) -> None:
    """features 4.20: the line is that of the user's own file, whatever part it holds."""
    desk = Desk(tmp_path)
    good = '<primitive id="a" class="lsb" type="x"/>\n'
    bad = '<primitive id="b" class="lsb" type="y" colour="red"/>\n<group id="g"/>\n'
    file = tmp_path / "mine.xml"
    file.write_text(before + good + bad + after)
    line = 1 + (before + good).count("\n")
    code, _, why = desk.run("crm_shell.tools.cibadmin", *words, "-x", str(file))
    assert code == ExitCode.CONFIG
    assert f"{file}:{line}: " in why
    assert f"{file}:{line + 1}: " in why
    assert "colour" in why
