# %% [markdown]
# # The AGOP of any model
# Which directions does a function look along? Ask a network, a forest, a formula.

# %%
import numpy as np
from sklearn.ensemble import RandomForestRegressor
from sklearn.neural_network import MLPRegressor

import agop

generator = np.random.default_rng(0)
X = generator.normal(size=(1000, 6))
direction = np.array([2.0, -1, 0, 0, 0, 0]) / np.sqrt(5)
y = np.tanh(2 * X @ direction)


def leading(M):
    """The top eigenvector's share of the trace, and how well it agrees with the truth."""
    values, vectors = np.linalg.eigh(M)
    return values[-1] / values.sum(), abs(vectors[:, -1] @ direction)


# %% A formula, by differences and by its own gradient.
def slope(rows):
    return 2 * (1 - np.tanh(2 * rows @ direction) ** 2)[:, None] * direction


exact = agop.agop(slope(X))
print("differences agree:", np.allclose(agop.agop_of(lambda rows: np.tanh(2 * rows @ direction), X, step=1e-4), exact))

# %% A network, a forest (a function of steps: differences have to be wide), and a Recursive Feature Machine.
network = MLPRegressor(hidden_layer_sizes=(50,), max_iter=500, random_state=0).fit(X, y)
forest = RandomForestRegressor(50, random_state=0).fit(X, y)
machine = agop.RFMRegressor().fit(X[:500], y[:500])
for name, M in (("network", agop.agop_of(network, X)), ("forest", agop.agop_of(forest, X[:200], step=0.5)),
                ("machine", machine.agop_)):
    share, agreement = leading(M)
    print(f"{name}: the top direction has more than half of the trace: {share > 0.5}, "
          f"agrees with the truth: {agreement > 0.9}")

# %% PyTorch modules and what goes into their layers: agop.agop_of(module, X, layer=module[2]), see its help.
