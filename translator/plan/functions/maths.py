"""Numbers, bits and units."""

from __future__ import annotations

import math
from collections.abc import Callable

from translator.plan.functions.declare import Family

F = Family("maths")
F.declare(
    "abs(number: integer) -> long", "abs(number: number) -> first", "abs(number: timespan) -> timespan", sql="ABS($1)", named="argument"
)
F.declare("ceiling(number: number) -> first", sql="CEIL($1)", named="argument")
F.declare("pi() -> real", sql="PI()")
F.declare("sign(number: number) -> real", sql="SIGN($1)")
F.declare("max_of(arg_1: alike, arg: alike+) -> common", compiled=True)
F.declare("min_of(arg_1: alike, arg: alike+) -> common", compiled=True)
F.declare("round(number: number, precision: constant long?) -> first", compiled=True, named="argument")
F.declare("isnan(number: real) -> bool", sql="ISNAN($1)")
F.declare("isinf(number: real) -> bool", duckdb="ISINF($1)")
F.declare("isfinite(number: real) -> bool", duckdb="ISFINITE($1)")
F.declare("rand(number: integer?) -> real", compiled=True, named="argument")


def _guarded(function: Callable[[float], float]) -> Callable[[float], float]:
    def call(x: float) -> float:
        try:
            return function(x)
        except (ValueError, ZeroDivisionError):
            return math.nan
        except OverflowError:
            return math.inf

    return call


for _name, _function in (
    ("exp(number: number) -> real", math.exp), ("exp2(number: number) -> real", lambda x: 2.0**x), ("exp10(number: number) -> real", lambda x: 10.0**x), ("cos(number: number) -> real", math.cos), ("sin(number: number) -> real", math.sin),
    ("tan(number: number) -> real", math.tan), ("atan(number: number) -> real", math.atan), ("gamma(number: number) -> real", math.gamma), ("loggamma(number: number) -> real", math.lgamma),
    ("erf(number: number) -> real", math.erf), ("erfc(number: number) -> real", math.erfc),
):  # fmt: skip
    F.scalar(_name, named="argument")(_guarded(_function))


@F.scalar("sqrt(number: number) -> real", named="argument")
def sqrt(x: float) -> float | None:
    return math.sqrt(x) if x >= 0 else x if math.isnan(x) else None


def _within(function: Callable[[float], float]) -> Callable[[float], float | None]:
    """Null outside -1 to 1, as Microsoft's emulator was seen to have it."""

    def call(x: float) -> float | None:
        return function(x) if -1 <= x <= 1 else x if math.isnan(x) else None

    return call


for _name, _function in (("acos(number: number) -> real", math.acos), ("asin(number: number) -> real", math.asin)):
    F.scalar(_name, named="argument")(_within(_function))
for _name, _function in (
    ("cot(number: number) -> real", lambda x: 1 / math.tan(x)),
    ("degrees(radians: number) -> real", math.degrees),
    ("radians(degrees: number) -> real", math.radians),
):
    F.scalar(_name)(_guarded(_function))


def _logarithm(base: Callable[[float], float]) -> Callable[[float], float | None]:
    def call(x: float) -> float | None:
        return base(x) if x > 0 else -math.inf if x == 0 else None

    return call


for _name, _function in (
    ("log(number: number) -> real", math.log),
    ("log2(number: number) -> real", math.log2),
    ("log10(number: number) -> real", math.log10),
):
    F.scalar(_name, named="argument")(_logarithm(_function))


@F.scalar("pow(base: number, exponent: number) -> real", named="argument")
def pow_(base: float, exponent: float) -> float | None:
    try:
        return math.pow(base, exponent)
    except (ValueError, OverflowError, ZeroDivisionError):
        return None


@F.scalar("atan2(y: number, x: number) -> real", named="argument")
def atan2(y: float, x: float) -> float:
    return math.atan2(y, x)


def _signed(value: int) -> int:
    value &= 0xFFFF_FFFF_FFFF_FFFF
    return value - (1 << 64) if value >> 63 else value


@F.scalar("binary_and(value1: integer, value2: integer) -> long", named="argument")
def binary_and(a: int, b: int) -> int:
    return a & b


@F.scalar("binary_or(value1: integer, value2: integer) -> long", named="argument")
def binary_or(a: int, b: int) -> int:
    return a | b


@F.scalar("binary_xor(value1: integer, value2: integer) -> long", named="argument")
def binary_xor(a: int, b: int) -> int:
    return a ^ b


@F.scalar("binary_not(value: integer) -> long", named="argument")
def binary_not(a: int) -> int:
    return ~a


