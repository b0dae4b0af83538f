"""Functions on series: arrays of numbers, null where a value is missing."""

from __future__ import annotations

import math
import operator
import statistics
from collections.abc import Callable
from typing import Any

from translator.plan.functions.declare import Family
from translator.plan.functions.values import Dynamic

F = Family("series")


def _numbers(series: Dynamic) -> list[Any]:
    return [v if isinstance(v, int | float) and not isinstance(v, bool) else None for v in series] if isinstance(series, list) else []


def _known(first: list[Any], second: list[Any], function: Callable[[Any, Any], Any]) -> list[Any]:
    """A function of two series of one length, null where one of them is."""
    return [None if a is None or b is None else function(a, b) for a, b in zip(first, second, strict=True)]


def _pairwise(function: Callable[[Any, Any], Any]) -> Callable[[Dynamic, Dynamic], Dynamic]:
    def call(first: Dynamic, second: Dynamic) -> Dynamic:
        a = _numbers(first) if isinstance(first, list) else [first] * (len(second) if isinstance(second, list) else 1)
        b = _numbers(second) if isinstance(second, list) else [second] * len(a)
        size = max(len(a), len(b))
        a, b = a + [None] * (size - len(a)), b + [None] * (size - len(b))
        out: list[Any] = []
        for x, y in zip(a, b, strict=True):
            out.append(None if x is None or y is None else function(x, y))
        return out

    return call


def _quotient(x: float, y: float) -> float:
    """A quotient of reals: of a division by zero infinite, or no number."""
    return x / y if y else math.nan if x == 0 or math.isnan(x) else math.copysign(math.inf, x)


def _power(x: float, y: float) -> float:
    try:
        return math.pow(x, y)
    except ValueError:
        return math.inf if x == 0 else math.nan
    except OverflowError:
        return math.inf


for _name, _pair in (
    ("series_add(series1: array, series2: array) -> dynamic; series_add(series1: array, series2: number) -> dynamic; series_add(series1: number, series2: array) -> dynamic", lambda x, y: x + y), ("series_subtract(series1: array, series2: array) -> dynamic; series_subtract(series1: array, series2: number) -> dynamic; series_subtract(series1: number, series2: array) -> dynamic", lambda x, y: x - y), ("series_multiply(series1: array, series2: array) -> dynamic; series_multiply(series1: array, series2: number) -> dynamic; series_multiply(series1: number, series2: array) -> dynamic", lambda x, y: x * y), ("series_divide(series1: array, series2: array) -> dynamic; series_divide(series1: array, series2: number) -> dynamic; series_divide(series1: number, series2: array) -> dynamic", _quotient),
    ("series_pow(series1: array, series2: array) -> dynamic; series_pow(series1: array, series2: number) -> dynamic; series_pow(series1: number, series2: array) -> dynamic", _power), ("series_greater(series1: array, series2: array) -> dynamic; series_greater(series1: array, series2: number) -> dynamic; series_greater(series1: number, series2: array) -> dynamic", lambda x, y: x > y), ("series_greater_equals(series1: array, series2: array) -> dynamic; series_greater_equals(series1: array, series2: number) -> dynamic; series_greater_equals(series1: number, series2: array) -> dynamic", lambda x, y: x >= y),
    ("series_less(series1: array, series2: array) -> dynamic; series_less(series1: array, series2: number) -> dynamic; series_less(series1: number, series2: array) -> dynamic", lambda x, y: x < y), ("series_less_equals(series1: array, series2: array) -> dynamic; series_less_equals(series1: array, series2: number) -> dynamic; series_less_equals(series1: number, series2: array) -> dynamic", lambda x, y: x <= y), ("series_equals(series1: array, series2: array) -> dynamic; series_equals(series1: array, series2: number) -> dynamic; series_equals(series1: number, series2: array) -> dynamic", lambda x, y: x == y), ("series_not_equals(series1: array, series2: array) -> dynamic; series_not_equals(series1: array, series2: number) -> dynamic; series_not_equals(series1: number, series2: array) -> dynamic", lambda x, y: x != y),
):  # fmt: skip
    F.scalar(_name)(_pairwise(_pair))


