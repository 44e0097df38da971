"""``configure load xml``: what is wrong is told with the file and line where it stands."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from cib_store.document.codec import BadXml
from cib_store.document.codec import parse as parse_xml
from cib_store.document.element import Element
from cib_store.schema.relaxng import lines
from crm_shell.commands.drafts import further_faults, keep
from crm_shell.commands.session import Draft, Failed, Session
from crm_shell.edit import Mode, apply
from crm_shell.edit.show import shown_objects
from crm_shell.syntax import parse
from crm_shell.syntax.faults import Fault
from crm_shell.xml_text import xml_lines
from raftmaker.runtime.errors import Rejected
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.reports import Report


async def load_xml(session: Session, draft: Draft, mode: Mode, text: str, name: str) -> int:
    """Take a file of XML into the draft (features 4.20, 30.42). Raises `Rejected`, `Failed`."""
    given = _configuration(text, name)
    try:
        if mode is Mode.REPLACE:
            return await keep(session, draft, given)
        objects = tuple(_objects(given))
        statements = ["xml " + " \\\n".join(xml_lines(each)) for each in objects]
        edited = apply(draft.configuration, parse("\n".join(statements)), mode)
        if edited.faults:
            faults = tuple(_reports(edited.faults, statements, objects))
            raise Rejected(
                ExitCode.CONFIG, (*faults, *await further_faults(session, draft, edited))
            )
        return await keep(session, draft, edited.configuration)
    except Rejected as error:
        raise Rejected(error.exit_code, _placed(error.reports, text, name)) from None


def _configuration(text: str, name: str) -> Element:
    try:
        root = parse_xml(text)
    except BadXml as error:
        raise Failed(f"{name}: {error}", code=ExitCode.DATAERR) from None
    found = root.child("configuration") if root.tag == "cib" else root
    if found is None or found.tag != "configuration":
        raise Failed(
            f"{name}: holds a <{root.tag}>; allowed: a <cib> or its <configuration>",
            code=ExitCode.DATAERR,
        )
    return found


def _objects(configuration: Element) -> Iterator[Element]:
    """Yield the objects, containers with what they contain."""
    resources = configuration.child("resources") or Element("resources")
    tops = {each.id: each for each in resources.children}
    for each in shown_objects(configuration):
        if each.tag not in ("primitive", "group", "clone", "master", "bundle", "template"):
            yield each
        elif each.id in tops:
            yield tops[each.id] if tops[each.id].tag == each.tag else each


def _reports(
    faults: Sequence[Fault], statements: Sequence[str], objects: Sequence[Element]
) -> Iterator[Report]:
    """Yield what is wrong with statements as being about the objects that they were made of."""
    begins = [1]
    for statement in statements:
        begins.append(begins[-1] + 1 + statement.count("\n"))
    for fault in faults:
        about = objects[min(bisect_right(begins, fault.line), len(objects)) - 1]
        where = f"//{about.tag}[@id='{about.id}']" if about.id else f"//{about.tag}"
        allowed = f"allowed: {fault.allowed}" if fault.allowed else ""
        yield Report(code="bad-statement", where=where, what=fault.what, mend=allowed)


def _placed(reports: tuple[Report, ...], text: str, name: str) -> tuple[Report, ...]:
    """Return the reports with the file and line of what each is about, where that is there."""
    found = zip(lines(text.encode(), reports), reports, strict=True)
    return tuple(
        replace(report, where=f"{name}:{line}: {report.where}") if line else report
        for line, report in found
    )
