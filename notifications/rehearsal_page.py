"""The page of a rehearsal: HTML that stands alone, without a script and without anything from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from citizen_api.sources.airparif import PRODUCER
from content.catalogue import catalogue
from content.rehearsal import RehearsalWords
from notifications.measurements import LICENCE, STAND_IN, Measurements
from notifications.rehearsal_facts import ALERT, HIGH, LESSER, SHARES
from notifications.rehearsal_plots import draw_week
from notifications.rehearsal_report import DAYS_OF_A_WEEK, Day, Notice, Replayed, Report
from notifications.residents import SYNTHETIC_LEVELS, SYNTHETIC_QUIET, SyntheticResidents

_NOTICES: Final = (0, 1, 3, 6, 12)
"""Where classes of notice begin, in hours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """A replay with all that is said beside it. `asked`: the days asked for; `today_share`: of the residents."""

    replayed: Replayed
    report: Report
    measurements: Measurements
    residents: SyntheticResidents
    asked: tuple[date, date]
    today_share: float

    @property
    def is_clipped(self) -> bool:
        """Whether fewer days are replayed than were asked for."""
        return self.asked != (self.replayed.first, self.replayed.last)

    def local(self, at: datetime) -> datetime:
        """A moment by the city's clock."""
        return at.astimezone(ZoneInfo(self.replayed.zone))


def render_page(rehearsal: Rehearsal, words: RehearsalWords) -> str:
    """Write the page."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("rehearsal.html").render(_Page(rehearsal, words).context())


@dataclass(frozen=True, slots=True)
class _Page:
    """Brings a rehearsal into the words and rows of the page."""

    rehearsal: Rehearsal
    words: RehearsalWords

    def context(self) -> dict[str, Any]:
        """What the template fills in."""
        replayed, report, words = self.rehearsal.replayed, self.rehearsal.report, self.words
        eventful = [day for day in report.days if day.is_eventful]
        weeks = [week for week in range(replayed.weeks) if self._is_drawn(week, eventful)]
        pollutant = catalogue().names.pollutants[self.rehearsal.measurements.pollutant].short.say(words.language)
        return {
            "lang": words.language,
            "say": words.say,
            "period": words.say("period", **self._period(replayed.first, replayed.last)),
            "notes": list(self._notes()),
            "facts": list(self._facts(eventful)),
            "pollutant": pollutant,
            "high": words.number(replayed.high),
            "weeks": [draw_week(replayed, report.days, week, words, pollutant=pollutant) for week in weeks],
            "calm_weeks": replayed.weeks - len(weeks),
            "days": [self._day(day) for day in eventful],
            "calm_days": len(report.days) - len(eventful),
            "per_week": self._bars(
                {words.number(count): residents for count, residents in report.per_week.items()},
                of=sum(report.per_week.values()),
            ),
            "notice": self._notice(report.notice),
            "reached": report.reached,
            "trials": [self._trial(trial) for trial in report.trials],
            "messages": [row for day in eventful for row in self._messages(day)],
            "assumptions": list(self._assumptions()),
        }

    def _is_drawn(self, week: int, eventful: Sequence[Day]) -> bool:
        """Whether somebody is told in a week, or its air comes near the bound; the only week always is."""
        replayed = self.rehearsal.replayed
        first = replayed.first + timedelta(days=DAYS_OF_A_WEEK * week)
        near = (
            day.is_eventful or (day.peak_ug_m3 or 0) >= SHARES[LESSER] * replayed.high
            for day in self.rehearsal.report.days
            if 0 <= (day.day - first).days < DAYS_OF_A_WEEK
        )
        told = (moment.at for day in eventful for moment in day.moments)
        return replayed.weeks == 1 or any(near) or any(replayed.week_of(at) == week for at in told)

    def _period(self, first: date, last: date) -> dict[str, str]:
        return {"first": self.words.day(first, year=True), "last": self.words.day(last, year=True)}

    def _notes(self) -> Iterator[str]:
        """What must be known before any figure."""
        rehearsal, words = self.rehearsal, self.words
        if rehearsal.is_clipped:
            first, last = rehearsal.asked
            asked = self._period(first, last)
            yield words.say("clipped", asked_first=asked["first"], asked_last=asked["last"])
        if rehearsal.measurements.pollutant == STAND_IN:
            yield words.say("stand_in")
        residents = rehearsal.residents
        homes = ", ".join(
            words.say("home", code=code, count=words.number(count)) for code, count in sorted(residents.homes.items())
        )
        yield words.say(
            "synthetic", count=words.number(residents.count), places=words.number(residents.places), homes=homes
        )
        ahead = rehearsal.replayed.ahead
        yield words.say("forecast_perfect", hours=ahead // timedelta(hours=1)) if ahead else words.say("forecast_none")

    def _facts(self, eventful: Sequence[Day]) -> Iterator[tuple[str, str]]:
        report, words = self.rehearsal.report, self.words
        days_told = sum(day.told > 0 for day in eventful)
        of_days = words.say("of_total", count=words.number(days_told), total=words.number(len(report.days)))
        yield words.say("days_told"), of_days
        total = self.rehearsal.residents.count
        yield (
            words.say("told_once"),
            f"{words.number(report.told_once)} ({words.percent(report.told_once / total)})",
        )
        yield words.say("messages_mean"), words.number(report.messages_per_week, decimals=1)
        notice = words.duration(report.notice.median) if report.notice.residents else words.say("nobody")
        yield words.say("notice_median"), notice

    def _day(self, day: Day) -> dict[str, Any]:
        words, total = self.words, self.rehearsal.residents.count
        outcomes = {"held": day.held, "spared": day.spared, "dropped": day.dropped, "capped": day.capped}
        return {
            "day": self._name(day.day),
            "peak": self._peak(day),
            "told": words.number(day.told),
            "share": day.told / total,
            "span": self._span(day),
            "outcomes": [(words.number(count), words.outcome(name)) for name, count in outcomes.items() if count],
        }

    def _name(self, day: date) -> str:
        name = self.words.day(day, weekday=True)
        return self.words.say("after_last", day=name) if day > self.rehearsal.replayed.last else name

    def _peak(self, day: Day) -> str:
        if day.peak_at is None or day.peak_ug_m3 is None:
            return "?"
        at = self.rehearsal.local(day.peak_at)
        label = "peak_at" if at.date() == day.day else "peak_before"
        return self.words.say(label, value=self.words.number(day.peak_ug_m3), at=self.words.clock(at))

    def _span(self, day: Day) -> str:
        """When a day's alerts went out; empty where none did."""
        alerts = [self.rehearsal.local(moment.at) for moment in day.moments if moment.kind == "alert"]
        if not alerts:
            return ""
        first, last, words = alerts[0], alerts[-1], self.words
        if first == last:
            return words.moment(first)
        if first.date() == last.date():
            clocks = {"first": words.clock(first), "last": words.clock(last)}
            return words.say("told_span_day", day=words.day(first.date()), **clocks)
        return words.say("told_span", first=words.moment(first), last=words.moment(last))

    def _bars(self, counts: Mapping[str, int], *, of: int) -> list[dict[str, Any]]:
        """Rows with a bar: their share of `of`."""
        return [
            {
                "label": label,
                "count": self.words.number(count),
                "share": count / of,
                "percent": self.words.percent(count / of),
            }
            for label, count in counts.items()
        ]

    def _notice(self, notice: Notice) -> dict[str, Any] | None:
        words = self.words
        if not notice.residents:
            return None
        classes = {words.say(f"notice_{start}"): 0 for start in reversed(_NOTICES)} | {words.say("notice_after"): 0}
        for length, residents in notice.residents.items():
            start = max((hours for hours in _NOTICES if length >= timedelta(hours=hours)), default="after")
            classes[words.say(f"notice_{start}")] += residents
        return {
            "text": words.say(
                "notice_text",
                shortest=words.duration(notice.shortest),
                median=words.duration(notice.median),
                longest=words.duration(notice.longest),
            ),
            "rows": self._bars(classes, of=sum(classes.values())),
        }

    def _trial(self, trial: Any) -> dict[str, Any]:
        words = self.words
        is_this = trial.high == self.rehearsal.replayed.high
        high = words.number(trial.high, decimals=0 if float(trial.high).is_integer() else 1)
        return {
            "is_this": is_this,
            "high": words.say("rehearsed", high=high) if is_this else high,
            "figures": [
                *(words.number(n) for n in (trial.days_told, trial.caught, trial.missed, trial.false_alarms)),
                words.number(trial.messages_per_week, decimals=1),
            ],
        }

    def _messages(self, day: Day) -> Iterator[tuple[str, str, str, str]]:
        for moment in day.moments:
            yield (
                self._name(day.day),
                self.words.moment(self.rehearsal.local(moment.at)),
                self.words.kind(moment.kind),
                self.words.number(moment.residents),
            )

    def _assumptions(self) -> Iterator[str]:
        rehearsal, words = self.rehearsal, self.words
        yield words.say("one_value")
        yield words.say("alert_day")
        high, lesser, alert = (words.number(rehearsal.replayed.high * SHARES[level]) for level in (HIGH, LESSER, ALERT))
        yield words.say("assumes_levels", high=high, lesser=lesser, alert=alert)
        levels = [
            words.say("wish_level", level=level, share=words.percent(share))
            for level, share in SYNTHETIC_LEVELS.items()
        ]
        quiet = [
            words.say("quiet_never", share=words.percent(share))
            if hours is None
            else f"{hours}, {words.percent(share)}"
            for hours, share in SYNTHETIC_QUIET.items()
        ]
        yield words.say(
            "assumes_wishes", levels="\N{NO-BREAK SPACE}; ".join(levels), quiet="\N{NO-BREAK SPACE}; ".join(quiet)
        )
        yield words.say("assumes_today", share=words.percent(rehearsal.today_share))
        yield words.say("assumes_consent")
        yield words.say("assumes_start")
        source = words.say("bundled") if rehearsal.measurements.is_bundled else rehearsal.measurements.names
        yield words.say("source", source=source, producer=PRODUCER, licence=LICENCE)