def _elementwise(function: Callable[[Any], Any]) -> Callable[[Dynamic], Dynamic]:
    def call(series: Dynamic) -> Dynamic:
        """What is outside of the domain of a function gives no number; only what is none gives null."""
        out: list[Any] = []
        for x in _numbers(series):
            try:
                out.append(None if x is None else function(x))
            except ValueError:
                out.append(math.nan)
            except OverflowError:
                out.append(math.inf)
        return out

    return call


def _logarithm(x: float) -> float:
    return math.log(x) if x else -math.inf


def _whole(function: Callable[[float], int]) -> Callable[[float], float]:
    return lambda x: float(function(x)) if math.isfinite(x) else x


for _name, _one in (
    ("series_exp(series: array) -> dynamic", math.exp), ("series_sign(series: array) -> dynamic", lambda x: (x > 0) - (x < 0)), ("series_abs(series: array) -> first", abs), ("series_sin(series: array) -> dynamic", math.sin), ("series_asin(series: array) -> dynamic", math.asin), ("series_cos(series: array) -> dynamic", math.cos),
    ("series_acos(series: array) -> dynamic", math.acos), ("series_tan(series: array) -> dynamic", math.tan), ("series_atan(series: array) -> dynamic", math.atan), ("series_log(series: array) -> dynamic", _logarithm), ("series_floor(series: array) -> dynamic", _whole(math.floor)), ("series_ceiling(series: array) -> first", _whole(math.ceil)),
):  # fmt: skip
    F.scalar(_name)(_elementwise(_one))


@F.scalar("series_sum(series: array) -> real")
def series_sum(series: Dynamic) -> float:
    return float(sum(v for v in _numbers(series) if v is not None))


@F.scalar("series_product(series: array) -> real")
def series_product(series: Dynamic) -> float:
    return float(math.prod(v for v in _numbers(series) if v is not None))


@F.scalar("series_magnitude(series: array) -> real")
def series_magnitude(series: Dynamic) -> float:
    return math.sqrt(sum(v * v for v in _numbers(series) if v is not None))


@F.scalar(
    "series_dot_product(series1: array, series2: array) -> real",
    "series_dot_product(series1: array, series2: number) -> real",
    "series_dot_product(series1: number, series2: array) -> real",
)
def series_dot_product(first: Dynamic, second: Dynamic) -> float | None:
    """A number stands for a series of it; the longer series is cut, what is no number is left out, and of an empty one there is none."""
    a, b = _numbers(first), _numbers(second)
    a = a if isinstance(first, list) else [first] * len(b)
    b = b if isinstance(second, list) else [second] * len(a)
    return float(sum(x * y for x, y in zip(a, b, strict=False) if x is not None and y is not None)) if a and b else None


@F.scalar("series_cosine_similarity(series1: array, series2: array, series1_magnitude: real?, series2_magnitude: real?) -> real")
def series_cosine_similarity(first: Dynamic, second: Dynamic, one: float | None = None, two: float | None = None) -> float | None:
    size = min(len(_numbers(first)), len(_numbers(second)))
    if not size:
        return None
    lengths = (one or series_magnitude(first[:size])) * (two or series_magnitude(second[:size]))
    product = series_dot_product(first, second)
    return None if product is None or not lengths else product / lengths


@F.scalar("series_pearson_correlation(series1: array, series2: array) -> real")
def series_pearson_correlation(first: Dynamic, second: Dynamic) -> float | None:
    a, b = _numbers(first), _numbers(second)
    if len(a) != len(b) or len(a) < 2 or None in a + b:
        return None
    mean_a, mean_b = sum(a) / len(a), sum(b) / len(b)
    top = sum((x - mean_a) * (y - mean_b) for x, y in zip(a, b, strict=True))
    bottom = math.sqrt(sum((x - mean_a) ** 2 for x in a) * sum((y - mean_b) ** 2 for y in b))
    return top / bottom if bottom else math.nan


def _missing(series: Dynamic, placeholder: Dynamic) -> list[Any]:
    return [None if v == placeholder else v for v in (series if isinstance(series, list) else [])]


@F.scalar(
    "series_fill_const(series: array, constant_value: number?, missing_value_placeholder: number?) -> first", named="argument", nulls=True
)
def series_fill_const(series: Dynamic, constant: Dynamic = 0, placeholder: Dynamic = None) -> Dynamic:
    return [constant if v is None else v for v in _missing(series, placeholder)]


