"""Forward filter of a hidden Markov model, smoothed over a fixed lag; streaming, in bounded memory."""

import numpy as np
import numpy.typing as npt

from vigie_signal._resample import Float32

Bool = npt.NDArray[np.bool_]


class FixedLag:
    """Posteriors of each step given everything up to ``lag`` steps after it.

    ``transition`` is ``[states, states]``, from the row to the column; the first state is uniform.
    """

    def __init__(self, transition: Float32, lag: int) -> None:
        states = len(transition)
        self._transition = transition
        self._lag = lag
        self._ahead: Float32 = np.full(states, 1 / states, np.float32)
        self._forward: Float32 = np.empty((0, states), np.float32)
        self._likelihood: Float32 = np.empty((0, states), np.float32)
        self._usable: Bool = np.empty(0, np.bool_)

    def push(self, likelihood: Float32, usable: Bool) -> tuple[Float32, Bool]:
        """Take ``[steps, states]`` and which are usable, return the posteriors now decided and theirs."""
        likelihood = np.where(usable[:, None], likelihood, np.float32(1))
        forward = np.empty_like(likelihood)
        for k, seen in enumerate(likelihood):
            now = self._ahead * seen
            forward[k] = now / now.sum()
            self._ahead = forward[k] @ self._transition
        if self._lag == 0:
            return forward, usable
        self._forward = np.concatenate([self._forward, forward])
        self._likelihood = np.concatenate([self._likelihood, likelihood])
        self._usable = np.concatenate([self._usable, usable])
        return self._take(max(len(self._forward) - self._lag, 0))

    def finish(self) -> tuple[Float32, Bool]:
        """Return the posteriors still waiting, smoothed with what there is."""
        return self._take(len(self._forward))

    def _take(self, count: int) -> tuple[Float32, Bool]:
        backward: Float32 = np.ones((count, len(self._transition)), np.float32)
        for ahead in range(self._lag, 0, -1):
            known = max(min(count, len(self._likelihood) - ahead), 0)
            later = self._likelihood[ahead : ahead + known] * backward[:known]
            later = later @ self._transition.T
            backward[:known] = later / later.max(axis=1, keepdims=True)
        posterior = self._forward[:count] * backward
        posterior /= posterior.sum(axis=1, keepdims=True)
        usable = self._usable[:count]
        self._forward, self._likelihood = self._forward[count:], self._likelihood[count:]
        self._usable = self._usable[count:]
        return posterior, usable