@F.scalar("binary_shift_left(value: integer, shift: integer) -> long", named="argument")
def binary_shift_left(a: int, n: int) -> int | None:
    return _signed(a << (n % 64)) if n >= 0 else None


@F.scalar("binary_shift_right(value: integer, shift: integer) -> long", named="argument")
def binary_shift_right(a: int, n: int) -> int | None:
    return a >> (n % 64) if n >= 0 else None


@F.scalar("bitset_count_ones(value: integer) -> long", named="argument")
def bitset_count_ones(a: int) -> int:
    return (a & 0xFFFF_FFFF_FFFF_FFFF).bit_count()


def _incomplete_beta(x: float, a: float, b: float) -> float:
    """The regularized incomplete beta function by its continued fraction (Lentz): DLMF 8.17.22."""
    if x in (0.0, 1.0):
        return x
    if x > (a + 1) / (a + b + 2):
        return 1 - _incomplete_beta(1 - x, b, a)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)) / a
    tiny, f, c, d = 1e-300, 1.0, 1.0, 0.0
    for i in range(400):
        m = i // 2
        if i == 0:
            numerator = 1.0
        elif i % 2 == 0:
            numerator = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        else:
            numerator = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        d = 1 / ((1 + numerator * d) or tiny)
        c = (1 + numerator / c) or tiny
        f *= c * d
        if abs(1 - c * d) < 1e-15:
            break
    return front * (f - 1)


@F.scalar("beta_cdf(x: number, alpha: number, beta: number) -> real")
def beta_cdf(x: float, alpha: float, beta: float) -> float:
    return _incomplete_beta(x, alpha, beta) if 0 <= x <= 1 and 0 < alpha <= 10_000 and 0 < beta <= 10_000 else math.nan


@F.scalar("beta_pdf(x: number, alpha: number, beta: number) -> real")
def beta_pdf(x: float, alpha: float, beta: float) -> float:
    if not (0 < x < 1 and alpha > 0 and beta > 0):
        return math.nan
    scale = math.lgamma(alpha + beta) - math.lgamma(alpha) - math.lgamma(beta)
    return math.exp(scale + (alpha - 1) * math.log(x) + (beta - 1) * math.log1p(-x))


@F.scalar("beta_inv(probability: number, alpha: number, beta: number) -> real")
def beta_inv(probability: float, alpha: float, beta: float) -> float | None:
    """As the result says that the page prints, and the pages of its kin; the page's note has null and NaN exchanged."""
    if alpha <= 0 or beta <= 0:
        return math.nan
    if not 0 < probability <= 1:
        return None
    low, high = 0.0, 1.0
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if _incomplete_beta(middle, alpha, beta) < probability else (low, middle)
    return (low + high) / 2


@F.scalar("format_bytes(size: number, precision: constant number?, format: constant string?) -> string", named="argument")
def format_bytes(value: float, precision: int = 0, units: str = "", base: int = 1024) -> str:
    names = ["Bytes", "KB", "MB", "GB", "TB", "PB", "EB"] if base == 1024 else ["Bytes", "kB", "MB", "GB", "TB", "PB", "EB"]
    index = next((i for i, n in enumerate(names) if n.lower() == units.lower()), None)
    if index is None:
        index = 0
        while abs(value) / base**index >= base and index < len(names) - 1:
            index += 1
    shown = f"{value / base**index:.{max(0, precision)}f}"
    return f"{shown.rstrip('0').rstrip('.') if '.' in shown else shown} {names[index]}"


