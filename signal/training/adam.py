"""Adam with a warm start and a cosine's end, in JAX."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

Parameters = dict[str, jax.Array]
Moments = tuple[Parameters, Parameters]


def descend(
    parameters: Parameters,
    gradient: Callable[[Parameters, int], tuple[jax.Array, Parameters]],
    *,
    iterations: int,
    rate: float,
    warm_up: int,
    end: float,
) -> Parameters:
    """Follow ``gradient(parameters, iteration)``, which returns the loss and its gradient, downhill.

    The step grows to ``rate`` over ``warm_up`` iterations and falls like half a cosine to ``rate * end``.
    Doi:10.48550/arXiv.1412.6980, with 0.9 and 0.98 for the decay of the moments.
    """

    def update(
        old: Parameters, moments: Moments, slope: Parameters, step: float, count: int
    ) -> tuple[Parameters, Moments]:
        first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, moments[0], slope)
        second = jax.tree.map(lambda v, g: 0.98 * v + 0.02 * g * g, moments[1], slope)

        def moved(value: jax.Array, m: jax.Array, v: jax.Array) -> jax.Array:
            return value - step * (m / (1 - 0.9**count)) / (jnp.sqrt(v / (1 - 0.98**count)) + 1e-8)

        return jax.tree.map(moved, old, first, second), (first, second)

    nothing = jax.tree.map(jnp.zeros_like, parameters)
    moments: Moments = (nothing, nothing)
    compiled = jax.jit(update)
    for i in range(iterations):
        loss, slope = gradient(parameters, i)
        step = rate * min(1.0, (i + 1) / warm_up) * (0.5 * (1 + np.cos(np.pi * i / iterations)) + end)
        parameters, moments = compiled(parameters, moments, slope, step, i + 1)
        if i % 100 == 0 or i == iterations - 1:
            print(f"iteration {i} of {iterations}: loss {float(loss):.4f}", flush=True)
    return parameters
