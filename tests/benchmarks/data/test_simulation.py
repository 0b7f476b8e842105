"""The benchmark of the simulator, at tiny size, and its ECGSYN."""

import numpy as np

from benchmarks.data import simulation


def test_simulation_compares_with_integration(run):
    sizes = ("--records", "1", "--seconds", "3", "--sampling-rates", "100", "--rounds", "1")
    printed = run(simulation, *sizes)
    assert "solve_ivp" in printed and "neurokit2" in printed


def test_the_integral_of_ecgsyn_is_its_closed_form():
    times = np.arange(300) / 100
    exact = simulation.evaluate(times, simulation.BEAT)
    integral = simulation.integrate(times, simulation.BEAT, 1e-7)
    np.testing.assert_allclose(integral, exact, atol=1e-3 * np.ptp(exact))
