"""Geospatial functions on a sphere: distances in metres by the haversine formula with the earth's mean radius (IUGG)."""

from __future__ import annotations

import itertools
import math
from typing import Any

from translator.plan.functions.declare import Family
from translator.plan.functions.values import Dynamic

F = Family("geo")
RADIUS = 6_371_010.0
"""Metres: the mean radius that S2 uses."""


def _valid(longitude: float, latitude: float) -> bool:
    return -180 <= longitude <= 180 and -90 <= latitude <= 90


@F.scalar(
    "geo_distance_2points(p1_longitude: number, p1_latitude: number, p2_longitude: number, p2_latitude: number, use_spheroid: number_or_bool?) -> real"
)
def geo_distance_2points(lon1: float, lat1: float, lon2: float, lat2: float) -> float | None:
    if not (_valid(lon1, lat1) and _valid(lon2, lat2)):
        return None
    a, b = math.radians(lat1), math.radians(lat2)
    h = math.sin((b - a) / 2) ** 2 + math.cos(a) * math.cos(b) * math.sin(math.radians(lon2 - lon1) / 2) ** 2
    return 2 * RADIUS * math.asin(math.sqrt(h))


@F.scalar(
    "geo_point_in_circle(p_longitude: number, p_latitude: number, pc_longitude: number, pc_latitude: number, c_radius: number) -> bool"
)
def geo_point_in_circle(lon: float, lat: float, centre_lon: float, centre_lat: float, radius: float) -> bool | None:
    found = geo_distance_2points(lon, lat, centre_lon, centre_lat)
    return None if found is None else found <= radius


_BASE32 = "0123456789bcdefghjkmnpqrstuvwxyz"


@F.scalar("geo_point_to_geohash(longitude: number, latitude: number, accuracy: number?) -> string")
def geo_point_to_geohash(longitude: float, latitude: float, accuracy: int = 5) -> str:
    if not _valid(longitude, latitude) or not 1 <= accuracy <= 18:
        return ""
    ranges = [[-180.0, 180.0], [-90.0, 90.0]]
    point = (longitude, latitude)
    bits = 0
    for number in range(accuracy * 5):
        low, high = ranges[number % 2]
        middle = (low + high) / 2
        upper = point[number % 2] >= middle
        bits = bits << 1 | upper
        ranges[number % 2][0 if upper else 1] = middle
    return "".join(_BASE32[bits >> 5 * (accuracy - 1 - i) & 31] for i in range(accuracy))


def _box(geohash: str) -> tuple[float, float, float, float] | None:
    """(west, south, east, north)."""
    ranges = [[-180.0, 180.0], [-90.0, 90.0]]
    number = 0
    for char in geohash.lower():
        value = _BASE32.find(char)
        if value < 0:
            return None
        for shift in range(4, -1, -1):
            low, high = ranges[number % 2]
            ranges[number % 2][0 if value >> shift & 1 else 1] = (low + high) / 2
            number += 1
    return (ranges[0][0], ranges[1][0], ranges[0][1], ranges[1][1]) if geohash else None


@F.scalar("geo_geohash_to_central_point(geohash: string) -> dynamic")
def geo_geohash_to_central_point(geohash: str) -> Dynamic:
    box = _box(geohash)
    return {"type": "Point", "coordinates": [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2]} if box else None


@F.scalar("geo_geohash_to_polygon(geohash: string) -> dynamic")
def geo_geohash_to_polygon(geohash: str) -> Dynamic:
    box = _box(geohash)
    if box is None:
        return None
    west, south, east, north = box
    return {"type": "Polygon", "coordinates": [[[west, south], [east, south], [east, north], [west, north], [west, south]]]}


@F.scalar("geo_geohash_neighbors(geohash: string) -> dynamic")
def geo_geohash_neighbors(geohash: str) -> Dynamic:
    box = _box(geohash)
    if box is None:
        return None
    west, south, east, north = box
    width, height = east - west, north - south
    x, y = (west + east) / 2, (south + north) / 2
    around = ((-1, -1), (0, -1), (1, -1), (1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0))
    found: list[Any] = []
    for dx, dy in around:
        longitude, latitude = (x + dx * width + 180) % 360 - 180, y + dy * height
        if -90 <= latitude <= 90:
            found.append(geo_point_to_geohash(longitude, latitude, len(geohash)))
    return found