@F.scalar("series_fill_forward(series: array, missing_value_placeholder: number?) -> first", named="argument", nulls=True)
def series_fill_forward(series: Dynamic, placeholder: Dynamic = None) -> Dynamic:
    out: list[Any] = []
    for value in _missing(series, placeholder):
        out.append(out[-1] if value is None and out else value)
    return out


@F.scalar("series_fill_backward(series: array, missing_value_placeholder: number?) -> first", named="argument", nulls=True)
def series_fill_backward(series: Dynamic, placeholder: Dynamic = None) -> Dynamic:
    found = series_fill_forward(_missing(series, placeholder)[::-1])
    return found[::-1]


@F.scalar(
    "series_fill_linear(series: array, missing_value_placeholder: number?, fill_edges: bool?, constant_value: number?) -> first",
    named="argument",
    nulls=True,
)
def series_fill_linear(series: Dynamic, placeholder: Dynamic = None, edges: bool = True, constant: Dynamic = 0.0) -> Dynamic:
    """The type of the elements is kept: between whole numbers the fraction is cut, as the page's example does."""
    values = _missing(series, placeholder)
    known = [i for i, v in enumerate(values) if v is not None]
    if not known:
        return [constant for _ in values]
    whole = all(isinstance(values[k], int) for k in known)
    out: list[Any] = list(values)
    for i, value in enumerate(values):
        if value is not None:
            continue
        before, after = [k for k in known if k < i], [k for k in known if k > i]
        if before and after:
            a, b = before[-1], after[0]
            between = values[a] + (values[b] - values[a]) * (i - a) / (b - a)
            out[i] = int(between) if whole else between
        elif edges:
            out[i] = values[before[-1] if before else after[0]]
    return out


_STATS = ("min", "min_idx", "max", "max_idx", "avg", "stdev", "variance")


def _statistics(series: Dynamic, finite: bool) -> dict[str, Any] | None:
    """Null where there is a value that is no finite number, unless these are to be left out."""
    numbers = _numbers(series)
    values = [v for v in numbers if v is not None and math.isfinite(v)]
    if not values or (len(values) < len(numbers) and not finite):
        return None
    mean = sum(values) / len(values)
    variance = sum((v - mean) ** 2 for v in values) / (len(values) - 1) if len(values) > 1 else 0.0
    low, high = min(values), max(values)
    found = (float(low), numbers.index(low), float(high), numbers.index(high), mean, math.sqrt(variance), variance)
    return {**dict(zip(_STATS, found, strict=True)), "sum": float(sum(values)), "len": len(numbers)}


@F.scalar("series_stats_dynamic(series: array, ignore_nonfinite: constant bool?) -> dynamic")
def series_stats_dynamic(series: Dynamic, finite: bool = False) -> Dynamic:
    return _statistics(series, finite)


@F.scalar(
    "series_stats(series: array, ignore_nonfinite: constant bool?) -> (min: real, min_idx: long, max: real, max_idx: long, avg: real, stdev: real, variance: real)",
    named="series_stats_",
)
def series_stats(series: Dynamic, finite: bool = False) -> Dynamic:
    found = _statistics(series, finite)
    return None if found is None else [found[name] for name in _STATS]


def _line(values: list[Any]) -> dict[str, Any]:
    """Least squares over the indices of the series, by sums, which are exact of whole numbers: a slope of 0 is none that is nearly 0."""
    points = [(i, v) for i, v in enumerate(values) if v is not None]
    size, sum_x, sum_y = len(points), sum(x for x, _ in points), sum(y for _, y in points)
    mean_x, mean_y = sum_x / size, sum_y / size
    spread = size * sum(x * x for x, _ in points) - sum_x * sum_x
    slope = (size * sum(x * y for x, y in points) - sum_x * sum_y) / spread if spread else 0.0
    intercept = mean_y - slope * mean_x
    total = sum((y - mean_y) ** 2 for _, y in points)
    rest = sum((y - intercept - slope * x) ** 2 for x, y in points)
    count = max(1, size - 1)
    return {
        "rsquare": 1 - rest / total if total else 1.0, "slope": slope, "variance": total / count, "rvariance": rest / count,
        "interception": intercept, "line_fit": [intercept + slope * i for i in range(len(values))],
    }  # fmt: skip


