"""Training speed beside peers in the same run: `python -m benchmarks.training [--quick] [--json FILE]` (CONTRACT 6).

W1–W3 are small networks, W4 a large one in float32; then 64 networks at once, two sessions at once, and the first frame of a process that
has no compiled kernel. Every ratio is measured side by side: we, a peer, we, the peer … and each peer must reach our loss.
"""

from __future__ import annotations

import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, partial
from multiprocessing.connection import Connection

import numpy as np

from benchmarks import peers
from benchmarks.report import Figure, arguments, figure, missing, write
from benchmarks.workloads import LARGE, SMALL, Workload
from dosegrade.nn.blas import Blas
from dosegrade.nn.engine import engine, side_by_side
from dosegrade.nn.plan import Engine, Stretch, draw_masks
from dosegrade.nn.warmup import WARMUP
from dosegrade.nn.wide import Wide, suits

PACKAGES = ("numpy", "numba", "jax", "keras", "torch", "scikit-learn")
NETS, SESSIONS = 64, 2
FIRST_FRAME = """
import time
from dosegrade.nn.training import Config, Trainer
start = time.perf_counter()
trainer = Trainer(Config())
frames = trainer.frames(30)
print((time.perf_counter() - start) * 1e3, trainer.engine, len(frames))
import os
os._exit(0)
"""

Run = Callable[[int], float]
Prepare = Callable[[Workload, bool, bool], Run]
PEERS: dict[str, tuple[Prepare, float, float]] = {
    "JAX lax.scan": (peers.jax_scan, 1.0, 1e-9),
    "JAX, one call a step": (peers.jax_steps, 0.05, 1e-9),
    "torch": (peers.torch_eager, 0.02, 1e-3),
    "Keras on JAX": (peers.keras_fit, 0.01, 1e-3),
    "scikit-learn": (peers.sklearn_fit, 0.03, 1e-2),
}
"""Each peer with the share of our epochs that it gets in the same time or so, and how near its loss comes: torch, Keras and scikit-learn
place Adam's epsilon elsewhere, Keras computes in float32."""


def ours(w: Workload, dropout: bool = False, single: bool = False) -> Run:
    """Our engine, from the first parameters; masks are drawn in the time that is measured."""
    plan = w.plan(dropout)
    kind = Wide if suits(plan) else Blas
    worker: Engine = kind(plan, np.float32) if single else engine(plan, "compiled")
    theta = w.theta.astype(np.float32) if single else w.theta
    memory = plan.start(theta)

    @cache
    def laid_out(epochs: int) -> tuple[np.ndarray | None, np.ndarray]:
        """Batches in the order of the data, for the kernel written out, and the learning rates."""
        order = None if (single and dropout) or plan.size == plan.samples else np.tile(np.arange(plan.samples), (epochs, 1))
        return order, np.full(epochs * plan.steps, w.learning_rate)

    def run(epochs: int) -> float:
        order, rates = laid_out(epochs)
        masks = draw_masks(plan, epochs, np.random.default_rng(5)) if dropout else None
        if isinstance(worker, (Blas, Wide)):
            return worker.loss_at(worker.run(theta, memory, Stretch(epochs, rates, order, masks, epochs + 1, False)).theta)
        return float(worker.run(theta, memory, Stretch(epochs, rates, order, masks, epochs, False)).losses[-1])

    return run


def speed(run: Run, epochs: int, w: Workload) -> float:
    """Updates a second."""
    start = time.perf_counter()
    run(epochs)
    return epochs * w.steps / (time.perf_counter() - start)


def same_loss(mine: Run, theirs: Run, epochs: int, tolerance: float, what: str) -> None:
    """Both have done the same work: RuntimeError where their losses differ."""
    one, other = mine(epochs), theirs(epochs)
    if abs(one - other) > tolerance * abs(one):
        raise RuntimeError(f"{what}: our loss after {epochs} epochs is {one!r}, theirs {other!r}")


def calibrated(run: Run, seconds: float) -> int:
    """The epochs that take so many seconds."""
    run(1)
    epochs = 1
    while True:
        start = time.perf_counter()
        run(epochs)
        took = time.perf_counter() - start
        if took >= seconds / 4:
            return max(1, int(epochs * seconds / took))
        epochs *= 2


def versus(w: Workload, names: Sequence[str], repeats: int, seconds: float, single: bool = False) -> list[Figure]:
    """Our speed, each peer's, and the ratio to each and to the best one."""
    dropout = w.dropout > 0
    mine, plain = ours(w, dropout, single), ours(w, False, single)
    epochs = calibrated(mine, seconds)
    figures, own, best = [], [], (0.0, "", [])
    for name in names:
        prepare, share, tolerance = PEERS[name]
        try:
            theirs = prepare(w, dropout, single)
            same_loss(
                plain, prepare(w, False, single) if dropout else theirs, 2, max(tolerance, 5e-3 if single else 0.0), f"{w.name}, {name}"
            )
        except ImportError as problem:
            figures.append(missing(f"training.{w.name} {name}", problem.name or name))
            continue
        count = max(1, epochs if single else int(epochs * share))
        theirs(count)
        pairs = [(speed(mine, epochs, w), speed(theirs, count, w)) for _ in range(repeats)]
        own += [a for a, _ in pairs]
        figures.append(figure(f"training.{w.name} {name}", [b for _, b in pairs], "steps/s"))
        middle = statistics.median(b for _, b in pairs)
        best = max(best, (middle, name, [a / b for a, b in pairs]), key=lambda entry: entry[0])
    if own:
        figures.insert(0, figure(f"training.{w.name} ours", own, "steps/s"))
        goal = 1.0 if single else 2.0
        figures.append(figure(f"training.{w.name}.ratio", best[2], "x", f"{best[1]} in the same run", goal, "at least"))
    return figures