_UNITS: dict[str, dict[str, float]] = {
    "angle": {"Arcminute": math.pi / 10800, "Arcsecond": math.pi / 648000, "Centiradian": 1e-2, "Deciradian": 1e-1, "Degree": math.pi / 180,
              "Gradian": math.pi / 200, "Microdegree": math.pi / 180e6, "Microradian": 1e-6, "Millidegree": math.pi / 180e3,
              "Milliradian": 1e-3, "Nanodegree": math.pi / 180e9, "Nanoradian": 1e-9, "NatoMil": math.pi / 3200, "Radian": 1.0, "Revolution": 2 * math.pi},
    "energy": {"BritishThermalUnit": 1055.05585262, "Calorie": 4.184, "DecathermEc": 1.05505585262e9, "DecathermImperial": 1.05505585257348e9,
               "DecathermUs": 1.054804e9, "ElectronVolt": 1.602176565e-19, "Erg": 1e-7, "FootPound": 1.355817948,
               "GigabritishThermalUnit": 1055.05585262e9, "GigaelectronVolt": 1.602176565e-10, "Gigajoule": 1e9, "GigawattDay": 8.64e13, "GigawattHour": 3.6e12, "HorsepowerHour": 2.6845195377e6, "Joule": 1.0,
               "KilobritishThermalUnit": 1055055.85262, "Kilocalorie": 4184.0, "KiloelectronVolt": 1.602176565e-16,
               "Kilojoule": 1e3, "KilowattDay": 8.64e7, "KilowattHour": 3.6e6,
               "MegabritishThermalUnit": 1055.05585262e6, "Megacalorie": 4.184e6, "MegaelectronVolt": 1.602176565e-13,
               "Megajoule": 1e6, "MegawattDay": 8.64e10, "MegawattHour": 3.6e9,
               "Millijoule": 1e-3, "TeraelectronVolt": 1.602176565e-7, "TerawattDay": 8.64e16, "TerawattHour": 3.6e15,
               "ThermEc": 1.05505585262e8, "ThermImperial": 1.05505585257348e8, "ThermUs": 1.054804e8, "WattDay": 86400.0, "WattHour": 3600.0},
    "force": {"Decanewton": 10.0, "Dyn": 1e-5, "KilogramForce": 9.80665, "Kilonewton": 1e3, "KiloPond": 9.80665, "KilopoundForce": 4448.2216152605, "Meganewton": 1e6,
              "Micronewton": 1e-6, "Millinewton": 1e-3, "Newton": 1.0, "OunceForce": 0.2780138509537812, "Poundal": 0.138254954376,
              "PoundForce": 4.4482216152605, "ShortTonForce": 8896.443230521, "TonneForce": 9806.65},
    "length": {"Angstrom": 1e-10, "AstronomicalUnit": 1.495978707e11, "Centimeter": 1e-2, "Chain": 20.1168, "DataMile": 1828.8, "Decameter": 10.0,
               "Decimeter": 1e-1, "DtpPica": 0.0254 / 6, "DtpPoint": 0.0254 / 72,
               "Fathom": 1.8288, "Foot": 0.3048, "Hand": 0.1016, "Hectometer": 100.0, "Inch": 0.0254, "KilolightYear": 9.46073047258e18,
               "Kilometer": 1e3, "Kiloparsec": 3.08567758128e19, "MegalightYear": 9.46073047258e21, "Megaparsec": 3.08567758128e22,
               "LightYear": 9.46073047258e15, "Meter": 1.0, "Microinch": 2.54e-8, "Micrometer": 1e-6, "Mil": 2.54e-5, "Mile": 1609.344,
               "Millimeter": 1e-3, "Nanometer": 1e-9, "NauticalMile": 1852.0, "Parsec": 3.08567758128e16, "PrinterPica": 0.0254 * 12 / 72.27,
               "PrinterPoint": 0.0254 / 72.27, "Shackle": 27.432, "SolarRadius": 6.9551e8, "Twip": 0.0254 / 1440, "UsSurveyFoot": 1200 / 3937,
               "Yard": 0.9144},
    "mass": {"Centigram": 1e-5, "Decagram": 1e-2, "Decigram": 1e-4, "EarthMass": 5.9722e24, "Grain": 6.479891e-5, "Gram": 1e-3, "Hectogram": 0.1, "Kilogram": 1.0,
             "Kilopound": 453.59237, "Kilotonne": 1e6, "LongHundredweight": 50.80234544, "LongTon": 1016.0469088, "Megapound": 453592.37, "Megatonne": 1e9, "Microgram": 1e-9,
             "Milligram": 1e-6, "Nanogram": 1e-12, "Ounce": 0.028349523125, "Pound": 0.45359237, "ShortHundredweight": 45.359237,
             "ShortTon": 907.18474, "Slug": 14.593903, "SolarMass": 1.98947e30, "Stone": 6.35029318, "Tonne": 1e3},
    "volume": {"AcreFoot": 1 / 8.10714e-4, "AuTablespoon": 2e-5, "BoardFoot": 2.3597372158e-3, "Centiliter": 1e-5, "CubicCentimeter": 1e-6,
               "CubicDecimeter": 1e-3, "CubicFoot": 0.028316846592, "CubicHectometer": 1e6, "CubicInch": 1.6387064e-5, "CubicKilometer": 1e9,
               "CubicMeter": 1.0, "CubicMicrometer": 1e-18, "CubicMile": 4.16818182544058e9, "CubicMillimeter": 1e-9,
               "CubicYard": 0.764554857984, "Decaliter": 1e-2, "DecausGallon": 0.03785411784, "Deciliter": 1e-4,
               "DeciusGallon": 3.785411784e-4, "HectocubicFoot": 2.8316846592, "HectocubicMeter": 100.0, "Hectoliter": 0.1,
               "HectousGallon": 0.3785411784, "ImperialBeerBarrel": 0.16365924, "ImperialGallon": 0.00454609, "ImperialOunce": 2.84130625e-5,
               "ImperialPint": 5.6826125e-4, "KilocubicFoot": 28.316846592, "KilocubicMeter": 1e3, "KiloimperialGallon": 4.54609,
               "Kiloliter": 1.0, "KilousGallon": 3.785411784, "Liter": 1e-3, "MegacubicFoot": 28316.846592, "MegaimperialGallon": 4546.09,
               "Megaliter": 1e3, "MegausGallon": 3785.411784, "MetricCup": 2.5e-4, "MetricTeaspoon": 5e-6, "Microliter": 1e-9,
               "Milliliter": 1e-6, "OilBarrel": 0.158987294928, "UkTablespoon": 1.5e-5, "UsBeerBarrel": 0.117347765304,
               "UsCustomaryCup": 2.365882365e-4, "UsGallon": 0.003785411784, "UsLegalCup": 2.4e-4, "UsOunce": 2.95735295625e-5,
               "UsPint": 4.73176473e-4, "UsQuart": 9.46352946e-4, "UsTablespoon": 1.478676478125e-5, "UsTeaspoon": 4.92892159375e-6},
    "speed": {"Knot": 1852 / 3600, "MilePerHour": 0.44704},
}  # fmt: skip
"""What one unit is in the SI unit of its quantity: BIPM SI brochure, table 8; NIST SP 811, appendix B; for units that neither has, as UnitsNet,
whose names the pages of these functions list, defines them (github.com/angularsen/UnitsNet, Common/UnitDefinitions)."""