@F.scalar(
    "series_fit_line(series: array) -> (rsquare: real, slope: real, variance: real, rvariance: real, interception: real, line_fit: dynamic)",
    named="series_fit_line_",
)
def series_fit_line(series: Dynamic) -> Dynamic:
    values = _numbers(series)
    return list(_line(values).values()) if sum(v is not None for v in values) > 1 else None


@F.scalar("series_fit_line_dynamic(series: array) -> dynamic")
def series_fit_line_dynamic(series: Dynamic) -> Dynamic:
    values = _numbers(series)
    return _line(values) if sum(v is not None for v in values) > 1 else None


@F.scalar("series_iir(series: array, numerators: array, denominators: array) -> dynamic", named="argument")
def series_iir(series: Dynamic, numerators: Dynamic, denominators: Dynamic) -> Dynamic:
    x, a, b = _numbers(series), _numbers(numerators), _numbers(denominators)
    if None in a + b or not b or not b[0]:
        raise ValueError("the coefficients of series_iir() are numbers, and its first denominator is not zero")
    out: list[float] = []
    for i in range(len(x)):
        total = sum(a[k] * (x[i - k] or 0) for k in range(len(a)) if i >= k)
        total -= sum(b[k] * out[i - k] for k in range(1, len(b)) if i >= k)
        out.append(total / b[0])
    return out


@F.scalar("series_fir(series: array, filter: array, normalize: bool?, center: bool?) -> dynamic", named="argument")
def series_fir(series: Dynamic, weights: Dynamic, normalize: bool | None = None, center: bool = False) -> Dynamic:
    """A filter with a negative weight is not normalized, and null where it is told to be."""
    x, w = _numbers(series), _numbers(weights)
    negative = any(v < 0 for v in w if v is not None)
    if None in w or (normalize and negative):
        return None
    scale = sum(w) if not negative and normalize is not False and sum(w) else 1
    shift = len(w) // 2 if center else 0
    out: list[float] = []
    for i in range(len(x)):
        found = [(w[k], x[i - k + shift]) for k in range(len(w)) if 0 <= i - k + shift < len(x)]
        out.append(sum(a * (b or 0) for a, b in found) / scale)
    return out


def _transformed(series: Dynamic, imaginary: Dynamic, inverse: bool) -> Dynamic:
    import numpy as np  # takes longer to load than most queries need

    real = _numbers(series)
    imag = _numbers(imaginary) if imaginary is not None else [0.0] * len(real)
    if None in real + imag or len(real) != len(imag):
        return None
    values = np.array(real, dtype=float) + 1j * np.array(imag, dtype=float)
    found = (np.fft.ifft if inverse else np.fft.fft)(values) if real else values
    return [found.real.tolist(), found.imag.tolist()]


@F.scalar("series_fft(series: array, series_imaginary: array?) -> (real: dynamic, imag: dynamic)", named="series_fft_")
def series_fft(series: Dynamic, imaginary: Dynamic = None) -> Dynamic:
    return _transformed(series, imaginary, inverse=False)


@F.scalar("series_ifft(series: array, series_imaginary: array?) -> (real: dynamic, imag: dynamic)", named="series_ifft_")
def series_ifft(series: Dynamic, imaginary: Dynamic = None) -> Dynamic:
    return _transformed(series, imaginary, inverse=True)


@F.scalar(
    "series_fit_poly(y_series: array, x_series: array?, degree: int?) -> (rsquare: real, coefficients: dynamic, variance: real, rvariance: real, poly_fit: dynamic)",
    named="series_fit_poly_",
)
def series_fit_poly(series: Dynamic, axis: Dynamic = None, degree: int = 1) -> Dynamic:
    """The variances are over one less than the points there are, as those of series_fit_line() are: its page has both agree."""
    import numpy as np

    y = _numbers(series)
    x = _numbers(axis) if axis is not None else list(range(1, len(y) + 1))
    points = [(a, b) for a, b in zip(x, y, strict=False) if a is not None and b is not None]
    if len(x) != len(y) or None in x or degree < 0 or len({a for a, _ in points}) <= max(degree, 1):
        return None
    values = np.array([b for _, b in points], dtype=float)
    coefficients = np.polyfit(np.array([a for a, _ in points], dtype=float), values, degree)
    rest = float(((values - np.polyval(coefficients, [a for a, _ in points])) ** 2).sum())
    total = float(((values - values.mean()) ** 2).sum())
    count = len(points) - 1
    fit = np.polyval(coefficients, np.array(x, dtype=float)).tolist()
    return [1 - rest / total if total else 1.0, coefficients.tolist(), total / count, rest / count, fit]


