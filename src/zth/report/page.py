"""The page's parts: head, contents, a glance at everything, and a section a run."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from zth.report.blocks import VERDICT_CLASS, badge, notice, story
from zth.report.desk import Row, desk_item, desk_section
from zth.report.markup import escape, slug
from zth.report.numbers import duration
from zth.report.select import Section
from zth.report.summary import VERDICTS, Summary, tally
from zth.runs import Record

_ENDINGS = {
    "failed": "failed",
    "interrupted": "was interrupted",
    "running": "is still running, or was killed",
    "damaged": "cannot be read",
}


def anchors(shown: list[Section]) -> list[str]:
    """An id for each section, none twice."""
    found: list[str] = []
    for section in shown:
        name = slug(f"{section.record.kind}-{section.record.name}")
        found.append(name if name not in found else f"{name}-{len(found)}")
    return found


def parts(total: Summary, title: str, desk: Sequence[Row] = ()) -> dict[str, str]:
    """What page.html leaves open, but for the scripts and the style: already escaped."""
    shown, names = total.sections, anchors(total.sections)
    metas = [section.record.meta for section in shown]
    newest = max(metas, key=lambda meta: str(meta.get("started") or ""), default={})
    files = "figures.json and desk.json" if desk else "figures.json"
    return {
        "title": escape(title),
        "eyebrow": f"<b>zth</b> {escape(_entries(newest, 'versions').get('zth', ''))}",
        "lead": _lead(total) if shown else "What has been done so far. Nothing has been measured yet.",
        "meter": _meter(total.counts),
        "facts": f'<dl class="facts">{_facts(newest)}</dl>' if shown else "",
        "contents": desk_item(desk)
        + "".join(_contents_item(section, name) for section, name in zip(shown, names, strict=True)),
        "desk": desk_section(desk),
        "glance": _glance(shown, names) if shown else "",
        "sections": "".join(_section(section, name) for section, name in zip(shown, names, strict=True)),
        "footer": f"Every number on this page is also in {files} beside it. The page needs no network.",
    }


def _lead(total: Summary) -> str:
    counts = total.counts
    met, compared = counts["as the course"] + counts["better"], sum(counts.values()) - counts["measured"]
    runs = f"{len(total.sections)} run{'s' if len(total.sections) != 1 else ''}"
    text = f"{runs} in {duration(total.seconds)}. "
    if compared:
        text += f"<strong>{met} of {compared}</strong> figures that have a reference meet it."
    if total.unfinished:
        text += f" <strong>{len(total.unfinished)}</strong> did not finish: see below."
    return text


def _meter(counts: Mapping[str, int]) -> str:
    present = [verdict for verdict in VERDICTS if counts[verdict]]
    if not present:
        return ""
    track = "".join(f'<i class="{VERDICT_CLASS[name]}" style="--share:{counts[name]}"></i>' for name in present)
    items = "".join(
        f'<li class="{VERDICT_CLASS[name]}"><span><b>{counts[name]}</b> {name}</span></li>' for name in present
    )
    return f'<div class="meter"><div class="track" aria-hidden="true">{track}</div><ul>{items}</ul></div>'


def _facts(newest: Mapping[str, Any]) -> str:
    machine, versions = _entries(newest, "machine"), _entries(newest, "versions")
    facts = {
        "Measured": _date(newest.get("started")),
        "Machine": f"{machine.get('processor', 'unknown')}, {machine.get('cores', '?')} cores",
        "System": f"{machine.get('system', 'unknown')}, {machine.get('memory_gib', '?')} GiB",
        "Versions": ", ".join(f"{name} {version}" for name, version in versions.items() if name != "zth"),
    }
    return "".join(f"<div><dt>{name}</dt><dd>{escape(value)}</dd></div>" for name, value in facts.items())


def _contents_item(section: Section, anchor: str) -> str:
    record = section.record
    mark = ""
    if record.status != "done":
        mark = '<span class="worse" title="did not finish">!</span>'
    elif count := tally(record.figures)["worse"]:
        mark = f'<span class="worse" title="{count} worse than the reference">↓</span>'
    pack, colon, number = section.number.rpartition(":")  # the column is as narrow as "2.3"
    title = f"{pack}{colon} {section.title}".strip()
    shown = f'<span class="n">{escape(number)}</span><span>{escape(title)}</span>'
    return f'<li><a href="#{anchor}">{shown}{mark}</a></li>'


def _glance(shown: list[Section], names: list[str]) -> str:
    rows = "".join(_glance_row(section, name) for section, name in zip(shown, names, strict=True))
    head = '<th scope="col">Run</th><th scope="col">Figures</th><th scope="col" class="number">Time</th>'
    return (
        '<section id="glance" aria-labelledby="glance-title"><h2 id="glance-title">At a glance</h2>'
        f'<table class="glance"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></section>'
    )


def _glance_row(section: Section, anchor: str) -> str:
    record = section.record
    if record.status == "done":
        counts = tally(record.figures)
        state = "".join(badge(verdict, f"{counts[verdict]} {verdict}") for verdict in VERDICTS if counts[verdict])
    else:
        state = f'<span class="badge worse">{escape(record.status)}</span>'
    title = f'<a href="#{anchor}">{escape(section.full_title)}</a>'
    time = duration(record.meta.get("seconds"))
    cells = f'<td><div class="badges">{state}</div></td><td class="number">{time}</td>'
    return f'<tr><th scope="row">{title}</th>{cells}</tr>'


def _section(section: Section, anchor: str) -> str:
    record = section.record
    numbered = f'<span class="n">{escape(section.number)}</span>' if section.number else ""
    heading = f'<h2 id="{anchor}-title">{escape(section.title)}</h2>'
    warnings = [_ending(record, "This run")] if record.status != "done" else []
    warnings += [
        _ending(later, f"A later run, of {_date(later.meta.get('started'))},") for later in section.unfinished
    ]
    return (
        f'<section id="{anchor}" aria-labelledby="{anchor}-title"><div class="heading">{numbered}{heading}</div>'
        f"{_about(record.meta)}{_repeat(record.meta)}{''.join(warnings)}{story(record, anchor)}</section>"
    )


def _ending(record: Record, subject: str) -> str:
    return notice(f"{subject} {_ENDINGS.get(record.status, record.status)}.", str(record.meta.get("error") or ""))


def _about(meta: Mapping[str, Any]) -> str:
    """One line: what decides the numbers."""
    items = []
    if preset := _entries(meta, "config").get("preset"):
        items.append(f"{escape(preset)} preset")
    if meta.get("seed") is not None:
        items.append(f"seed {escape(meta['seed'])}")
    items.append(duration(meta.get("seconds")))
    for data in _data(meta):
        whole = escape(data.get("sha256", ""))
        items.append(f'{escape(data.get("edition", ""))} <abbr title="sha256 {whole}">{whole[:8]}</abbr>')
    return f'<ul class="about">{"".join(f"<li>{item}</li>" for item in items)}</ul>'


def _repeat(meta: Mapping[str, Any]) -> str:
    command = meta.get("command")
    if not isinstance(command, list) or not command:
        return ""
    entries = {
        **_entries(meta, "config"),
        **{f"{data.get('edition')} sha256": data.get("sha256") for data in _data(meta)},
        "started": meta.get("started"),
        **_entries(meta, "versions"),
    }
    rows = "".join(f'<tr><th scope="row">{escape(k)}</th><td>{escape(v)}</td></tr>' for k, v in entries.items())
    line = escape(shlex.join(map(str, command)))
    return (
        f'<details class="repeat"><summary>Run it again</summary><pre class="command"><code>{line}</code></pre>'
        f"<table><tbody>{rows}</tbody></table></details>"
    )


def _date(started: object) -> str:
    try:
        moment = datetime.fromisoformat(str(started))
    except ValueError:
        return "an unknown date"
    return f"{moment.day} {moment:%B %Y, %H:%M} {moment.tzname() or ''}".strip()


def _entries(meta: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = meta.get(key)
    return value if isinstance(value, dict) else {}


def _data(meta: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    value = meta.get("data")
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []
