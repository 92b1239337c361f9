"""The average gradient outer product of gradients, of any function, of an estimator, of a PyTorch module.

    AGOP = sum_i w_i sum_o grad f_o(x_i) grad f_o(x_i)' / sum_i w_i

(Radhakrishnan, Beaglehole, Pandit, Belkin, Science 383, 2024, eq. 3). Gradients are made and added up batch by batch,
so no more than a batch of them is held.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Function = Callable[[Any], Any]
_CELLS = 1 << 22  # of the rows that a function is asked about at a time


class _Sum:
    """Outer products, added up in double."""

    def __init__(self) -> None:
        self._outer: Floats | None = None
        self._mean: Floats | None = None  # outputs x inputs
        self._weight = 0.0

    def add(self, gradients: Any, weight: Floats | None = None) -> None:
        """Gradients: rows x inputs, or rows x outputs x inputs."""
        G = np.asarray(gradients, dtype=np.float64)
        if G.ndim not in (2, 3):
            raise ValueError("gradients are rows x inputs or rows x outputs x inputs, not of shape %r" % (G.shape,))
        G = G.reshape(G.shape[0], -1, G.shape[-1])
        if not np.isfinite(G).all():
            raise ValueError("a gradient is infinite or NaN")
        w = np.ones(len(G)) if weight is None else weight
        if w.shape != (len(G),):
            raise ValueError("there are %d weights for %d gradients" % (len(w), len(G)))
        if self._outer is None or self._mean is None:
            self._outer, self._mean = np.zeros((G.shape[2], G.shape[2])), np.zeros(G.shape[1:])
        if G.shape[1:] != self._mean.shape:
            raise ValueError("a batch of gradients has shape %r after one of %r" % (G.shape[1:], self._mean.shape))
        flat = (G * np.sqrt(w)[:, None, None]).reshape(-1, G.shape[2])
        self._outer += flat.T @ flat
        self._mean += np.einsum("i,ioj->oj", w, G)
        self._weight += float(w.sum())

    def result(self, centre: bool) -> Floats:
        """The mean, with the outer product of the mean gradient taken away if asked."""
        if self._outer is None or self._mean is None or self._weight <= 0:
            raise ValueError("there are no gradients, or all weights are zero")
        out = self._outer / self._weight
        if centre:
            mean = self._mean / self._weight
            out -= mean.T @ mean
        return out


def agop(gradients: Any, sample_weight: Any = None, *, centre: bool = False) -> Floats:
    """The average gradient outer product of gradients.

    Parameters
    ----------
    gradients : array of shape (n_samples, n_inputs) or (n_samples, n_outputs, n_inputs), or an iterable of such arrays
        An iterable is taken batch by batch.
    sample_weight : array of shape (n_samples,), optional
        Weights of the rows of one array.
    centre : bool, default=False
        Take the mean gradient of each output away first.

    Returns
    -------
    ndarray of shape (n_inputs, n_inputs)
        Symmetric and positive semi-definite.

    Examples
    --------
    >>> import numpy as np, agop
    >>> agop.agop(np.array([[1.0, 2.0], [1.0, 0.0]]))
    array([[1., 1.],
           [1., 2.]])
    >>> agop.agop(batch for batch in np.ones((3, 5, 2))).tolist()
    [[1.0, 1.0], [1.0, 1.0]]
    """
    total = _Sum()
    if hasattr(gradients, "__array__") or isinstance(gradients, (list, tuple)):
        weight = None if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
        total.add(gradients, weight)
    else:
        if sample_weight is not None:
            raise ValueError("weights belong to one array: put their roots into the batches instead")
        for batch in gradients:
            total.add(batch)
    return total.result(centre)


# ---- where gradients come from ----


def _differences(function: Function, X: Floats, step: Floats) -> Floats:
    """Central differences: rows x outputs x inputs."""
    n, d = X.shape
    moved = np.repeat(X[None], 2 * d, axis=0)
    for j in range(d):
        moved[2 * j, :, j] += step[j]
        moved[2 * j + 1, :, j] -= step[j]
    values = np.asarray(function(moved.reshape(-1, d)), dtype=np.float64)
    if values.shape[:1] != (2 * d * n,):
        raise ValueError("the function answers %d rows by shape %r" % (2 * d * n, values.shape))
    values = values.reshape(d, 2, n, -1)
    slope: Floats = (values[:, 0] - values[:, 1]) / (2 * step)[:, None, None]
    return slope.transpose(1, 2, 0)


def _function_of(model: Any) -> Function:
    """Probabilities of a classifier, predictions of a regressor, a function itself."""
    answer: Function
    if hasattr(model, "predict_proba"):
        answer = model.predict_proba
    elif hasattr(model, "predict"):
        answer = model.predict
    elif callable(model):
        answer = model
    else:
        raise TypeError("the AGOP is of a function, an estimator with predict, or a PyTorch module, not of %r" % type(model))
    return answer


def _slopes(module: Any, layer: Any, rows: Any) -> Floats:
    """Gradients of all outputs with respect to what goes into `layer`: rows x outputs x inputs, where outputs are those
    at all places of what goes in."""
    import torch

    caught: list[Any] = []

    def catch(_: Any, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        caught.append(inputs[0].detach().requires_grad_(True))
        return (caught[-1].clone(), *inputs[1:])  # a layer may write to what it is given

    hook = layer.register_forward_pre_hook(catch)
    try:
        with torch.enable_grad():
            outputs = module(rows)
    finally:
        hook.remove()
    if len(caught) != 1:
        raise ValueError("the layer is reached %d times for each row, so it has no one input: name a part of the module that "
                         "is reached once" % len(caught))
    if not torch.is_tensor(outputs) or outputs.shape[:1] != rows.shape[:1]:
        what = "shape %r" % (tuple(outputs.shape),) if torch.is_tensor(outputs) else type(outputs)
        raise ValueError("the module answers %d rows by %s: wrap it so that it answers a tensor with as many rows"
                         % (len(rows), what))
    if caught[0].ndim < 2:
        raise ValueError("what goes in has shape %r, where rows x inputs are needed" % (tuple(caught[0].shape),))
    with torch.enable_grad():
        each = outputs.reshape(len(rows), -1).sum(0).unbind()
    slopes = torch.stack([torch.autograd.grad(one, caught[0], retain_graph=True)[0] for one in each], 1)
    G: Floats = slopes.reshape(len(rows), -1, slopes.shape[-1]).double().cpu().numpy()
    return G


def _by_torch(module: Any, layer: Any, X: Any, batch: int) -> Iterator[Floats]:
    """Gradients batch by batch. layer None: the module itself."""
    import torch

    first = next(module.parameters(), None)
    modes = [(part, part.training) for part in module.modules()]
    module.eval()  # rows must not see each other, as they do in batch normalisation
    try:
        for start in range(0, len(X), batch):
            rows = X[start:start + batch]
            rows = rows if torch.is_tensor(rows) else torch.as_tensor(np.array(rows, order="C"))
            if first is not None:
                tokens = layer is not None and not rows.is_floating_point()
                rows = rows.to(device=first.device, dtype=rows.dtype if tokens else first.dtype)
            yield _slopes(module, module if layer is None else layer, rows)
    finally:
        for part, training in modes:
            part.training = training


def agop_of(model: Any, X: Any, sample_weight: Any = None, *, gradient: Function | None = None, layer: Any = None,
            step: float = 1e-2, standardise: bool = False, centre: bool = False, batch: int | None = None) -> Floats:
    """The average gradient outer product of a function, an estimator or a PyTorch module over the rows of X.

    Parameters
    ----------
    model : callable, estimator or torch.nn.Module
        A callable takes rows and answers one number or several for each; an estimator is asked for ``predict_proba``
        where it has it, else for ``predict``.
    X : array of shape (n_samples, n_inputs)
        Rows; for a PyTorch module an array or a tensor of any shape it takes, in the module's precision. With ``layer``
        whole numbers stay what they are: tokens, for example.
    sample_weight : array of shape (n_samples,), optional
        Weights of the rows.
    gradient : callable, optional
        Answers rows by their gradients, rows x inputs or rows x outputs x inputs; without it, and for all but PyTorch,
        central differences are taken.
    layer : torch.nn.Module, optional
        A part of the module that is reached once for each row: gradients are then with respect to what goes into it. Of
        more than two dimensions the last one are the inputs, and gradients at all places of the others add up.
    step : float, default=1e-2
        Of the differences, in standard deviations of each column: small for smooth functions in double, as large as a
        step for functions that are steps, such as forests.
    standardise : bool, default=False
        Gradients per standard deviation of each column instead of per unit.
    centre : bool, default=False
        Take the mean gradient of each output away first.
    batch : int, optional
        Rows at a time.

    Returns
    -------
    ndarray of shape (n_inputs, n_inputs)
        The AGOP.

    Examples
    --------
    >>> import numpy as np, agop
    >>> X = np.random.default_rng(0).normal(size=(100, 3))
    >>> M = agop.agop_of(lambda x: x[:, 0] - 2 * x[:, 1], X)
    >>> bool(np.allclose(M, [[1, -2, 0], [-2, 4, 0], [0, 0, 0]]))
    True
    """
    weight = None if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
    total, done = _Sum(), 0
    torch = sys.modules.get("torch")
    unit = np.ones(1)
    if torch is not None and isinstance(model, torch.nn.Module):
        if standardise or gradient is not None:
            raise ValueError("standardise and gradient are not for PyTorch modules")
        batches: Iterable[Any] = _by_torch(model, layer, X, batch or 256)
    else:
        if layer is not None:
            raise ValueError("layer is for PyTorch modules")
        X = np.asarray(X, dtype=np.float64)
        if X.ndim != 2 or not np.isfinite(X).all():
            raise ValueError("X is rows x inputs, all finite: differences of what is missing are none")
        spread = X.std(axis=0)
        spread[spread == 0] = 1
        unit = spread if standardise else unit
        rows = batch or max(1, _CELLS // (2 * X.shape[1] ** 2))
        slopes = gradient or (lambda part: _differences(_function_of(model), part, step * spread))
        batches = (slopes(X[start:start + rows]) for start in range(0, len(X), rows))
    for G in batches:
        G = np.asarray(G, dtype=np.float64) * unit
        count = len(G)
        total.add(G, None if weight is None else weight[done:done + count])
        done += count
    return total.result(centre)
