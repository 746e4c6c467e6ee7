"""On the virtual clock nothing waits, and everything happens in its order."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigie_rig import virtual_clock
from vigie_rig.errors import RigFault


def test_a_day_passes_at_once() -> None:
    async def day() -> float:
        await asyncio.sleep(86400)
        return asyncio.get_running_loop().time()

    began = time.monotonic()
    assert virtual_clock.run(day()) == pytest.approx(86400, abs=1e-3)
    assert time.monotonic() - began < 3600


@given(delays_s=st.lists(st.floats(0, 1e6), max_size=30))
def test_timers_fire_in_order_each_at_its_time(delays_s: list[float]) -> None:
    async def main() -> list[tuple[float, float]]:
        loop = asyncio.get_running_loop()
        fired: list[tuple[float, float]] = []

        def fire(due_s: float) -> None:
            fired.append((due_s, loop.time()))

        for delay_s in delays_s:
            loop.call_at(delay_s, fire, delay_s)
        await asyncio.sleep(2e6)
        return fired

    fired = virtual_clock.run(main())
    assert [due_s for due_s, _ in fired] == sorted(delays_s)
    assert all(at_s == pytest.approx(due_s, abs=1e-5) for due_s, at_s in fired)


def test_tasks_that_sleep_interleave() -> None:
    async def main() -> list[str]:
        order: list[str] = []

        async def every(name: str, period_s: float, times: int) -> None:
            for _ in range(times):
                await asyncio.sleep(period_s)
                order.append(name)

        await asyncio.gather(every("a", 2.0, 3), every("b", 3.1, 2))
        return order

    assert virtual_clock.run(main()) == ["a", "b", "a", "a", "b"]


def test_deadlines_are_those_of_the_virtual_clock() -> None:
    async def main() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3600):
                await asyncio.Event().wait()
        return asyncio.get_running_loop().time()

    assert virtual_clock.run(main()) == pytest.approx(3600, abs=1e-3)


def test_a_wait_that_nothing_can_end_is_a_fault_of_the_rig(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(virtual_clock, "_REAL_WAIT_S", 0.05)

    async def main() -> None:
        await asyncio.Event().wait()

    with pytest.raises(RigFault, match="without a deadline"):
        virtual_clock.run(main())


def test_a_thread_s_answer_is_waited_for() -> None:
    async def main() -> str:
        def answer() -> str:
            threading.Event().wait(0.05)
            return threading.current_thread().name

        return await asyncio.to_thread(answer)

    assert virtual_clock.run(main()) != threading.current_thread().name


def test_an_exception_leaves_no_loop_behind() -> None:
    async def main() -> None:
        await asyncio.sleep(1)
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        virtual_clock.run(main())
    with pytest.raises(RuntimeError):
        asyncio.get_running_loop()


def test_the_clock_jumps_where_nothing_is_due_before_and_nowhere_else() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, virtual_clock.VirtualClockLoop)
        assert loop.jump(5.0)
        assert loop.time() == 5.0
        assert loop.jump(4.0)
        assert loop.time() == 5.0  # time does not go back
        timer = loop.call_at(7.0, int)
        assert not loop.jump(7.0)
        assert not loop.jump(8.0)
        assert loop.jump(6.9)
        timer.cancel()
        loop.call_soon(int)
        assert not loop.jump(6.95)
        await asyncio.sleep(0)
        assert loop.time() == pytest.approx(6.9)

    virtual_clock.run(main())


def test_time_stands_still_while_a_thread_works() -> None:
    async def main() -> tuple[float, list[float]]:
        loop, ticked_s = asyncio.get_running_loop(), list[float]()

        async def tick() -> None:
            while True:
                await asyncio.sleep(1)
                ticked_s.append(loop.time())

        ticking = asyncio.create_task(tick())
        await asyncio.sleep(2.5)
        await asyncio.to_thread(time.sleep, 0.05)
        at_s = loop.time()
        ticking.cancel()
        return at_s, ticked_s

    assert virtual_clock.run(main()) == (pytest.approx(2.5), [pytest.approx(1), pytest.approx(2)])


def test_real_input_is_looked_at_however_busy_the_virtual_clock_is() -> None:
    async def main() -> int:
        loop, rounds = asyncio.get_running_loop(), 0
        done = asyncio.Event()
        threading.Timer(0.02, lambda: loop.call_soon_threadsafe(done.set)).start()
        while not done.is_set():
            await asyncio.sleep(1)
            rounds += 1
        return rounds

    assert virtual_clock.run(main()) > 0
