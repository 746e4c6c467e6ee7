"""The current of the PPG's LED: by the level and the saturation of one window, that of the next."""

from micropython import const

STEP_UA = const(200)
LEAST_UA = const(200)
MOST_UA = const(51000)
FIRST_UA = const(6400)

_FULL = const(262143)
_TARGET = const(131072)
_LOW = const(78643)  # 30 %
_HIGH = const(196608)  # 75 %
_DARK = const(8192)
_SHARE = const(64)


def next_led_ua(led_ua: int, level: int, saturated: int, samples: int) -> int:
    """The LED's current for the next window.

    Half the scale is aimed at. Between 30 and 75 % nothing changes, so that noise does not make the current hunt. More
    than one sample in 64 at the end of the scale: at most half of it, since then the mean says too little. What stays
    dark at four times the first current has no skin before it: back to the first, and up again, so that neither a
    wrist that comes back nor one that reflects little is missed.

    Parameters: the current of this window; its mean counts (of 2^18; -1: it had none); how many of its samples were at
    the end of the scale, of how many.
    """
    if level < 0 or samples <= 0:
        return led_ua
    wanted = led_ua
    if saturated * _SHARE > samples:
        wanted = min(led_ua // 2, _scaled(led_ua, level))
    elif level < _DARK:
        wanted = 2 * led_ua if led_ua < 4 * FIRST_UA else FIRST_UA
    elif level < _LOW:
        wanted = min(2 * led_ua, _scaled(led_ua, level))
    elif level > _HIGH:
        wanted = _scaled(led_ua, level)
    wanted = wanted // STEP_UA * STEP_UA
    return max(LEAST_UA, min(MOST_UA, wanted))


def _scaled(led_ua: int, level: int) -> int:
    """The current at which the level would be the target, were all light the LED's; in small integers."""
    return led_ua * (_TARGET >> 6) // max(1, level >> 6)