def _seasonal(values: list[Any], period: int, test_points: int) -> list[Any]:
    """The median of the points of each phase but the last ``test_points``, null where there is none; zeros of a period that is none."""
    if period == -1:
        raise ValueError("how series_periods_detect() scores a period is not documented: a seasonal period is to be given")
    if period <= 0:
        return [0.0] * len(values)
    learned = values[: max(0, len(values) - test_points)]
    phases = [[v for v in learned[start::period] if v is not None] for start in range(min(period, len(values)))]
    medians = [float(statistics.median(p)) if p else None for p in phases]
    return [medians[i % period] for i in range(len(values))]


@F.scalar(
    "series_seasonal(series: array) -> dynamic",
    "series_seasonal(series: array, period: integer) -> dynamic",
    "series_seasonal(series: array, period: integer, test_points: integer) -> dynamic",
)
def series_seasonal(series: Dynamic, period: int = -1, test_points: int = 0) -> Dynamic:
    return _seasonal(_numbers(series), period, test_points)


def _trend(values: list[Any], kind: str, test_points: int) -> list[float]:
    learned = values[: max(0, len(values) - test_points)]
    known = [v for v in learned if v is not None]
    match kind:
        case "none":
            return [0.0] * len(values)
        case "avg":
            return [sum(known) / len(known) if known else 0.0] * len(values)
        case "linefit":
            line = _line(learned) if len(known) > 1 else {"interception": known[0] if known else 0.0, "slope": 0.0}
            return [line["interception"] + line["slope"] * i for i in range(len(values))]
    raise ValueError(f"the trend of a series is 'avg', 'linefit' or 'none', and not {kind!r}")


@F.scalar(
    "series_decompose(series: array, period: integer?, trend: string?, test_points: integer?, seasonality_threshold: number?) -> (baseline: dynamic, seasonal: dynamic, trend: dynamic, residual: dynamic)",
    named="series_decompose_",
)
def series_decompose(series: Dynamic, period: int = -1, trend: str = "avg", test_points: int = 0, threshold: float = 0.6) -> Dynamic:
    values = _numbers(series)
    seasonal = _seasonal(values, period, test_points)
    rest = _trend(_known(values, seasonal, operator.sub), trend, test_points)
    baseline = _known(seasonal, rest, operator.add)
    return [baseline, seasonal, rest, _known(values, baseline, operator.sub)]


@F.scalar(
    "series_decompose_forecast(series: array, test_points: integer, period: integer?, trend: string?, seasonality_threshold: number?) -> (baseline: dynamic, seasonal: dynamic, trend: dynamic, residual: dynamic)",
    named="series_decompose_forecast_",
)
def series_decompose_forecast(series: Dynamic, test_points: int, period: int = -1, trend: str = "avg", threshold: float = 0.6) -> Dynamic:
    return series_decompose(series, period, trend, test_points, threshold)


F.unsupported(
    """
    series_fit_2lines(array: array) -> (rsquare: real, split_idx: long, variance: real, rvariance: real, line_fit: dynamic, right_rsquare: real, right_slope: real, right_interception: real, right_variance: real, right_rvariance: real, left_rsquare: real, left_slope: real, left_interception: real, left_variance: real, left_rvariance: real)
    series_fit_2lines_dynamic(series: array) -> dynamic
    series_periods_detect(series: array, min_period: number, max_period: number, num_periods: long) -> (periods: dynamic, scores: dynamic)
    series_periods_validate(series: array, period: number+) -> (periods: dynamic, scores: dynamic)
    series_decompose_anomalies(series: array, threshold: number?, period: integer?, trend: string?, test_points: integer?, method: string?, seasonality_threshold: number?) -> (ad_flag: dynamic, ad_score: dynamic, baseline: dynamic)
    """
)
F.declare(
    "series_outliers(series: array, kind: string?, ignore_val: number?) -> first",
    "series_outliers(series: array, kind: string, ignore_val: real, min_percentile: real, max_percentile: real?, test_points: integer?) -> first",
    named="argument",
)