@F.scalar("geo_azimuth(p1_longitude: number, p1_latitude: number, p2_longitude: number, p2_latitude: number) -> real")
def geo_azimuth(lon1: float, lat1: float, lon2: float, lat2: float) -> float | None:
    if not (_valid(lon1, lat1) and _valid(lon2, lat2)):
        return None
    a, b, d = math.radians(lat1), math.radians(lat2), math.radians(lon2 - lon1)
    return math.atan2(math.sin(d) * math.cos(b), math.cos(a) * math.sin(b) - math.sin(a) * math.cos(b) * math.cos(d))


_TAGS = {
    "POINT": "Point", "LINESTRING": "LineString", "POLYGON": "Polygon", "MULTIPOINT": "MultiPoint", "MULTILINESTRING": "MultiLineString",
    "MULTIPOLYGON": "MultiPolygon",
}  # fmt: skip


@F.scalar("geo_from_wkt(wkt: scalar) -> dynamic")
def geo_from_wkt(wkt: str) -> Dynamic:
    import json
    import re

    match = re.fullmatch(r"\s*([A-Za-z]+)\s*(\(.*\))\s*", wkt, re.S)
    if match is None or match[1].upper() not in _TAGS:
        return None
    kind = _TAGS[match[1].upper()]
    body = re.sub(r"(-?[\d.]+(?:[eE][-+]?\d+)?)\s+(-?[\d.]+(?:[eE][-+]?\d+)?)", r"[\1,\2]", match[2])
    body = body.replace("(", "[").replace(")", "]")
    try:
        found = json.loads(body)
    except ValueError:
        return None
    if kind == "MultiPoint":
        found = [p[0] if p and isinstance(p[0], list) else p for p in found]
    return {"type": kind, "coordinates": found[0] if kind == "Point" else found}


def _polygons(shape: Dynamic) -> list[list[list[list[float]]]] | None:
    """The polygons of a shape as lists of rings; None where it is no valid polygon."""
    if not isinstance(shape, dict):
        return None
    coordinates = shape.get("coordinates")
    found = [coordinates] if shape.get("type") == "Polygon" else coordinates if shape.get("type") == "MultiPolygon" else None
    if not isinstance(found, list) or not found:
        return None
    for rings in found:
        for ring in rings:
            if len(ring) < 4 or ring[0] != ring[-1] or any(a == b for a, b in itertools.pairwise(ring)) or not _planar_area(ring):
                return None
    return found


def _planar_area(ring: list[list[float]]) -> float:
    return sum(a[0] * b[1] - b[0] * a[1] for a, b in itertools.pairwise(ring)) / 2


def _lines(shape: Dynamic) -> list[list[list[float]]] | None:
    if not isinstance(shape, dict):
        return None
    coordinates = shape.get("coordinates")
    found = [coordinates] if shape.get("type") == "LineString" else coordinates if shape.get("type") == "MultiLineString" else None
    return found if isinstance(found, list) and found and all(len(line) > 1 for line in found) else None


def _inside(x: float, y: float, rings: list[list[list[float]]]) -> bool:
    """Even-odd rule: holes are rings as well."""
    inside = False
    for ring in rings:
        for (x1, y1), (x2, y2) in itertools.pairwise(ring):
            if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
                inside = not inside
    return inside


@F.scalar("geo_point_in_polygon(longitude: number, latitude: number, polygon: bag) -> bool")
def geo_point_in_polygon(longitude: float, latitude: float, polygon: Dynamic) -> bool | None:
    polygons = _polygons(polygon)
    if polygons is None or not _valid(longitude, latitude):
        return None
    return any(_inside(longitude, latitude, rings) for rings in polygons)


def _to_segment(point: tuple[float, float], a: list[float], b: list[float]) -> float:
    """Metres from a point to a piece of a great circle."""

    def vector(longitude: float, latitude: float) -> tuple[float, float, float]:
        u, v = math.radians(longitude), math.radians(latitude)
        return math.cos(v) * math.cos(u), math.cos(v) * math.sin(u), math.sin(v)

    def cross(p: tuple[float, ...], q: tuple[float, ...]) -> tuple[float, float, float]:
        return p[1] * q[2] - p[2] * q[1], p[2] * q[0] - p[0] * q[2], p[0] * q[1] - p[1] * q[0]

    def dot(p: tuple[float, ...], q: tuple[float, ...]) -> float:
        return sum(x * y for x, y in zip(p, q, strict=True))

    p, s, t = vector(*point), vector(a[0], a[1]), vector(b[0], b[1])
    normal = cross(s, t)
    length = math.sqrt(dot(normal, normal))
    if length and dot(cross(normal, s), p) > 0 and dot(cross(t, normal), p) > 0:
        return RADIUS * abs(math.asin(max(-1.0, min(1.0, dot(normal, p) / length))))
    ends = [geo_distance_2points(*point, e[0], e[1]) for e in (a, b)]
    return min(e for e in ends if e is not None)