for _unit, _metres in {
    "Centimeter": 1e-2, "Decimeter": 1e-1, "Foot": 0.3048, "Inch": 0.0254, "Kilometer": 1e3, "Meter": 1.0, "Micrometer": 1e-6, "Millimeter": 1e-3,
    "Nanometer": 1e-9, "UsSurveyFoot": 1200 / 3937, "Yard": 0.9144,
}.items():  # fmt: skip
    _UNITS["speed"] |= {f"{_unit}PerMinute": _metres / 60, f"{_unit}PerSecond": _metres}
    if _unit not in ("Decimeter", "Micrometer", "Nanometer"):
        _UNITS["speed"][f"{_unit}PerHour"] = _metres / 3600


def _converter(quantity: str) -> Callable[[float, str, str], float | None]:
    def convert(value: float, source: str, target: str) -> float | None:
        if "Tilt" in (source, target):
            raise ValueError("Tilt is no multiple of an angle, and how Kusto converts it is not documented")
        units = _UNITS[quantity]
        return value * (units[source] / units[target]) if source in units and target in units else None

    return convert


for _name in _UNITS:
    F.scalar(f"convert_{_name}(value: real, from: string, to: string) -> real")(_converter(_name))

_KELVIN: dict[str, tuple[float, float]] = {
    "Kelvin": (1.0, 0.0), "DegreeCelsius": (1.0, 273.15), "DegreeFahrenheit": (5 / 9, 459.67 * 5 / 9), "DegreeRankine": (5 / 9, 0.0),
    "DegreeReaumur": (1.25, 273.15), "DegreeDelisle": (-2 / 3, 373.15), "DegreeNewton": (100 / 33, 273.15), "DegreeRoemer": (40 / 21, 273.15 - 7.5 * 40 / 21),
    "MillidegreeCelsius": (1e-3, 273.15), "SolarTemperature": (5778.0, 0.0),
}  # fmt: skip


@F.scalar("convert_temperature(value: real, from: string, to: string) -> real")
def convert_temperature(value: float, source: str, target: str) -> float | None:
    if source not in _KELVIN or target not in _KELVIN:
        return None
    (scale, offset), (other, shift) = _KELVIN[source], _KELVIN[target]
    return (value * scale + offset - shift) / other


@F.scalar(
    "welch_test(mean1: number, variance1: number, count1: number, mean2: number, variance2: number, count2: number) -> real",
)
def welch_test(mean1: float, variance1: float, count1: float, mean2: float, variance2: float, count2: float) -> float | None:
    """The probability of such a difference, or a greater one, of equal means: Student's distribution by DLMF 8.17."""
    if count1 <= 1 or count2 <= 1 or variance1 < 0 or variance2 < 0:
        return None
    one, two = variance1 / count1, variance2 / count2
    if one + two == 0:
        return None
    square = (mean1 - mean2) ** 2 / (one + two)
    freedom = (one + two) ** 2 / (one**2 / (count1 - 1) + two**2 / (count2 - 1))
    return _incomplete_beta(freedom / (freedom + square), freedom / 2, 0.5)
