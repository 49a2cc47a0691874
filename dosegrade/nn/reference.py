"""The reference engine: the derivation itself, step by step, with the optimizer's own rule. Slow, and the truth for every other engine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from dosegrade.nn.optimizers import OPTIMIZERS
from dosegrade.nn.plan import FLAT, Array, Plan, State, Stretch, Trained
from dosegrade.steps import evaluate, needed


class Reference:
    """Evaluates `Network.steps` for each batch."""

    name = "steps"

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        names = {f"d{p.name}" for p in plan.places}
        self._whole = needed(plan.network.steps(), {"loss", *names})
        self._learning = needed(plan.network.steps(training=bool(plan.dropped)), names)
        self._optimizer = OPTIMIZERS[plan.optimizer]

    def look(self, theta: Array) -> tuple[float, Array]:
        """Loss and flat gradient of all samples."""
        values = evaluate(self._whole, {"x": self.plan.x, "y": self.plan.y, **self.plan.views(theta)})
        return float(values["loss"]), self._flat(values)

    def run(self, theta: Array, state: State, stretch: Stretch) -> Trained:
        """The stretch, an epoch at a time."""
        thetas, losses, gradients = [], [], []
        epoch, step = 0, 0
        with np.errstate(all="ignore"):
            for batches in self._epochs(stretch):
                before = theta, state
                for batch in batches:
                    gradient = self._flat(evaluate(self._learning, {**batch, **self.plan.views(theta)}))
                    theta, state = self._update(theta, state, gradient, float(stretch.rates[step]))
                    step += 1
                loss, gradient = self.look(theta)
                if not (loss <= self.plan.limit and np.isfinite(theta).all() and np.isfinite(gradient).all()):
                    theta, state = before
                    break
                epoch += 1
                if epoch % stretch.every == 0:
                    thetas.append(theta)
                    losses.append(loss)
                    gradients.append(gradient)
        rows = len(losses), len(theta)
        return Trained(epoch, theta, state, np.reshape(thetas, rows), np.array(losses), np.reshape(gradients, rows))

    def _update(self, theta: Array, state: State, gradient: Array, rate: float) -> tuple[Array, State]:
        gradient = self.plan.clipped(gradient)
        new, state = self._optimizer.update({FLAT: gradient}, state, {FLAT: theta}, rate, **self.plan.hyper)
        return new[FLAT], state

    def _flat(self, values: Mapping[str, Array]) -> Array:
        return np.concatenate([values[f"d{p.name}"].ravel() for p in self.plan.places])

    def _epochs(self, stretch: Stretch) -> Iterator[list[dict[str, Array]]]:
        """The batches of each epoch: x, y and masks."""
        plan, at = self.plan, 0
        for epoch in range(stretch.epochs):
            order = np.arange(plan.samples) if stretch.order is None else stretch.order[epoch]
            batches = []
            for start in range(0, plan.samples, plan.size):
                rows = order[start : start + plan.size]
                batch = {"x": plan.x[rows], "y": plan.y[rows]}
                if stretch.masks is not None:
                    for layer, units, _ in plan.dropped:
                        batch[f"mask{layer}"] = stretch.masks[at : at + len(rows) * units].reshape(len(rows), units).astype(float)
                        at += len(rows) * units
                batches.append(batch)
            yield batches
