"""Speed of the simulator, and what closed-form evaluation saves over integrating the model's differential equation.

neurokit2's `ecg_simulate` (ECGSYN, one lead or twelve) would be the alternative to name, and is absent: it pins pandas
below 3 and cannot be installed beside this package. In its place stands a small ECGSYN of our own: McSharry's
equations (McSharry et al. 2003, IEEE Trans Biomed Eng 50:289, eq. 1) under scipy's solve_ivp, against the same waves
as Gaussians around each beat, as records/simulation/simulator.py evaluates them.
"""

import argparse
from functools import partial

import numpy as np
from scipy.integrate import solve_ivp

from benchmarks.measuring import Report, benchmark_parser, time_side_by_side
from vqecg.records.simulation.simulator import SimulatorSettings, simulate_record
from vqecg.reports.results import Value

# McSharry et al. 2003, Table 1: P, Q, R, S, T
ANGLES = np.array([-np.pi / 3, -np.pi / 12, 0.0, np.pi / 12, np.pi / 2])  # rad
HEIGHTS = np.array([1.2, -5.0, 30.0, -7.5, 0.75])
WIDTHS = np.array([0.25, 0.1, 0.1, 0.1, 0.4])  # rad
BEAT = 60 / 72  # s
TOLERANCES = (1e-4, 1e-7)  # of the integrator, relative and absolute
RECORDS = (("NORM", "SR"), ("IMI", "SR"), ("CLBBB", "SR"), ("LVH", "SR"), ("AFIB",), ("ISC_", "SR", "PVC"))


def main(arguments: list[str] | None = None) -> None:
    """Measures and prints."""
    options = parse(arguments)
    report = Report(__spec__.name, __doc__, arguments, options)
    for sampling_rate in options.sampling_rates:
        settings = SimulatorSettings(options.seconds, sampling_rate)
        times = np.arange(round(options.seconds * sampling_rate)) / sampling_rate
        alternatives = {
            "vqecg": partial(simulate, options.records, settings),
            "ECGSYN by solve_ivp, one lead": partial(integrate_all, options.records, times),
        }
        timings = time_side_by_side(alternatives, options.records, options.rounds)
        title = f"12-lead records of {options.seconds:g} s at {sampling_rate} Hz, noise and truth included, one core"
        report.timings(title, "records/s", timings)
    compare_with_integration(report)
    print("\nneurokit2.ecg_simulate: not measured, it cannot be installed beside pandas 3")
    report.write({"records of a round": options.records})


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = benchmark_parser(__doc__)
    parser.add_argument("--records", type=int, default=20, help="records a round")
    parser.add_argument("--seconds", type=float, default=10.0, help="length of a record")
    parser.add_argument("--sampling-rates", type=int, nargs="+", default=[100, 500], help="Hz")
    parser.add_argument("--rounds", type=int, default=3, help="timed runs of each alternative")
    return parser.parse_args(arguments)


def simulate(records: int, settings: SimulatorSettings) -> None:
    """That many records of changing statements and patients."""
    for number in range(records):
        simulate_record(RECORDS[number % len(RECORDS)], np.random.default_rng([0, number]), settings)


def integrate_all(records: int, times: np.ndarray) -> None:
    """As many leads, without noise, by integration."""
    for _ in range(records):
        integrate(times, BEAT, TOLERANCES[0])


def compare_with_integration(report: Report) -> None:
    """One lead of one record by both ways, at the highest rate asked for, and how far they differ."""
    options = report.options
    rate = max(options.sampling_rates)
    times = np.arange(round(options.seconds * rate)) / rate
    alternatives = {"closed form": partial(evaluate, times, BEAT)}
    for tolerance in TOLERANCES:
        alternatives[f"solve_ivp, RK45, tolerance {tolerance:g}"] = partial(integrate, times, BEAT, tolerance)
    timings = time_side_by_side(alternatives, 1, options.rounds)
    report.timings(f"one lead of {options.seconds:g} s at {rate} Hz", "leads/s", timings)
    exact = evaluate(times, BEAT)
    size = np.std(exact)
    rows = [
        (
            f"tolerance {tolerance:g}",
            Value.to_digits(100 * float(np.std(integrate(times, BEAT, tolerance) - exact) / size), "%", digits=2),
        )
        for tolerance in TOLERANCES
    ]
    report.table(
        "difference of the integral from the closed form (RMS of its standard deviation)", ("", "RMS"), rows, "integral"
    )


def evaluate(times: np.ndarray, beat: float) -> np.ndarray:
    """The waves in closed form, beats of `beat` s: (times,).

    The integral of eq. 1 along the limit cycle, without the pull to the baseline, which `integrate` leaves out too.
    """
    omega = 2 * np.pi / beat
    signal = np.zeros(len(times))
    for angle, height, width in zip(ANGLES, HEIGHTS, WIDTHS, strict=True):
        phase = (omega * times - angle + np.pi) % (2 * np.pi) - np.pi
        signal += height * width**2 / omega * np.exp(-0.5 * (phase / width) ** 2)
    return signal


def integrate(times: np.ndarray, beat: float, tolerance: float) -> np.ndarray:
    """McSharry's equations from phase 0: a point that circles the unit circle, pushed up and down by the waves."""
    omega = 2 * np.pi / beat

    def slope(_: float, state: np.ndarray) -> np.ndarray:
        x, y, _z = state
        pull = 1 - np.hypot(x, y)
        phase = (np.arctan2(y, x) - ANGLES + np.pi) % (2 * np.pi) - np.pi
        push = -(HEIGHTS * phase * np.exp(-0.5 * (phase / WIDTHS) ** 2)).sum()
        return np.array([pull * x - omega * y, pull * y + omega * x, push])

    start = np.array([1.0, 0.0, evaluate(times[:1], beat)[0]])
    # steps longer than the narrowest wave would jump over it
    longest = WIDTHS.min() / omega
    span = (times[0], times[-1])
    return solve_ivp(slope, span, start, t_eval=times, rtol=tolerance, atol=tolerance, max_step=longest).y[2]


if __name__ == "__main__":
    main()