@F.scalar("geo_distance_point_to_line(longitude: number, latitude: number, lineString: bag) -> real")
def geo_distance_point_to_line(longitude: float, latitude: float, line: Dynamic) -> float | None:
    lines = _lines(line)
    if lines is None or not _valid(longitude, latitude):
        return None
    return min(_to_segment((longitude, latitude), a, b) for one in lines for a, b in itertools.pairwise(one))


@F.scalar("geo_distance_point_to_polygon(longitude: number, latitude: number, polygon: bag) -> real")
def geo_distance_point_to_polygon(longitude: float, latitude: float, polygon: Dynamic) -> float | None:
    polygons = _polygons(polygon)
    if polygons is None or not _valid(longitude, latitude):
        return None
    if any(_inside(longitude, latitude, rings) for rings in polygons):
        return 0.0
    return min(_to_segment((longitude, latitude), a, b) for rings in polygons for ring in rings for a, b in itertools.pairwise(ring))


def _length(line: list[list[float]]) -> float:
    return sum(geo_distance_2points(a[0], a[1], b[0], b[1]) or 0.0 for a, b in itertools.pairwise(line))


@F.scalar("geo_line_length(lineString: bag) -> real")
def geo_line_length(line: Dynamic) -> float | None:
    lines = _lines(line)
    return None if lines is None else sum(map(_length, lines))


@F.scalar("geo_polygon_perimeter(polygon: bag) -> real")
def geo_polygon_perimeter(polygon: Dynamic) -> float | None:
    polygons = _polygons(polygon)
    if polygons is not None and len(polygons) > 1:
        raise ValueError("the perimeter of several polygons, which may overlap, is not supported")
    return None if polygons is None else sum(_length(ring) for rings in polygons for ring in rings)


@F.scalar("geo_polygon_area(polygon: bag) -> real")
def geo_polygon_area(polygon: Dynamic) -> float | None:
    """Square metres by the spherical excess of each ring, holes taken off."""
    polygons = _polygons(polygon)
    if polygons is None:
        return None
    if len(polygons) > 1:
        raise ValueError("the area of several polygons, which may overlap, is not supported")

    def excess(ring: list[list[float]]) -> float:
        total = 0.0
        for a, b in itertools.pairwise(ring):
            turn = math.tan(math.radians(b[0] - a[0]) / 2)
            u, v = math.tan(math.radians(a[1]) / 2), math.tan(math.radians(b[1]) / 2)
            total += 2 * math.atan2(turn * (u + v), 1 + u * v)
        return abs(total) * RADIUS * RADIUS

    return sum(excess(rings[0]) - sum(map(excess, rings[1:])) for rings in polygons)


def _between(a: list[float], b: list[float], fraction: float) -> list[float]:
    """The point at a fraction of the great circle from one point to another."""
    distance = (geo_distance_2points(a[0], a[1], b[0], b[1]) or 0.0) / RADIUS
    if not distance:
        return a
    u, v = math.sin((1 - fraction) * distance) / math.sin(distance), math.sin(fraction * distance) / math.sin(distance)
    (x1, y1), (x2, y2) = ((math.radians(p[0]), math.radians(p[1])) for p in (a, b))
    x = u * math.cos(y1) * math.cos(x1) + v * math.cos(y2) * math.cos(x2)
    y = u * math.cos(y1) * math.sin(x1) + v * math.cos(y2) * math.sin(x2)
    z = u * math.sin(y1) + v * math.sin(y2)
    return [math.degrees(math.atan2(y, x)), math.degrees(math.atan2(z, math.hypot(x, y)))]


@F.scalar("geo_line_interpolate_point(lineString: bag, fraction: number) -> dynamic")
def geo_line_interpolate_point(line: Dynamic, fraction: float) -> Dynamic:
    lines = _lines(line)
    if lines is None or len(lines) > 1 or not 0 <= fraction <= 1:
        return None
    left = _length(lines[0]) * fraction
    for a, b in itertools.pairwise(lines[0]):
        size = geo_distance_2points(a[0], a[1], b[0], b[1]) or 0.0
        if left <= size:
            return {"type": "Point", "coordinates": _between(a, b, left / size if size else 0.0)}
        left -= size
    return {"type": "Point", "coordinates": lines[0][-1]}


