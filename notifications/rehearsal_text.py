"""What `alentours rehearse` says in the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from citizen_api.sources.airparif import PRODUCER
from content.rehearsal import RehearsalWords
from notifications.measurements import LEAST_STATIONS, LICENCE, STAND_IN
from notifications.rehearsal_facts import ALERT, HIGH, HOUR, LESSER, SHARES
from notifications.rehearsal_page import Rehearsal
from notifications.rehearsal_report import KINDS, Day, Report


def text_of(rehearsal: Rehearsal, words: RehearsalWords) -> Iterator[str]:
    """Every line: what was replayed, each day on which something happened, how often, how early, other bounds."""
    yield from _header(rehearsal)
    report = rehearsal.report
    eventful = [day for day in report.days if day.is_eventful]
    for day in eventful:
        yield ""
        yield from _day(rehearsal, day, words)
    yield ""
    calm = [day.peak_ug_m3 for day in report.days if not day.is_eventful and day.peak_ug_m3 is not None]
    if calm:
        days = "1 other day" if len(calm) == 1 else f"{len(calm)} other days"
        yield f"On {days} nobody would have been told; the highest hour is {max(calm):.0f} ug/m3."
    yield (
        f"Told at least once: {report.told_once:,} of {rehearsal.residents.count:,} residents. "
        f"Messages per resident and week: {report.messages_per_week:.1f}."
    )
    yield from _per_week(report)
    yield from _notice(report, words)
    yield from _trials(rehearsal)


def _header(rehearsal: Rehearsal) -> Iterator[str]:
    replayed, measurements, residents = rehearsal.replayed, rehearsal.measurements, rehearsal.residents
    if rehearsal.is_clipped:
        asked_first, asked_last = rehearsal.asked
        yield (
            f"Asked for {asked_first} to {asked_last}, but {measurements.origin} covers only {replayed.first} to "
            f"{replayed.last} of it: these days are replayed."
        )
    yield f"Rehearsal of {replayed.first} to {replayed.last} ({replayed.zone}). Nobody is told for real."
    yield f"  measured   {measurements.origin}; {PRODUCER}, {LICENCE}"
    stand_in = ", a stand-in for NO2 (always higher)" if measurements.pollutant == STAND_IN else ""
    named = {"nox": "NOx", "no2": "NO2"}[measurements.pollutant]
    yield f"             {named}{stand_in}; median of the stations, at least {LEAST_STATIONS}"
    high = replayed.high
    yield (
        f"  bound      {high:g} ug/m3 (level {HIGH}); level {LESSER} from {SHARES[LESSER] * high:g}, "
        f"level {ALERT} from {SHARES[ALERT] * high:g}"
    )
    ahead = replayed.ahead
    forecast = f"perfect and SYNTHETIC: the next {ahead // HOUR} hours are known" if ahead else "none"
    yield f"  forecast   {forecast}"
    homes = ", ".join(f"{code}: {count:,}" for code, count in sorted(residents.homes.items()))
    yield f"  residents  {residents.count:,} SIMULATED, their wishes synthetic, in {residents.places} communes and"
    yield f"             arrondissements ({homes}); {residents.with_work:,} watch a second one"


def _day(rehearsal: Rehearsal, day: Day, words: RehearsalWords) -> Iterator[str]:
    evening = " (evening before)" if day.day > rehearsal.replayed.last else ""
    peak = "no hour known"
    if day.peak_at is not None and day.peak_ug_m3 is not None:
        peak = f"peak {day.peak_ug_m3:.0f} ug/m3 at {rehearsal.local(day.peak_at):%d %H:%M}"
    yield f"{day.day}{evening}  {peak}; told {day.told:,}"
    for kind in KINDS:
        moments = [moment for moment in day.moments if moment.kind == kind]
        if not moments:
            continue
        first, last = (rehearsal.local(moment.at) for moment in (moments[0], moments[-1]))
        most = max(moments, key=lambda moment: moment.residents)
        span = f"{first:%d %H:%M}"
        if last != first:
            span += f" to {last:%d %H:%M}, most at {rehearsal.local(most.at):%d %H:%M} ({most.residents:,})"
        yield f"  {words.kind(kind):<10}{day.messages(kind):>10,}  {span}"
    for name, count in (("held", day.held), ("spared", day.spared), ("dropped", day.dropped), ("capped", day.capped)):
        if count:
            yield f"  {count:>20,}  {words.outcome(name)}"


def _per_week(report: Report) -> Iterator[str]:
    yield ""
    yield "Messages per resident and week (all-clears and better news replace silently, not counted)"
    total = sum(report.per_week.values())
    for number, residents in report.per_week.items():
        yield f"  {number:>3}  {residents / total:>6.1%}"


def _notice(report: Report, words: RehearsalWords) -> Iterator[str]:
    yield ""
    notice = report.notice
    if not notice.residents:
        yield "Notice before the day's peak: nobody was told."
        return
    yield (
        f"Notice before the day's peak: least {words.duration(notice.shortest)}, median "
        f"{words.duration(notice.median)}, longest {words.duration(notice.longest)}."
    )


def _trials(rehearsal: Rehearsal) -> Iterator[str]:
    high = rehearsal.replayed.high
    reached = rehearsal.report.reached
    yield ""
    yield f"Other bounds, judged by the {reached} days whose peak reached {high:g} ug/m3 (told: at least half of those"
    yield "who wish to be told from the bound on)"
    yield "    bound  days told  rightly  missed  false alarms  messages per week"
    for trial in rehearsal.report.trials:
        mark = "  <- this one" if trial.high == high else ""
        yield (
            f"  {trial.high:>7g}{trial.days_told:>11}{trial.caught:>9}{trial.missed:>8}{trial.false_alarms:>14}"
            f"{trial.messages_per_week:>19.1f}{mark}"
        )
