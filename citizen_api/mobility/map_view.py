"""The part of the world that a map shows: from degrees to pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from citizen_api.mobility.map_parts import Picture
from citizen_api.mobility.map_style import WIDTH
from citizen_api.mobility.network import FloatArray, to_plane


class _Pane(NamedTuple):
    margin: int
    width: int
    least_height: int
    most_height: int
    border: int


PANE_PX: Final = _Pane(margin=8, width=WIDTH - 16, least_height=260, most_height=440, border=34)
"""Where the map lies on the sheet, and how near to its edge what it shows may come."""
_LEAST_SPAN_M: Final = 220.0


@dataclass(frozen=True, slots=True)
class View:
    """What is shown: `origin` (lat, lon) is at the centre of `width` x `height` pixels."""

    origin: tuple[float, float]
    m_per_px: float
    width: int
    height: int

    @classmethod
    def around(cls, picture: Picture) -> View:
        """The view that holds all of a picture. ValueError where nothing in it has a position."""
        found = [line.points for line in picture.lines]
        found += [ring for area in picture.areas for ring in area.rings]
        found += [np.array([[marker.lat, marker.lon]]) for marker in picture.markers]
        points = np.concatenate(found) if found else np.empty((0, 2))
        if not len(points):
            raise ValueError("nothing to draw has a position")
        south, west = points.min(axis=0)
        north, east = points.max(axis=0)
        origin = (float(south + north) / 2, float(west + east) / 2)
        x, y = to_plane(origin, lat=float(north), lon=float(east))
        wide, high = max(2 * x, _LEAST_SPAN_M), max(2 * y, _LEAST_SPAN_M)
        room_x, room_y = PANE_PX.width - 2 * PANE_PX.border, PANE_PX.most_height - 2 * PANE_PX.border
        m_per_px = max(wide / room_x, high / room_y)
        height = max(PANE_PX.least_height, round(high / m_per_px) + 2 * PANE_PX.border)
        return cls(origin, m_per_px, PANE_PX.width, height)

    def pixels(self, points: FloatArray) -> FloatArray:
        """Pixels right and down of the upper left corner, [k, 2], of degrees [k, 2] (lat, lon)."""
        one_lon, _ = to_plane(self.origin, lat=self.origin[0], lon=self.origin[1] + 1)
        _, one_lat = to_plane(self.origin, lat=self.origin[0] + 1, lon=self.origin[1])
        return np.column_stack(
            (
                self.width / 2 + (points[:, 1] - self.origin[1]) * one_lon / self.m_per_px,
                self.height / 2 - (points[:, 0] - self.origin[0]) * one_lat / self.m_per_px,
            )
        )

    def corners(self) -> tuple[float, float, float, float]:
        """South, west, north, east of the pane, in degrees."""
        one_lon, _ = to_plane(self.origin, lat=self.origin[0], lon=self.origin[1] + 1)
        _, one_lat = to_plane(self.origin, lat=self.origin[0] + 1, lon=self.origin[1])
        up, across = self.height / 2 * self.m_per_px / one_lat, self.width / 2 * self.m_per_px / one_lon
        lat, lon = self.origin
        return lat - up, lon - across, lat + up, lon + across