def many(w: Workload, repeats: int, seconds: float) -> list[Figure]:
    """64 networks at once: threads over the kernel beside JAX's vmap."""
    single = ours(w)

    def mine(epochs: int) -> float:
        return statistics.fmean(side_by_side([lambda: single(epochs)] * NETS))

    epochs = calibrated(mine, seconds)
    try:
        theirs = peers.jax_many(w, NETS)
        same_loss(mine, theirs, 2, 1e-9, "64 networks, JAX vmap")
    except ImportError:
        return [missing("training.64.ratio", "JAX")]
    theirs(epochs)
    pairs = [(speed(mine, epochs, w) * NETS, speed(theirs, epochs, w) * NETS) for _ in range(repeats)]
    return [
        figure("training.64 ours", [a for a, _ in pairs], "steps/s"),
        figure("training.64 JAX vmap", [b for _, b in pairs], "steps/s"),
        figure("training.64.ratio", [a / b for a, b in pairs], "x", "JAX vmap of lax.scan in the same run", 1.3, "at least"),
    ]


def session(name: str, asked: Connection) -> None:
    """A process of its own that trains a small workload whenever it is asked to."""
    WARMUP.wait()
    run = ours(next(w for w in SMALL if w.name == name))
    while (epochs := asked.recv()) is not None:
        run(epochs)
        asked.send(None)


@contextmanager
def processes(w: Workload) -> Iterator[list[Run]]:
    """As many processes as there are sessions, each as something to run."""
    context, lines, workers = multiprocessing.get_context("spawn"), [], []
    for _ in range(SESSIONS):
        line, other = context.Pipe()
        workers.append(context.Process(target=session, args=(w.name, other), daemon=True))
        workers[-1].start()
        lines.append(line)

    def run(line: Connection, epochs: int) -> float:
        line.send(epochs)
        line.recv()
        return 0.0

    yield [partial(run, line) for line in lines]
    for line, worker in zip(lines, workers, strict=True):
        line.send(None)
        worker.join()


def together(w: Workload, repeats: int, seconds: float) -> list[Figure]:
    """The total speed of two sessions that train at once, over that of one alone; beside it what the machine gives two processes."""
    run = ours(w)
    epochs = calibrated(run, seconds)

    def gain(runs: Sequence[Run]) -> float:
        alone = speed(runs[0], epochs, w)
        return speed(lambda e: sum(side_by_side([partial(one, e) for one in runs])), epochs, w) * SESSIONS / alone

    with processes(w) as apart:
        gain(apart)
        pairs = [(gain([run] * SESSIONS), gain(apart)) for _ in range(repeats)]
    return [
        figure("training.sessions.ratio", [a for a, _ in pairs], "x", "one session in the same run", 1.7, "at least"),
        figure("training.sessions.ceiling", [b for _, b in pairs], "x", "two processes, over one, in the same run"),
    ]


def first_frame(repeats: int) -> Figure:
    """Milliseconds from pressing play to 30 frames, in a fresh process whose kernel has never been compiled."""
    took = []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as empty:
            environment = {**os.environ, "NUMBA_CACHE_DIR": empty, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
            done = subprocess.run([sys.executable, "-c", FIRST_FRAME], env=environment, capture_output=True, text=True, check=True)
            took.append(float(done.stdout.split()[0]))
    return figure("training.first_frame", took, "ms", "pressing play, without numba's cache", 300.0)


def main() -> None:
    """Measure, print, write."""
    options = arguments(__doc__ or "")
    repeats, seconds = (3, 0.15) if options.quick else (7, 0.5)
    if not WARMUP.wait():
        print("numba is missing: the compiled engine cannot be measured.")
    figures = []
    for w in SMALL:
        names = list(PEERS) if not options.quick else ["JAX lax.scan", "scikit-learn"]
        figures += versus(w, names, repeats, seconds)
    figures += many(SMALL[2], repeats, seconds)
    figures += together(SMALL[2], repeats, seconds)
    names = ["JAX lax.scan", "Keras on JAX", "torch", *([] if options.quick else ["JAX, one call a step"])]
    # Ten epochs or so: of one or two, the loss at the end would be a good part of the time.
    figures += versus(LARGE, names, repeats, max(seconds, 0.6), single=True)
    figures.append(first_frame(min(repeats, 3)))
    write(figures, PACKAGES, options.json)
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
