"""Geospatial functions on a sphere: distances in metres by the haversine formula with the earth's mean radius (IUGG)."""

from __future__ import annotations

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
    "geo_distance_2points(p1_longitude: number, p1_latitude: number, p2_longitude: number, p2_latitude: number, use_spheroid: number?) -> real"
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


F.unsupported(
    """
    geo_from_wkt(wkt: scalar) -> dynamic
    geo_angle(p1_longitude: number, p1_latitude: number, p2_longitude: number, p2_latitude: number, p3_longitude: number, p3_latitude: number) -> real
    geo_closest_point_on_line(longitude: number, latitude: number, lineString: bag) -> dynamic
    geo_closest_point_on_polygon(longitude: number, latitude: number, polygon: bag) -> dynamic
    geo_distance_point_to_line(longitude: number, latitude: number, lineString: bag) -> real
    geo_distance_point_to_polygon(longitude: number, latitude: number, polygon: bag) -> real
    geo_point_in_polygon(longitude: number, latitude: number, polygon: bag) -> bool
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
    geo_polygon_densify(polygon: bag, tolerance: number?, preserve_crossing: number?) -> dynamic
    geo_polygon_area(polygon: bag) -> real
    geo_polygon_buffer(polygon: bag, radius: number, tolerance: number?) -> dynamic
    geo_polygon_centroid(polygon: bag) -> dynamic
    __geo_polygon_validate(polygon: bag) -> string
    geo_polygon_perimeter(polygon: bag) -> real
    geo_polygon_simplify(polygon: bag, tolerance: number?) -> dynamic
    __geo_line_s2cell_covering_level(lineString: bag) -> int
    geo_line_length(lineString: bag) -> real
    geo_line_buffer(lineString: bag, radius: number, tolerance: number?) -> dynamic
    geo_line_centroid(lineString: bag) -> dynamic
    geo_line_densify(lineString: bag, tolerance: number?, preserve_crossing: number?) -> dynamic
    geo_line_simplify(lineString: bag, tolerance: number?) -> dynamic
    geo_line_locate_point(lineString: bag, longitude: number, latitude: number, use_spheroid: number?) -> real
    geo_line_interpolate_point(lineString: bag, fraction: number) -> dynamic
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
