"""AGOPs of PyTorch modules and of what goes into their layers, against closed forms, differences and full Jacobians."""
import warnings

import agop
import numpy as np
import pytest

torch = pytest.importorskip("torch")
nn = torch.nn


@pytest.fixture
def rows():
    return np.random.default_rng(0).normal(size=(90, 4)) * [1, 10, 0.1, 1]


def network(seed=0):
    """4 inputs, 3 outputs."""
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 5), nn.Sigmoid(), nn.Linear(5, 3)).double()


def jacobians(function, X):
    """One row at a time: rows x outputs x inputs."""
    each = [torch.autograd.functional.jacobian(function, row[None]).reshape(-1, row.numel()) for row in torch.as_tensor(X)]
    return torch.stack(each).detach().numpy()


def averaged(J, weight=None, centre=False):
    weight = np.ones(len(J)) if weight is None else weight
    J = J - np.average(J, axis=0, weights=weight) if centre else J
    return np.einsum("i,ioj,iok->jk", weight, J, J) / weight.sum()


@pytest.mark.parametrize("batch", [1, 7, 90, 1000, None])
def test_batches_weights_and_centring(rows, batch):
    module, weight = network(), np.arange(90.0)
    J = jacobians(module, rows)
    np.testing.assert_allclose(agop.agop_of(module, rows, batch=batch), averaged(J), rtol=1e-9)
    np.testing.assert_allclose(agop.agop_of(module, rows, weight, batch=batch), averaged(J, weight), rtol=1e-9)
    np.testing.assert_allclose(agop.agop_of(module, rows, weight, batch=batch, centre=True), averaged(J, weight, True),
                               rtol=1e-8, atol=1e-12)


def test_differences_say_the_same(rows):
    module = network()

    def function(x):
        with torch.no_grad():
            return module(torch.as_tensor(x)).numpy()

    np.testing.assert_allclose(agop.agop_of(module, rows), agop.agop_of(function, rows, step=1e-5), rtol=1e-5, atol=1e-9)


def test_of_linear_maps_it_is_known(rows):
    W = torch.tensor([[1.0, 2, 0, 0], [0, 0, -3, 0]])
    module = nn.Linear(4, 2)
    module.weight = nn.Parameter(W)
    wanted = [[1, 2, 0, 0], [2, 4, 0, 0], [0, 0, 9, 0], [0, 0, 0, 0]]
    np.testing.assert_allclose(agop.agop_of(module, rows), wanted)
    one = nn.Sequential(module, nn.Flatten(0), nn.Unflatten(0, (-1, 2)))  # answers that were reshaped on the way
    np.testing.assert_allclose(agop.agop_of(one, rows), wanted)


@pytest.mark.parametrize("at", range(5))
def test_layers(rows, at):
    module = network()
    before, after = module[:at], module[at:]
    J = jacobians(after, before(torch.as_tensor(rows)).detach())
    found = agop.agop_of(module, rows, layer=module[at], batch=32)
    np.testing.assert_allclose(found, averaged(J), rtol=1e-9)
    if at == 0:
        np.testing.assert_array_equal(found, agop.agop_of(module, rows, batch=32))
    if at == 4:
        W = module[4].weight.detach().numpy()
        np.testing.assert_allclose(found, W.T @ W)


def test_places_add_up():
    places = np.random.default_rng(0).normal(size=(10, 5, 4))
    module = nn.Linear(4, 1, bias=False).double()
    w = module.weight.detach().numpy()
    np.testing.assert_allclose(agop.agop_of(module, places), 5 * w.T @ w)  # each place has its own answer
    images = np.random.default_rng(1).normal(size=(6, 2, 4, 3))
    torch.manual_seed(0)
    convolution = nn.Sequential(nn.Conv2d(2, 3, 2), nn.Tanh(), nn.Flatten(), nn.Linear(18, 2)).double()
    J = jacobians(convolution, images).reshape(6, -1, 3)
    np.testing.assert_allclose(agop.agop_of(convolution, images, batch=4), averaged(J), rtol=1e-9)


class Bags(nn.Module):
    """Tokens, their vectors, the mean of these, a map to two classes."""

    def __init__(self):
        super().__init__()
        self.vectors, self.rise, self.head = nn.Embedding(20, 6), nn.Linear(6, 5), nn.Linear(5, 2)

    def forward(self, tokens):
        return torch.softmax(self.head(torch.tanh(self.rise(self.vectors(tokens))).mean(1)), -1)


def test_tokens_stay_whole_numbers():
    torch.manual_seed(0)
    module, tokens = Bags().double(), np.random.default_rng(0).integers(0, 20, size=(12, 7))
    J = jacobians(lambda v: torch.softmax(module.head(torch.tanh(module.rise(v)).mean(1)), -1),
                  module.vectors(torch.as_tensor(tokens)).detach()).reshape(12, -1, 6)
    np.testing.assert_allclose(agop.agop_of(module, tokens, layer=module.rise, batch=5), averaged(J), rtol=1e-9)


def test_the_module_is_left_as_it_was(rows):
    module = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Dropout(0.5), nn.Linear(6, 2)).double()
    module[1].eval()  # as those do who tune a part only
    for parameter in module[0].parameters():
        parameter.requires_grad_(False)
    state = {name: value.clone() for name, value in module.state_dict().items()}
    with torch.no_grad():
        first, again = agop.agop_of(module, rows), agop.agop_of(module, rows)
    np.testing.assert_array_equal(first, again)  # nothing was dropped out
    modes = [True, True, False, True, True]
    assert [part.training for part in module.modules()] == modes
    assert all(parameter.grad is None for parameter in module.parameters())
    assert all(torch.equal(value, state[name]) for name, value in module.state_dict().items())
    assert not any(part._forward_pre_hooks for part in module.modules())
    with pytest.raises(RuntimeError):
        agop.agop_of(module, rows[:, :3])
    assert [part.training for part in module.modules()] == modes
    assert not any(part._forward_pre_hooks for part in module.modules())
    J = jacobians(module.eval(), rows)
    np.testing.assert_allclose(first, averaged(J), rtol=1e-9)


def test_a_layer_may_write_to_what_it_is_given(rows):
    torch.manual_seed(0)
    module = nn.Sequential(nn.ReLU(inplace=True), nn.Linear(4, 3), nn.ReLU(inplace=True), nn.Linear(3, 2)).double()
    before = rows.copy()
    for layer in (None, module[2]):
        plain = nn.Sequential(nn.ReLU(), module[1], nn.ReLU(), module[3])
        wanted = agop.agop_of(plain, rows, layer=None if layer is None else plain[2])
        np.testing.assert_array_equal(agop.agop_of(module, rows, layer=layer), wanted)
    np.testing.assert_array_equal(rows, before)


def test_rows_come_in_many_forms(rows):
    module = network()
    wanted = agop.agop_of(module, rows)
    locked = rows.copy()
    locked.flags.writeable = False
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for X in (locked, rows.tolist(), rows[::-1].copy()[::-1], np.asfortranarray(rows), torch.as_tensor(rows),
                  torch.tensor(rows, requires_grad=True)):
            np.testing.assert_allclose(agop.agop_of(module, X), wanted, rtol=1e-12)
    np.testing.assert_allclose(agop.agop_of(network().float(), rows), wanted, rtol=1e-4, atol=1e-6)
    whole = np.arange(24).reshape(6, 4) % 5
    np.testing.assert_array_equal(agop.agop_of(module, whole), agop.agop_of(module, whole.astype(float)))


class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.step, self.idle = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x):
        return self.step(torch.tanh(self.step(x)))


class Answers(nn.Module):
    def __init__(self, answer):
        super().__init__()
        self.answer = answer

    def forward(self, x):
        return self.answer(x)


def test_what_has_no_agop_is_refused(rows):
    module = Twice().double()
    for layer, times in ((module.step, 2), (module.idle, 0)):
        with pytest.raises(ValueError, match="reached %d times" % times):
            agop.agop_of(module, rows, layer=layer)
    with pytest.raises(ValueError, match="90 rows by <class 'tuple'>"):
        agop.agop_of(Answers(lambda x: (x, x)), rows)
    with pytest.raises(ValueError, match=r"90 rows by shape \(\)"):
        agop.agop_of(Answers(lambda x: x.sum()), rows)
    with pytest.raises(ValueError, match=r"shape \(90,\), where rows x inputs"):
        agop.agop_of(Answers(lambda x: x**2), rows[:, 0])
    with pytest.raises(ValueError, match="not for PyTorch"):
        agop.agop_of(module, rows, standardise=True)
    with pytest.raises(ValueError, match="infinite or NaN"):
        agop.agop_of(Answers(lambda x: x.sqrt()), np.zeros((3, 2)))
