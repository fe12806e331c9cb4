"""The section about trips in docs/performance.md."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bench.markdown import machine_line, paragraphs, section, table
from bench.mobility_targets import WHY, measured, mobility_targets
from bench.targets import targets_table

_HOW = (
    "`bench/mobility.py`: on the bundled sample of central Paris, on the streets of Paris as published for Hash Code "
    "2014, and on generated cities, each read from an OpenStreetMap extract, built and mapped as by `alentours network "
    "build`. Starts and goals are drawn anywhere in the network, so that a way on foot through the largest city takes "
    "hours; the air is made up, with a price for each hour. Everything below was measured in one run{took}."
)
_TRIED = """What was tried to search faster, and what it brought (one way on foot on a grid of 30,000 junctions):

- *A compiled Dijkstra that ends at its goal* (numba, a binary heap of doubles, no room taken or cleared for a search \
but what it touches): 1.9 ms against igraph's 5.3. Tuples of arrays handed from function to function inside the \
compiled code made it five times slower (each is counted again): they are taken apart once.
- *A\\* by the distance as the crow flies*: 0.7 ms, but one arc that is quicker than its length allows (a lift, a \
rounded length) spoils it for the whole city: on the Hash Code graph it hardly helped.
- *A\\* by eight landmarks* (ALT), kept: 0.14 ms in the kernel. Where air has a price, the bound is what the cleanest \
street of the city would cost, and brings less: see “with air”. It gives the same way as the search without a guide, \
whatever the hour, which a test holds it to.
- *Bounds over all hours of the day*: a cheap hour at night makes the morning's bound weak. A search assumes that it \
ends within three hours, and begins anew, knowing all, when it does not.
- *Landmarks' distances rounded to sixteenths of a second arc by arc*: exact in four bytes, half the memory of doubles.
- *Not tried further*: searching from both ends (the hour at which the goal is reached is not known), contraction \
hierarchies and customizable ones (weights change with every wish, hour and pollutant; the targets are met without)."""


def mobility_section(results: dict[str, Any]) -> str:
    """Render what bench/mobility.py measured."""
    graphs = measured(results)
    absent = [f"`{each['name']}`: {each['absent']}." for each in results["graphs"] if "absent" in each]
    took = f", in {results['took_s']} s" if "took_s" in results else ""
    return section(
        "Trips",
        _HOW.format(took=took),
        *absent,
        machine_line(results["machine"]),
        targets_table(mobility_targets(results), WHY),
        _questions(graphs),
        _one_way(graphs),
        _TRIED,
        _building(graphs),
    )


def _columns(graphs: list[dict[str, Any]], rows: list[tuple[str, Callable[[dict[str, Any]], str]]]) -> str:
    """A column for each graph."""
    head = ("", *(f"{graph['name']}: {graph['junctions']:,} junctions" for graph in graphs))
    return table(head, [(name, *(tell(graph) for graph in graphs)) for name, tell in rows])


def _both(found: dict[str, float]) -> str:
    return f"{found['p50_ms']:,.2f} ({found['p99_ms']:,.2f})"


def _questions(graphs: list[dict[str, Any]]) -> str:
    return paragraphs(
        "### What is asked",
        "Milliseconds: the median, and in brackets 99 %. A trip: both ends brought to the network, five searches (four "
        "weights of clean air, and calm), doses, and what is worse in all left out. The frontier: 144 searches with "
        "prices of their own; and the departures of a day as the product asks for them, which leaves out questions "
        "that are alike, doses of every hour included. The matrix: 50 goals within 1.5 km, at most half an hour.",
        _columns(
            graphs,
            [
                *((f"trip, {mode}", lambda graph, mode=mode: _both(graph["trips"][mode])) for mode in ("walk", "bike")),
                (
                    "ways that are left of five (walk, bike)",
                    lambda graph: ", ".join(f"{each['alternatives']:.1f}" for each in graph["trips"].values()),
                ),
                ("frontier, 144 searches", lambda graph: _both(graph["frontier"])),
                ("departures of a day", lambda graph: _both(graph["frontier"]["product"])),
                ("1 x 50 matrix", lambda graph: _both(graph["matrix"]["ours"])),
                ("the same, igraph's `distances`", lambda graph: _both(graph["matrix"]["igraph"])),
                ("the same, SciPy with `limit`, one start to all", lambda graph: _both(graph["matrix"]["scipy"])),
                ("times within 15 min", lambda graph: _both(graph["isochrone"]["reach"])),
                ("areas within 5, 10, 15 min", lambda graph: _both(graph["isochrone"]["areas"])),
                ("a point to its nearest street", lambda graph: _both(graph["snap"])),
            ],
        ),
    )


def _one_way(graphs: list[dict[str, Any]]) -> str:
    def ratio(other: str) -> Callable[[dict[str, Any]], str]:
        return lambda graph: f"{graph['single'][other]['p50_ms'] / graph['single']['ours']['p50_ms']:.1f}"

    def took(name: str) -> Callable[[dict[str, Any]], str]:
        return lambda graph: _both(graph["single"][name])

    return paragraphs(
        "### One shortest way",
        "On foot, between junctions anywhere, milliseconds as above; the whole of `find_route`, the way put together "
        "included. “With air”: the heaviest weight of clean air. SciPy's Dijkstra has no goal: it searches everywhere.",
        _columns(
            graphs,
            [
                ("ours", took("ours")),
                ("ours, with air", took("ours, air")),
                ("ours without landmarks", took("no landmarks")),
                ("ours without landmarks, with air", took("no landmarks, air")),
                ("igraph `get_shortest_path`", took("igraph")),
                ("SciPy `dijkstra`", took("scipy")),
                ("igraph to ours", ratio("igraph")),
                ("SciPy to ours", ratio("scipy")),
            ],
        ),
    )


def _building(graphs: list[dict[str, Any]]) -> str:
    def memory(name: str, before: str) -> Callable[[dict[str, Any]], str]:
        return lambda graph: f"{graph['memory'][name] - graph['memory'][before]:.1f}"

    return paragraphs(
        "### Building, files and memory",
        "Building reads the extract, joins streets and works out their air, and writes the files; a graph without an "
        "extract is only written. A worker works its landmarks out when they are first needed. Memory: what a worker "
        "holds for itself; the files are mapped, and shared by all.",
        _columns(
            graphs,
            [
                ("streets, km", lambda graph: f"{graph['km']:,}"),
                ("build, s", lambda graph: f"{graph['build_s']['whole']:.1f}"),
                (
                    "of that: reading, building, writing",
                    lambda graph: ", ".join(
                        f"{graph['build_s'][part]:.1f}"
                        for part in ("reading", "building", "writing")
                        if part in graph["build_s"]
                    ),
                ),
                ("files, MB", lambda graph: f"{graph['files_mb']:.1f}"),
                ("landmarks of both graphs, ms", lambda graph: f"{graph['landmarks_ms']:.0f}"),
                ("a worker with code and libraries, MB", lambda graph: f"{graph['memory']['ready_mb']:.0f}"),
                ("+ the network open, MB", memory("opened_mb", "ready_mb")),
                ("+ landmarks and a search everywhere, MB", memory("landmarks_mb", "opened_mb")),
                ("+ 100 trips, MB", memory("trips_mb", "landmarks_mb")),
            ],
        ),
    )