@F.scalar(
    "geo_angle(p1_longitude: number, p1_latitude: number, p2_longitude: number, p2_latitude: number, p3_longitude: number, p3_latitude: number) -> real"
)
def geo_angle(lon1: float, lat1: float, lon2: float, lat2: float, lon3: float, lat3: float) -> float | None:
    points = [(lon1, lat1), (lon2, lat2), (lon3, lat3)]
    if not all(_valid(*p) for p in points) or points[0] == points[1] or points[1] == points[2]:
        return None
    first, second = geo_azimuth(lon2, lat2, lon1, lat1), geo_azimuth(lon2, lat2, lon3, lat3)
    return None if first is None or second is None else (second - first) % (2 * math.pi)


F.unsupported(
    """
    geo_closest_point_on_line(longitude: number, latitude: number, lineString: bag) -> dynamic
    geo_closest_point_on_polygon(longitude: number, latitude: number, polygon: bag) -> dynamic
    geo_intersects_2lines(lineString1: bag, lineString2: bag) -> bool
    geo_intersects_line_with_polygon(lineString: bag, polygon: bag) -> bool
    geo_intersects_2polygons(polygon1: bag, polygon2: bag) -> bool
    geo_intersection_2lines(lineString1: bag, lineString2: bag) -> dynamic
    geo_intersection_line_with_polygon(lineString: bag, polygon: bag) -> dynamic
    geo_intersection_2polygons(polygon1: bag, polygon2: bag) -> dynamic
    geo_union_polygons_array(polygons: array) -> dynamic
    geo_simplify_polygons_array(polygons: array, tolerance: number?) -> dynamic
    geo_union_lines_array(lineStrings: array) -> dynamic
    geo_polygon_to_h3cells(polygon: bag, resolution: number?, radius: number?) -> dynamic
    geo_polygon_to_s2cells(polygon: bag, level: number?, radius: number?) -> dynamic
    __geo_polygon_s2cell_covering_level(polygon: bag) -> int
    geo_polygon_densify(polygon: bag, tolerance: number?, preserve_crossing: number_or_bool?) -> dynamic
    geo_polygon_buffer(polygon: bag, radius: number, tolerance: number?) -> dynamic
    geo_polygon_centroid(polygon: bag) -> dynamic
    __geo_polygon_validate(polygon: bag) -> string
    geo_polygon_simplify(polygon: bag, tolerance: number?) -> dynamic
    __geo_line_s2cell_covering_level(lineString: bag) -> int
    geo_line_buffer(lineString: bag, radius: number, tolerance: number?) -> dynamic
    geo_line_centroid(lineString: bag) -> dynamic
    geo_line_densify(lineString: bag, tolerance: number?, preserve_crossing: number_or_bool?) -> dynamic
    geo_line_simplify(lineString: bag, tolerance: number?) -> dynamic
    geo_line_locate_point(lineString: bag, longitude: number, latitude: number, use_spheroid: number_or_bool?) -> real
    __geo_line_validate(lineString: bag) -> string
    geo_line_to_s2cells(lineString: bag, level: number?, radius: number?) -> dynamic
    __geo_length_to_s2cell_level(length: number) -> int
    geo_point_buffer(longitude: number, latitude: number, radius: number, tolerance: number?) -> dynamic
    geo_point_to_s2cell(longitude: number, latitude: number, level: number?) -> string
    geo_s2cell_to_central_point(s2cell: string) -> dynamic
    geo_s2cell_to_polygon(s2cell: string) -> dynamic
    geo_s2cell_neighbors(s2cell: string) -> dynamic
    geo_point_to_h3cell(longitude: number, latitude: number, resolution: number?) -> string
    geo_h3cell_to_central_point(h3cell: string) -> dynamic
    geo_h3cell_to_polygon(h3cell: string) -> dynamic
    geo_h3cell_neighbors(h3cell: string) -> dynamic
    geo_h3cell_children(h3cell: string, resolution: number?) -> dynamic
    geo_h3cell_parent(h3cell: string, resolution: number?) -> string
    geo_h3cell_rings(h3cell: string, distance: number) -> dynamic
    geo_h3cell_level(h3cell: string) -> int
    """
)
